//! Who may do what: read, to tell; and as a condition of a write, to hold.

use crate::store::table::{Change, Condition, Item, Transaction, Unmet, text};
use crate::store::{Error, Refusal, table};
use std::collections::HashMap;

use super::keys::{self, Key};
use super::{Store, members, organizations};
use crate::domain::{
    Caller, FoldedName, Membership, Organization, OrganizationId, Permission, Role, Status,
    Timestamp,
};

/// What a caller is in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A tenant admin: what an owner may.
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

    /// As [`Role::reaches`].
    pub(super) fn reaches(self, other: Role) -> bool {
        match self {
            Self::TenantAdmin => true,
            Self::Member(role) => role.reaches(other),
        }
    }
}

/// What a caller is by the membership that was read: for those who are no active member, the
/// organization does not exist.
pub(super) fn standing(caller: &Caller, own: Option<&Membership>) -> Result<Standing, Refusal> {
    if caller.tenant_admin {
        return Ok(Standing::TenantAdmin);
    }
    match own {
        Some(membership) if membership.status == Status::Active => {
            Ok(Standing::Member(membership.role))
        }
        _ => Err(Refusal::NotFound),
    }
}

/// What a write asks of its caller at the moment it is applied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Requirement {
    /// What they must be allowed to do.
    pub permission: Permission,
    /// The highest role that they deal with, if they deal with one.
    pub reach: Option<Role>,
}

impl Requirement {
    fn roles(self) -> impl Iterator<Item = Role> {
        Role::granting(self.permission)
            .filter(move |role| self.reach.is_none_or(|other| role.reaches(other)))
    }

    /// That the caller's membership is active and has one of the roles it takes.
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

/// Makes the requirement part of the transaction. It stamps the caller's membership, which costs in
/// the table what a check without a stamp would, and one write to the index beside it. A tenant
/// admin's right is in the token, and needs no check.
pub(super) fn require<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    (caller, organization): (&Caller, &OrganizationId),
    requirement: Requirement,
    now: Timestamp,
) {
    if caller.tenant_admin {
        return;
    }
    let key = keys::membership(&caller.tenant_id, &caller.user_id, organization);
    let stamp = Change::new().set("last_active_at", text(now.to_string()));
    transaction.touch(label, &key, stamp, requirement.condition());
}

/// What it means that the caller's membership did not hold.
pub(super) fn refusal<L: PartialEq>(unmet: &Unmet<L>, label: &L) -> Option<Refusal> {
    let item = unmet.of(label)?;
    let active = item.and_then(|item| item.get("status")) == Some(&text(Status::Active.as_str()));
    Some(if active {
        Refusal::Forbidden
    } else {
        Refusal::NotFound
    })
}

/// What a decision rests on, read at once.
pub(super) struct View {
    items: HashMap<Key, Item>,
}

impl View {
    /// The organization, there or deleted, but not purged.
    pub(super) fn any_organization(
        &self,
        caller: &Caller,
        id: &OrganizationId,
        now: Timestamp,
    ) -> Result<Organization, Error> {
        let item = self.items.get(&keys::organization(&caller.tenant_id, id));
        let item = item.ok_or(Refusal::NotFound)?;
        let organization = organizations::from_row(item.clone())?;
        if organization.is_purged(now) {
            return Err(Refusal::NotFound.into());
        }
        Ok(organization)
    }

    /// The organization, if it is there.
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

    /// The name under which an organization that was read is reserved.
    pub(super) fn reserved_name(&self, organization: &Organization) -> FoldedName {
        let key = keys::organization(&organization.tenant_id, &organization.id);
        match self.items.get(&key) {
            Some(item) => organizations::reserved_name(item, organization),
            None => organization.name.folded(),
        }
    }

    /// A membership by its key.
    pub(super) fn membership(&self, key: &Key) -> Result<Option<Membership>, table::Error> {
        let item = self.items.get(key);
        item.map(|item| members::from_row(item.clone())).transpose()
    }

    /// All of another view as well.
    pub(super) fn extend(&mut self, other: Self) {
        self.items.extend(other.items);
    }

    /// Any other item.
    pub(super) fn item(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }
}

impl Store {
    /// Reads an organization, the caller's membership in it, and what else is wanted, in one call.
    pub(super) async fn view(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        more: &[&Key],
    ) -> Result<View, Error> {
        let own = own_key(caller, organization);
        let organization = keys::organization(&caller.tenant_id, organization);
        let mut wanted = vec![&organization];
        // A tenant admin's right does not come from a membership.
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

/// The key of the caller's own membership.
pub(super) fn own_key(caller: &Caller, organization: &OrganizationId) -> Key {
    keys::membership(&caller.tenant_id, &caller.user_id, organization)
}
