//! Permissions: evaluated on read, and enforced as conditions of writes.

use crate::store::rows::{members, names, organizations, users};
use crate::store::table::{Condition, Item, ItemChange, Transaction, Unmet, from_item, text};
use crate::store::{Error, Refusal, table};
use serde::Deserialize;
use std::collections::HashMap;

use super::Store;
use super::keys::{self, Key};
use crate::domain::{
    Caller, FoldedName, Membership, Organization, OrganizationId, Permission, Role, Status,
    TenantId, Timestamp, UserId,
};

/// The standing of a caller in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A tenant admin: has the permissions of an owner.
    TenantAdmin,
    /// An active member.
    Member(Role),
}

impl Standing {
    pub(super) fn require(self, permission: Permission) -> Result<(), Refusal> {
        if self.grants(permission) {
            Ok(())
        } else {
            Err(Refusal::Forbidden)
        }
    }

    pub(super) fn grants(self, permission: Permission) -> bool {
        match self {
            Self::TenantAdmin => true,
            Self::Member(role) => role.grants(permission),
        }
    }

    /// Like [`Role::reaches`].
    pub(super) fn reaches(self, other: Role) -> bool {
        match self {
            Self::TenantAdmin => true,
            Self::Member(role) => role.reaches(other),
        }
    }
}

/// Returns the caller's standing by the membership read. The organization does not exist for callers who are
/// not active members.
pub(super) fn standing(caller: &Caller, own: Option<&Membership>) -> Result<Standing, Refusal> {
    standing_of(caller, own.map(|own| (own.role, own.status)))
}

fn standing_of(caller: &Caller, own: Option<(Role, Status)>) -> Result<Standing, Refusal> {
    match own {
        _ if caller.tenant_admin => Ok(Standing::TenantAdmin),
        Some((role, Status::Active)) => Ok(Standing::Member(role)),
        _ => Err(Refusal::NotFound),
    }
}

/// Requires a tenant admin. The right comes from the token: no write needs a condition for it.
pub(super) fn require_tenant_admin(caller: &Caller) -> Result<(), Refusal> {
    if caller.tenant_admin {
        Ok(())
    } else {
        Err(Refusal::Forbidden)
    }
}

/// Permission that the caller of a write must have when it is applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement {
    /// The required permission.
    pub permission: Permission,
    /// The highest role that the write concerns, if any.
    pub reach: Option<Role>,
}

impl Requirement {
    fn roles(self) -> impl Iterator<Item = Role> {
        Role::granting(self.permission)
            .filter(move |role| self.reach.is_none_or(|other| role.reaches(other)))
    }

    /// Returns the condition that the caller's membership is active and has one of the required roles.
    pub(super) fn condition(self) -> Condition {
        let roles: Vec<_> = self.roles().enumerate().collect();
        let placeholders: Vec<_> = roles.iter().map(|(n, _)| format!(":role{n}")).collect();
        let condition = Condition::new(format!(
            "#status = :active AND #role IN ({})",
            placeholders.join(", ")
        ))
        .value(":active", text(Status::Active.as_str()));
        roles.iter().fold(condition, |condition, (n, role)| {
            condition.value(&format!(":role{n}"), text(role.as_str()))
        })
    }
}

/// Adds the requirement to the transaction by setting `last_active_at` on the caller's membership. In the table
/// this costs as much as a condition check without a change; it adds one write to the index. The caller must not be
/// disabled. A tenant admin's permission comes from the token and needs no check.
pub(super) fn require<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    caller: &Caller,
    organization: &OrganizationId,
    requirement: Requirement,
    now: Timestamp,
) {
    if caller.tenant_admin {
        return;
    }
    let key = keys::membership(&caller.tenant_id, &caller.user_id, organization);
    let stamp = ItemChange::new().set("last_active_at", text(now.to_string()));
    transaction.touch(label, &key, stamp, requirement.condition());
    users::hold_enabled(transaction, caller);
}

/// Makes the transaction conditional on the caller not being disabled, where [`require`] does not. A tenant admin's
/// permission comes from the token.
pub(super) fn require_enabled<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    caller: &Caller,
) {
    if !caller.tenant_admin {
        users::hold_enabled(transaction, caller);
    }
}

/// The right with which someone was invited to an organization.
#[derive(Clone, Copy)]
pub(super) struct RightToInvite<'a> {
    pub tenant: &'a TenantId,
    pub organization: &'a OrganizationId,
    pub inviter: &'a UserId,
    /// The role that the invitation grants.
    pub role: Role,
    /// Whether it came from the token of a tenant admin or a machine.
    pub from_token: bool,
}

impl RightToInvite<'_> {
    /// Returns the conditions under which the inviter still has it, with the keys of their items: their membership is
    /// active, with the permission to manage members and a role that reaches the granted one; and they are not disabled.
    /// For a right that came from a token only the latter, which also holds without a profile: machines and erased users
    /// have none.
    pub(super) fn conditions(self) -> Vec<(Key, Condition)> {
        let profile = keys::user(self.tenant, self.inviter);
        let enabled = (profile, users::is_enabled());
        if self.from_token {
            return vec![enabled];
        }
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: Some(self.role),
        };
        let membership = keys::membership(self.tenant, self.inviter, self.organization);
        vec![(membership, requirement.condition()), enabled]
    }
}

