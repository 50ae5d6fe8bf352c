//! Erases the personal data of a user. Only their id remains, in the items of others.
//!
//! Each step leaves a state that a repeated call continues from. The profile is marked first, and deleted last.

mod events;

use std::time::Duration;

use super::UserAction;
use crate::domain::{
    Caller, EventDraft, EventType, ExpectedVersion, Membership, Organization, Origin, Target,
    TenantId, Timestamp, Transition, User, UserId, UserStatus,
};
use crate::store::access;
use crate::store::keys::{self, Key, MEMBERSHIP_PREFIX, TEAM_MEMBERSHIP_PREFIX};
use crate::store::rows::members::{JOINED_TEAMS, MOST_TEAMS};
use crate::store::rows::users::{
    ERASING, from_row, hold_enabled, is_erasing, require_enabled, unchanged,
};
use crate::store::rows::{members, organizations, team_members};
use crate::store::settle::Unsettled;
use crate::store::table::{
    Condition, Item, ItemChange, Transaction, in_partition, key_of, number, text,
};
use crate::store::{Context, Error, Refusal, Store};

/// Attribute of a profile: the status that the user had before they were being erased.
const STATUS_BEFORE: &str = "status_before";
/// Attribute of a profile that is being erased: for each partition of events, the last event from which their personal
/// details were removed, as JSON; `null` if the partition is done.
const ERASED_EVENTS: &str = "erased_events";
/// How long one call works. A function may run for 10 s.
const BUDGET: Duration = Duration::from_secs(6);

/// The removal of what a user has.
struct Removal<'a> {
    tenant: &'a TenantId,
    user: &'a UserId,
    /// The origin of the erasure. Of the user, it contains only the id.
    origin: Origin,
    /// The caller, who must not be disabled; `None` at a login.
    caller: Option<&'a Caller>,
}

/// All items of a user.
#[derive(Default)]
struct UserItems {
    profile: Option<Item>,
    memberships: Vec<Item>,
    team_memberships: Vec<Item>,
    others: Vec<Key>,
}

impl UserItems {
    fn is_only_profile(&self) -> bool {
        self.memberships.is_empty() && self.team_memberships.is_empty() && self.others.is_empty()
    }
}

impl Store {
    /// Erases a user: memberships, team memberships, their address in invitations, their personal details in events, and
    /// the profile. Requires a
    /// tenant admin who is not disabled. Succeeds if the user is not known.
    ///
    /// Refuses if they are the last owner of an organization that is not purged, and then changes nothing. If they
    /// become the last owner meanwhile, it refuses too and gives the status back, but what was removed before stays
    /// removed. Returns [`Refusal::Unfinished`] when the time is up; a repeated call continues.
    pub async fn erase_user(
        &self,
        cx: &Context,
        user: &UserId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        access::require_tenant_admin(&cx.caller)?;
        let erasure = self.until_settled("erase_user", |now| self.erase(cx, user, expected, now));
        tokio::time::timeout(BUDGET, Box::pin(erasure))
            .await
            .unwrap_or_else(|_| Err(Refusal::Unfinished.into()))
    }

