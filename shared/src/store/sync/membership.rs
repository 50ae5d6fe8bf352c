//! Joining and leaving.

use crate::store::table::{Change, Condition, Transaction, number, text};
use crate::store::{Error, Store, keys, members, team_members};
use std::collections::BTreeSet;

use super::{
    AWAITS_ORGANIZATION, Action, CurrentMemberships, SUSPENDED_BY, SYNCED_ROLE, Written, left, made,
};
use crate::domain::{Membership, OrganizationId, Role, Source, Status, TeamId, TeamMembership};
use crate::store::team_members::JOINED_TEAMS;

impl Store {
    /// Puts a user into an organization, if they are not in it.
    pub async fn join_organization(&self, membership: &Membership) -> Result<Written, Error> {
        let mut item = members::to_row(membership)?;
        // The team of the same group is joined with it: removing the user looks for it.
        item.insert(JOINED_TEAMS.to_owned(), number(1));
        let role = text(membership.role.as_str());
        item.insert(SYNCED_ROLE.to_owned(), role);
        Ok(self.table.create(item).await?.into())
    }

    /// Puts a user into a team, if they are not in it. Where they had been in its organization by
    /// hand, that membership tells of it from now on. `awaited` is the organization of a team that is
    /// standalone because it could not be made.
    pub async fn join_team(
        &self,
        membership: &TeamMembership,
        awaited: Option<&OrganizationId>,
        current: &CurrentMemberships,
    ) -> Result<Written, Error> {
        let mut item = team_members::to_row(membership)?;
        if let Some(awaited) = awaited {
            let awaited = text(awaited.as_str());
            item.insert(AWAITS_ORGANIZATION.to_owned(), awaited);
        }
        let TeamMembership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = membership;
        let held = organization_id
            .as_ref()
            .filter(|id| current.organizations.contains_key(id));
        let Some(organization) = held else {
            return Ok(self.table.create(item).await?.into());
        };
        let mut transaction = self.transaction();
        transaction.put(Action::Made, item, Condition::absent());
        let key = keys::membership(tenant_id, user_id, organization);
        let join = Change::new().add(JOINED_TEAMS, 1);
        transaction.touch(Action::Membership, &key, join, Condition::present());
        Ok(made(transaction.commit().await?))
    }

    /// Writes the status of a membership, if it still is of this version and source: its organization
    /// keeps count of its active owners, of whom the last one stays. A suspension is marked as one of
    /// the sync.
    pub async fn change_synced_membership(
        &self,
        before: &Membership,
        status: Status,
    ) -> Result<Written, Error> {
        let after = Membership {
            status,
            ..before.clone()
        };
        let marks = marks_of(status);
        self.write_synced_membership(before, after, marks).await
    }

    /// Ends a suspension that the sync made, changes the role to the one that the directory gives, or
    /// both, if the membership still is of this version and source.
    pub async fn follow_synced_membership(
        &self,
        before: &Membership,
        (status, role): (Status, Option<Role>),
    ) -> Result<Written, Error> {
        let after = Membership {
            status,
            role: role.unwrap_or(before.role),
            ..before.clone()
        };
        let mut marks = Change::new();
        if status != before.status {
            marks = marks.remove(SUSPENDED_BY);
        }
        if let Some(role) = role {
            marks = marks.set(SYNCED_ROLE, text(role.as_str()));
        }
        self.write_synced_membership(before, after, marks).await
    }

    async fn write_synced_membership(
        &self,
        before: &Membership,
        after: Membership,
        marks: Change,
    ) -> Result<Written, Error> {
        let after = Membership {
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..after
        };
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let change = members::change_to(&after).and(marks);
        let condition = members::unchanged(before);
        if before.is_active_owner() == after.is_active_owner() {
            return Ok(self.table.update(&key, change, condition).await?.into());
        }
        let mut transaction = self.transaction();
        transaction.update(Action::Membership, &key, change, condition);
        count_owners(&mut transaction, before, Some(&after));
        Ok(left(transaction.commit().await?)?)
    }

    /// Makes an open invitation active, if it still is as it was read, on the condition that its inviter may
    /// still give its role. Otherwise the membership becomes a synced one with the role that the directory
    /// gives, on the opposite condition: an inviter who regains the right in between leaves the invitation open
    /// for the next login.
    pub async fn accept_synced_invitation(
        &self,
        before: &Membership,
        role: Role,
    ) -> Result<Written, Error> {
        let after = before.activated(self.clock.now());
        let inviter = match members::inviter_of(before) {
            Err(_) => None,
            Ok(inviter) => {
                let mut transaction = self.transaction();
                if let Some((key, may)) = &inviter {
                    transaction.check(Action::Inviter, key, may.clone());
                }
                activate_synced(&mut transaction, before, &after, Change::new());
                match transaction.commit().await? {
                    Err(unmet) if unmet.only(&Action::Inviter) => {}
                    committed => return Ok(left(committed)?),
                }
                inviter
            }
        };
        let after = Membership {
            role,
            source: Source::Entra,
            ..after
        };
        let change = Change::new()
            .set("source", text(after.source.as_str()))
            .set(SYNCED_ROLE, text(role.as_str()))
            .remove("invited_by_user_id");
        let mut transaction = self.transaction();
        if let Some((key, may)) = inviter {
            transaction.check(Action::Inviter, &key, may.negated());
        }
        activate_synced(&mut transaction, before, &after, change);
        Ok(left(transaction.commit().await?)?)
    }