/// Returns the refusal if the condition on the caller's membership failed.
pub(super) fn refusal<L: PartialEq>(unmet: &Unmet<L>, label: &L) -> Option<Refusal> {
    let item = unmet.of(label)?;
    let active = item.and_then(|item| item.get("status")) == Some(&text(Status::Active.as_str()));
    Some(if active {
        Refusal::Forbidden
    } else {
        Refusal::NotFound
    })
}

/// The attributes of a membership on which a standing depends.
#[derive(Deserialize)]
struct StandingRow {
    role: Role,
    status: Status,
}

/// The items that a decision depends on, read in one call.
pub(super) struct View {
    items: HashMap<Key, Item>,
}

impl View {
    /// Returns the organization, live or deleted, unless it is purged.
    pub(super) fn any_organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        now: Timestamp,
    ) -> Result<Organization, Error> {
        let item = self.items.get(&keys::organization(&caller.tenant_id, id));
        let item = item.ok_or(Refusal::NotFound)?;
        let organization = organizations::from_row(item)?;
        if organization.is_purged(now) {
            return Err(Refusal::NotFound.into());
        }
        Ok(organization)
    }

    /// Returns the organization if it is live.
    pub(super) fn organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        now: Timestamp,
    ) -> Result<Organization, Error> {
        let organization = self.any_organization(caller, id, now)?;
        if organization.is_live() {
            Ok(organization)
        } else {
            Err(Refusal::NotFound.into())
        }
    }

    /// Returns the name under which an organization that was read is reserved.
    pub(super) fn reserved_name(&self, organization: &Organization) -> FoldedName {
        let key = keys::organization(&organization.tenant_id, &organization.id);
        match self.items.get(&key) {
            Some(item) => organizations::reserved_name(item, organization),
            None => organization.name.folded(),
        }
    }

    /// Returns whether each member of the organization has events.
    pub(super) fn counts_from_start(&self, caller: &Caller, id: &OrganizationId) -> bool {
        let item = self.items.get(&keys::organization(&caller.tenant_id, id));
        item.is_some_and(|item| item.contains_key(organizations::COUNTS_FROM_START))
    }

    /// Returns the standing of a caller whose membership was read, like [`standing`].
    pub(super) fn standing(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
    ) -> Result<Standing, Error> {
        let own = self.items.get(&own_key(caller, organization));
        let own: Option<StandingRow> = own.map(from_item).transpose()?;
        Ok(standing_of(caller, own.map(|own| (own.role, own.status)))?)
    }

    /// Returns a membership by its key.
    pub(super) fn membership(&self, key: &Key) -> Result<Option<Membership>, table::Error> {
        let item = self.items.get(key);
        item.map(members::from_row).transpose()
    }

    /// Refuses a caller whose profile was read and is disabled. A tenant admin's permission comes from the token.
    pub(super) fn require_enabled(&self, caller: &Caller) -> Result<(), Refusal> {
        if caller.tenant_admin {
            return Ok(());
        }
        let key = keys::user(&caller.tenant_id, &caller.user_id);
        users::require_enabled(self.items.get(&key))
    }

    /// Returns the name of a user whose profile or membership in the organization was read.
    pub(super) fn name_of(
        &self,
        caller: &Caller,
        user: &UserId,
        organization: Option<&OrganizationId>,
    ) -> Option<&str> {
        let tenant = &caller.tenant_id;
        let membership = organization.map(|id| keys::membership(tenant, user, id));
        let keys = [Some(keys::user(tenant, user)), membership];
        let mut found = keys.iter().flatten().filter_map(|key| self.item(key));
        found.find_map(names::display_name)
    }

    /// Adds all items of another view.
    pub(super) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
    }

    /// Returns any other item.
    pub(super) fn item(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }
}

impl Store {
    /// Reads an organization, the caller's membership in it and profile, and the items in `more`, in one call.
    /// Refuses a disabled caller.
    pub(super) async fn view(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        more: &[&Key],
    ) -> Result<View, Error> {
        let profile = keys::user(&caller.tenant_id, &caller.user_id);
        let mut more = more.to_vec();
        if !caller.tenant_admin {
            more.push(&profile);
        }
        let view = self.view_of_enabled(caller, organization, &more).await?;
        view.require_enabled(caller)?;
        Ok(view)
    }

    /// Like [`Store::view`], for a caller whose profile has been read.
    pub(super) async fn view_of_enabled(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        more: &[&Key],
    ) -> Result<View, Error> {
        let own = own_key(caller, organization);
        let organization = keys::organization(&caller.tenant_id, organization);
        let mut wanted = vec![&organization];
        // A tenant admin's permission does not come from a membership.
        if !caller.tenant_admin {
            wanted.push(&own);
        }
        wanted.extend(more);
        self.read(&wanted).await
    }

    /// Reads items in one call.
    pub(super) async fn read(&self, wanted: &[&Key]) -> Result<View, Error> {
        Ok(View {
            items: self.table.get_all(wanted).await?,
        })
    }
}

/// Returns the key of the caller's own membership.
pub(super) fn own_key(caller: &Caller, organization: &OrganizationId) -> Key {
    keys::membership(&caller.tenant_id, &caller.user_id, organization)
}