    async fn erase(
        &self,
        cx: &Context,
        user: &UserId,
        expected: &ExpectedVersion,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let caller = &cx.caller;
        let own = keys::user(&caller.tenant_id, &caller.user_id);
        let own = async { Ok(self.table.get(&own).await?) };
        let all = self.all_of(&caller.tenant_id, user);
        let (found, own) = tokio::try_join!(all, own)?;
        require_enabled(own.as_ref().filter(|_| caller.user_id != *user))?;
        let removal = Removal {
            tenant: &caller.tenant_id,
            user,
            origin: cx.origin.clone().without(user),
            // A caller who erases themselves was checked when they were marked.
            caller: Some(caller).filter(|caller| caller.user_id != *user),
        };
        let Some(profile) = &found.profile else {
            // A login that was under way when the user was erased can leave something behind.
            return self.remove_all(&removal, &found, None, now).await;
        };
        let before = from_row(profile)?;
        if !before.is_being_erased {
            if caller.user_id == *user {
                require_enabled(Some(profile))?;
            }
            expected.require(before.version)?;
            self.require_other_owners(&found).await?;
            return self.mark_erasing(&removal, &before, now).await;
        }
        self.remove_all(&removal, &found, Some(profile), now)
            .await?;
        if !found.is_only_profile() {
            return Err(Unsettled::Partial);
        }
        let hold = |transaction: &mut Transaction<'_, _>| {
            removal.hold_caller(transaction);
        };
        self.erase_invitations(&before, &removal.origin, hold, now)
            .await?;
        self.erase_events(&removal, profile).await?;
        self.delete_profile(&removal, &before).await
    }

    /// Reads the partition of a user.
    async fn all_of(&self, tenant: &TenantId, user: &UserId) -> Result<UserItems, Error> {
        let partition = keys::user_partition(tenant, user);
        let all = in_partition(None, partition.clone(), String::new());
        let items = self.table.query_all(&partition, all, None).await?;
        let mut found = UserItems::default();
        for item in items {
            let key = key_of(&item)?;
            if key == keys::user(tenant, user) {
                found.profile = Some(item);
            } else if key.sk.starts_with(MEMBERSHIP_PREFIX) {
                found.memberships.push(item);
            } else if key.sk.starts_with(TEAM_MEMBERSHIP_PREFIX) {
                found.team_memberships.push(item);
            } else {
                found.others.push(key);
            }
        }
        Ok(found)
    }

    /// Returns the organizations of memberships with their items.
    async fn organizations_in(
        &self,
        memberships: &[Membership],
    ) -> Result<Vec<(Organization, Item)>, Error> {
        let keys = memberships
            .iter()
            .map(|one| keys::organization(&one.tenant_id, &one.organization_id));
        let keys: Vec<_> = keys.collect();
        let items = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        let items = items.into_values();
        let organizations = items.map(|item| Ok((organizations::from_row(&item)?, item)));
        organizations.collect()
    }

    /// Refuses if the user is the last owner of an organization.
    async fn require_other_owners(&self, found: &UserItems) -> Result<(), Error> {
        let owned = found.memberships.iter().map(members::from_row);
        let owned: Vec<_> = owned.collect::<Result<_, _>>()?;
        let owned: Vec<_> = owned
            .into_iter()
            .filter(Membership::is_active_owner)
            .collect();
        let now = self.clock.now();
        let mut last_of: Vec<_> = self.organizations_in(&owned).await?;
        last_of.retain(|(organization, item)| {
            !organization.is_purged(now) && !organizations::has_another_owner(item)
        });
        if last_of.is_empty() {
            return Ok(());
        }
        let mut last_of: Vec<_> = last_of.into_iter().map(|(it, _)| it).collect();
        last_of.sort_by(|one, other| one.id.cmp(&other.id));
        Err(Refusal::LastOwnerOf(last_of).into())
    }

    /// Marks the profile. From now on the user has no access, and cannot be added to anything.
    async fn mark_erasing(
        &self,
        removal: &Removal<'_>,
        before: &User,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let mut transaction = self.unrecorded();
        let change = ItemChange::new()
            .set("status", text(ERASING))
            .set(STATUS_BEFORE, text(before.status.as_str()))
            .set("version", number(before.version + 1))
            .set("updated_at", text(now.to_string()));
        let key = keys::user(&before.tenant_id, &before.user_id);
        transaction.update(UserAction::User, &key, change, unchanged(before));
        removal.hold_caller(&mut transaction);
        match transaction.commit().await? {
            Ok(()) => Err(Unsettled::Partial),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Gives a user the status back that they had before.
    async fn unmark_erasing(&self, profile: &Item) -> Result<(), Error> {
        let before = from_row(profile)?;
        let disabled = || text(UserStatus::Disabled.as_str());
        let status = profile.get(STATUS_BEFORE).cloned();
        let change = ItemChange::new()
            .set("status", status.unwrap_or_else(disabled))
            .remove(STATUS_BEFORE)
            .remove(ERASED_EVENTS)
            .set("version", number(before.version + 1));
        let key = keys::user(&before.tenant_id, &before.user_id);
        self.table.update(&key, change, is_erasing()).await?;
        Ok(())
    }

    /// Removes the memberships, team memberships and other items of a user, each with its event.
    async fn remove_all(
        &self,
        removal: &Removal<'_>,
        found: &UserItems,
        profile: Option<&Item>,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let user = removal.user;
        let teams = found.team_memberships.iter().map(team_members::from_row);
        let mut teams: Vec<_> = teams.collect::<Result<_, _>>()?;
        let memberships = found.memberships.iter().map(members::from_row);
        let memberships: Vec<_> = memberships.collect::<Result<_, _>>()?;
        let organizations = self.organizations_in(&memberships).await?;
        for (membership, item) in memberships.iter().zip(&found.memberships) {
            let id = &membership.organization_id;
            let organization = organizations.iter().map(|(organization, _)| organization);
            let organization = organization.filter(|it| !it.is_purged(now));
            let organization = { organization }.find(|it| it.id == *id);
            let of_organization =
                teams.extract_if(.., |team| team.organization_id.as_ref() == Some(id));
            let keys = of_organization
                .map(|team| keys::team_membership(&team.tenant_id, user, &team.team_id));
            let keys: Vec<_> = keys.collect();
            let removed = self.remove_membership(removal, membership, item, keys, organization);
            match removed.await {
                Err(Unsettled::Failed(Error::Refused(Refusal::LastOwnerOf(it)))) => {
                    // Another owner left meanwhile.
                    if let Some(profile) = profile {
                        self.unmark_erasing(profile).await?;
                    }
                    return Err(Refusal::LastOwnerOf(it).into());
                }
                removed => removed?,
            }
        }
        for team in teams {
            let removed = Transition::Removed(&team);
            let event = EventType::TeamMembershipRemoved;
            let event = EventDraft::team_membership(event, removed, None);
            let mut transaction = self.transaction(&removal.origin, [event])?;
            let key = keys::team_membership(&team.tenant_id, user, &team.team_id);
            transaction.delete(UserAction::Membership, &key, team_members::as_read(&team));
            removal.hold_caller(&mut transaction);
            if transaction.commit().await?.is_err() {
                return Err(Unsettled::Overtaken);
            }
        }
        for others in found.others.chunks(25) {
            self.table.delete_batch(others).await?;
        }
        Ok(())
    }

    /// Removes a user from an organization and these teams of it.
    async fn remove_membership(
        &self,
        removal: &Removal<'_>,
        before: &Membership,
        item: &Item,
        mut teams: Vec<Key>,
        organization: Option<&Organization>,
    ) -> Result<(), Unsettled> {
        let (tenant, user) = (&before.tenant_id, &before.user_id);
        let id = &before.organization_id;
        loop {
            let rest = teams.split_off(teams.len().min(MOST_TEAMS));
            let left = teams.iter().filter_map(keys::team_in).collect::<Vec<_>>();
            let left = left.iter().map(|team| Target::team(team, None));
            let event = if rest.is_empty() {
                let removed = Transition::Removed(before);
                let name = organization.map(|it| &it.name);
                EventDraft::membership(EventType::MembershipRemoved, removed, name)
                    .with_targets(left)
            } else {
                EventDraft::left_teams(tenant, user, id, left)
            };
            let mut transaction = self.transaction(&removal.origin, [event])?;
            for team in &teams {
                transaction.delete(UserAction::Team, team, members::of_organization(id));
            }
            let key = keys::membership(tenant, user, id);
            if rest.is_empty() {
                let joined = item.get(JOINED_TEAMS).cloned();
                let condition =
                    members::unchanged(before).and(members::joined_no_more_teams(joined));
                transaction.delete(UserAction::Membership, &key, condition);
            } else {
                transaction.check(UserAction::Membership, &key, members::unchanged(before));
            }
            // An organization that is deleted counts its owners too, until it is purged.
            if before.is_active_owner() && organization.is_some() {
                let key = keys::organization(tenant, id);
                let (label, present) = (UserAction::Organization, Condition::present());
                if rest.is_empty() {
                    organizations::count_owners(&mut transaction, label, &key, -1, present);
                } else {
                    transaction.check(label, &key, organizations::another_owner());
                }
            }
            removal.hold_caller(&mut transaction);
            if let Err(unmet) = transaction.commit().await? {
                if unmet.of(&UserAction::Membership).is_none()
                    && let Some(Some(_)) = unmet.of(&UserAction::Organization)
                    && let Some(organization) = organization
                {
                    return Err(Refusal::LastOwnerOf(vec![organization.clone()]).into());
                }
                return Err(Unsettled::Overtaken);
            }
            if rest.is_empty() {
                return Ok(());
            }
            teams = rest;
        }
    }

    async fn delete_profile(&self, removal: &Removal<'_>, before: &User) -> Result<(), Unsettled> {
        let unnamed = User {
            display_name: None,
            ..before.clone()
        };
        let bare = Transition::Changed(&unnamed, &unnamed);
        let event = EventDraft::user(EventType::UserErased, bare);
        let mut transaction = self.transaction(&removal.origin, [event])?;
        let key = keys::user(&before.tenant_id, &before.user_id);
        transaction.delete(UserAction::User, &key, is_erasing());
        removal.hold_caller(&mut transaction);
        match transaction.commit().await? {
            Ok(()) => Ok(()),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Removes what a login made for a user who has been erased, or is being erased. Returns whether they are.
    pub async fn remove_from_erased(
        &self,
        tenant: &TenantId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let removal = Removal {
            tenant,
            user,
            origin: origin.clone().without(user),
            caller: None,
        };
        let removal = &removal;
        self.until_settled("remove_from_erased", |now| async move {
            let profile = self.table.get(&keys::user(tenant, user)).await?;
            if let Some(profile) = profile
                && !from_row(&profile)?.is_being_erased
            {
                return Ok(false);
            }
            let found = self.all_of(tenant, user).await?;
            self.remove_all(removal, &found, None, now).await?;
            Ok(true)
        })
        .await
    }
}

impl Removal<'_> {
    /// Makes the transaction conditional on the caller not being disabled.
    fn hold_caller<L: Copy + PartialEq>(&self, transaction: &mut Transaction<'_, L>) {
        if let Some(caller) = self.caller {
            hold_enabled(transaction, caller);
        }
    }
}

#[cfg(test)]
mod tests;
