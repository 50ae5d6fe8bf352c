//! Putting a team into the organization that could not be made when the team was.

use super::{AWAITS_ORGANIZATION, Action, Written};
use crate::domain::{Limits, Name, OrganizationId, Source, Team, TeamId, TenantId, UserId};
use crate::store::keys::{self, GSI1};
use crate::store::organizations::SYNCED_NAME;
use crate::store::settle::Unsettled;
use crate::store::table::{Change, Condition, Query, in_partition, number, text};
use crate::store::team_members::JOINED_TEAMS;
use crate::store::{Error, Store, organizations, team_members, teams};

/// Members that are looked up at once.
const PAGE: usize = 25;
/// Attributes of a team that change with its place.
const PLACE: [&str; 7] = [
    "organization_id",
    "name",
    "limits",
    "version",
    "updated_at",
    "gsi1pk",
    "gsi1sk",
];

/// How a team is put into its organization.
#[derive(Clone, Copy, Debug)]
pub struct Move<'a> {
    /// The version that was read.
    pub version: u64,
    /// Its name from now on.
    pub name: &'a Name,
    /// Its limits from now on; `None`: they stay.
    pub limits: Option<&'a Limits>,
}

impl Store {
    /// Puts a team that waits for its organization into it, if it still is of this version, and the
    /// organization is there; and then its members. Only when all of them are in it the team waits no
    /// more: what is cut off goes on with the next login.
    pub async fn move_team(
        &self,
        (tenant, id): (&TenantId, &TeamId),
        organization: &OrganizationId,
        how: Move<'_>,
    ) -> Result<Written, Error> {
        let key = keys::team(tenant, id);
        let Some(item) = self.table.get(&key).await? else {
            return Ok(Written::Unchanged);
        };
        let is_live = !item.contains_key(teams::DELETED_AT);
        if !is_live || !item.contains_key(AWAITS_ORGANIZATION) {
            return Ok(Written::Unchanged);
        }
        let synced_name = item.get(SYNCED_NAME).cloned();
        let before = teams::from_row(item)?;
        match &before.organization_id {
            // All but its members, by a login that was cut off.
            Some(found) if found == organization => {}
            Some(_) => return Ok(Written::Unchanged),
            None => {
                let is_synced = synced_name == Some(text(before.name.as_str()));
                let put = self.put_into(&before, organization, how, is_synced).await?;
                if put != Written::Done {
                    return Ok(put);
                }
            }
        }
        self.move_team_members(tenant, id, organization).await?;
        let done = Change::new().remove(AWAITS_ORGANIZATION);
        let there = teams::is_there();
        self.table.update(&key, done, there).await?;
        Ok(Written::Done)
    }

    /// The team itself, with its name.
    async fn put_into(
        &self,
        before: &Team,
        organization: &OrganizationId,
        how: Move<'_>,
        is_synced_name: bool,
    ) -> Result<Written, Error> {
        if before.version != how.version {
            return Ok(Written::Unchanged);
        }
        let after = Team {
            organization_id: Some(organization.clone()),
            name: how.name.clone(),
            limits: how.limits.unwrap_or(&before.limits).clone(),
            version: before.version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let row = teams::to_row(&after)?;
        let mut change = PLACE.iter().fold(Change::new(), |change, attribute| {
            change.take(attribute, &row)
        });
        if is_synced_name {
            change = change.set(SYNCED_NAME, text(after.name.as_str()));
        }
        let waits = Condition::new(format!(
            "#version = :before AND attribute_exists(#{AWAITS_ORGANIZATION})"
        ))
        .value(":before", number(before.version))
        .and(teams::is_there());
        let mut transaction = self.transaction();
        let key = keys::team(&before.tenant_id, &before.id);
        transaction.update(Action::Made, &key, change, waits);
        let key = keys::organization(&before.tenant_id, organization);
        transaction.check(Action::Organization, &key, organizations::live());
        teams::reserve_team_name(&mut transaction, Action::Name, &after)?;
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Written::Done);
        };
        let is_as_read = unmet.of(&Action::Made).or(unmet.of(&Action::Organization));
        Ok(match is_as_read {
            None => Written::NameTaken,
            Some(_) => Written::Unchanged,
        })
    }

    async fn move_team_members(
        &self,
        tenant: &TenantId,
        team: &TeamId,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let partition = keys::team_partition(tenant, team);
        let mut after = None;
        loop {
            let page = self
                .table
                .query(Query {
                    index: Some(GSI1),
                    condition: in_partition(Some(GSI1), partition.clone(), "USER#".to_owned()),
                    filter: None,
                    after,
                    limit: PAGE,
                })
                .await?;
            let mut last = None;
            for item in page.items {
                let user = team_members::from_row(item)?.user_id;
                self.move_team_membership((tenant, team), &user, organization)
                    .await?;
                last = Some(user);
            }
            let (Some(_), Some(user)) = (page.next, last) else {
                return Ok(());
            };
            let mut place = keys::team_membership(tenant, &user, team).attributes();
            place.extend(keys::team_member(tenant, team, &user).attributes_of(GSI1));
            after = Some(place);
        }
    }

    /// Puts the organization of a team on a membership in it, so that leaving the organization leaves
    /// the team. It is not part of what the API shows: the version stays.
    ///
    /// A user who was put into the team by hand and is not in the organization is taken out: a team of an
    /// organization has its members alone.
    pub async fn move_team_membership(
        &self,
        (tenant, team): (&TenantId, &TeamId),
        user: &UserId,
        organization: &OrganizationId,
    ) -> Result<Written, Error> {
        let key = keys::team_membership(tenant, user, team);
        let own = keys::membership(tenant, user, organization);
        let moved = || {
            Change::new()
                .set("organization_id", text(organization.as_str()))
                .remove(AWAITS_ORGANIZATION)
        };
        let (key, own, moved) = (&key, &own, &moved);
        self.until_settled("move_team_membership", |_| async move {
            let mut transaction = self.transaction();
            transaction.update(Action::Team, key, moved(), without_organization());
            let join = Change::new().add(JOINED_TEAMS, 1);
            transaction.touch(Action::Membership, own, join, Condition::present());
            let Err(unmet) = transaction.commit().await? else {
                return Ok(Written::Done);
            };
            if unmet.of(&Action::Team).is_some() {
                return Ok(Written::Unchanged);
            }
            // The directory's: the membership in the organization is made with the next login.
            let synced = without_organization().and(of_source(Source::Entra));
            if self.table.update(key, moved(), synced).await? {
                return Ok(Written::Done);
            }
            let mut transaction = self.transaction();
            let by_hand = without_organization().and(of_source(Source::Manual));
            transaction.delete(Action::Team, key, by_hand);
            transaction.check(Action::Membership, own, Condition::absent());
            if transaction.commit().await?.is_ok() {
                return Ok(Written::Done);
            }
            // In the organization since, or out of the team.
            Err(Unsettled::Overtaken)
        })
        .await
    }
}

/// That a team membership is there, and says nothing of an organization.
fn without_organization() -> Condition {
    Condition::new("attribute_exists(#pk) AND attribute_not_exists(#organization_id)")
}

fn of_source(source: Source) -> Condition {
    Condition::new("#source = :source").value(":source", text(source.as_str()))
}