    /// Takes a user out of an organization, if the membership still is of this version and made by
    /// the sync, and with it out of the organization's teams but for those in `apart`.
    pub async fn leave_organization(
        &self,
        before: &Membership,
        current: &CurrentMemberships,
        apart: &BTreeSet<TeamId>,
    ) -> Result<Written, Error> {
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let joined = current.joined_teams.get(organization_id).cloned().flatten();
        let condition = members::unchanged(before).and(members::joined_no_more_teams(joined));
        let mut teams: Vec<_> = current
            .teams
            .values()
            .filter(|team| team.organization_id.as_ref() == Some(organization_id))
            .filter(|team| !apart.contains(&team.team_id))
            .map(|team| keys::team_membership(tenant_id, user_id, &team.team_id))
            .collect();
        if teams.is_empty() && !before.is_active_owner() {
            return Ok(self.table.delete(&key, condition).await?.into());
        }
        loop {
            let rest = teams.split_off(teams.len().min(members::MOST_TEAMS));
            let mut transaction = self.transaction();
            for team in &teams {
                let of_organization = members::of_organization(organization_id);
                transaction.delete(Action::Team, team, of_organization);
            }
            if rest.is_empty() {
                transaction.delete(Action::Membership, &key, condition);
                count_owners(&mut transaction, before, None);
                return Ok(left(transaction.commit().await?)?);
            }
            // More than one transaction holds: some teams first, and the membership at the end.
            transaction.check(Action::Membership, &key, condition.clone());
            if before.is_active_owner() {
                let organization = keys::organization(tenant_id, organization_id);
                let another = members::another_owner();
                transaction.check(Action::Organization, &organization, another);
            }
            if let Err(unmet) = transaction.commit().await? {
                return Ok(left(Err(unmet))?);
            }
            teams = rest;
        }
    }

    /// Writes the status of a team membership, if it still is of this version and source. A suspension
    /// is marked as one of the sync.
    pub async fn change_synced_team_membership(
        &self,
        before: &TeamMembership,
        status: Status,
    ) -> Result<Written, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        let change = Change::new()
            .set("status", text(status.as_str()))
            .set("version", number(before.version + 1))
            .set("updated_at", text(self.clock.now().to_string()))
            .and(marks_of(status));
        Ok(self
            .table
            .update(&key, change, unchanged(before))
            .await?
            .into())
    }

    /// Takes a user out of a team, if the membership still is of this version and made by the sync.
    pub async fn leave_team(&self, before: &TeamMembership) -> Result<Written, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        Ok(self.table.delete(&key, unchanged(before)).await?.into())
    }
}

/// Who suspended it, when it is suspended; nobody otherwise.
fn marks_of(status: Status) -> Change {
    match status {
        Status::Suspended => Change::new().set(SUSPENDED_BY, text(Source::Entra.as_str())),
        Status::Active | Status::Invited => Change::new().remove(SUSPENDED_BY),
    }
}

/// That a team membership is the one that was read, as it was read. Its version alone would not tell:
/// one that was deleted and created again starts at 1.
fn unchanged(before: &TeamMembership) -> Condition {
    Condition::new("#version = :before AND #source = :source AND #created_at = :created_at")
        .value(":before", number(before.version))
        .value(":source", text(before.source.as_str()))
        .value(":created_at", text(before.created_at.to_string()))
}

fn count_owners(
    transaction: &mut Transaction<'_, Action>,
    before: &Membership,
    after: Option<&Membership>,
) {
    let key = keys::organization(&before.tenant_id, &before.organization_id);
    let is_owner = after.is_some_and(Membership::is_active_owner);
    match (before.is_active_owner(), is_owner) {
        (true, false) => {
            let change = Change::new().add("owner_count", -1);
            let another = members::another_owner();
            transaction.touch(Action::Organization, &key, change, another);
        }
        (false, true) => {
            let change = Change::new().add("owner_count", 1);
            let present = Condition::present();
            transaction.touch(Action::Organization, &key, change, present);
        }
        _ => {}
    }
}

fn activate_synced(
    transaction: &mut Transaction<'_, Action>,
    before: &Membership,
    after: &Membership,
    change: Change,
) {
    let key = keys::membership(&before.tenant_id, &before.user_id, &before.organization_id);
    let change = members::also_change_to(change, after);
    let condition = members::unchanged(before);
    transaction.update(Action::Membership, &key, change, condition);
    count_owners(transaction, before, Some(after));
}
