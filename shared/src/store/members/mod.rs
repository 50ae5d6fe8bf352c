//! The operations on memberships in organizations.

mod accept;
mod add;
mod add_many;
mod count;
mod list;
mod read;
mod remove;
mod update;

pub(super) use accept::inviter_of;
pub(super) use count::member_count;
pub use list::{Member, MemberSort};

use crate::domain::{Membership, Organization, OrganizationId, Role, Status, TenantId};
use crate::store::keys;
use crate::store::rows::organizations;
use crate::store::rows::organizations::{another_owner, count_owners};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Transaction, Unmet, text};
use crate::store::{Refusal, access};

/// Number of members that one page reads when few of many match.
const SIFTED: usize = 500;

/// Filter of a list of members by status and role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberFilter {
    /// Only members with this status; `None` for any status.
    pub status: Option<Status>,
    /// Only members with this role; `None` for any role.
    pub role: Option<Role>,
}

impl MemberFilter {
    fn condition(self) -> Option<Condition> {
        let status = self.status.map(|status| {
            Condition::new("#status = :status").value(":status", text(status.as_str()))
        });
        let role = self
            .role
            .map(|role| Condition::new("#role = :role").value(":role", text(role.as_str())));
        match (status, role) {
            (Some(status), Some(role)) => Some(status.and(role)),
            (status, role) => status.or(role),
        }
    }

    /// Returns how many members to read for a page of `limit`. Most members are active, so any other filter
    /// reads more, to avoid a series of empty pages.
    fn limit_to_read(self, limit: usize) -> usize {
        let most = self.role.is_none() && matches!(self.status, None | Some(Status::Active));
        if most { limit } else { limit.max(SIFTED) }
    }
}

/// A membership with its organization.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipOfOrganization {
    /// The membership.
    pub membership: Membership,
    /// The organization, which is live.
    pub organization: Organization,
}

/// Labels of the actions in transactions on a membership.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) enum MemberAction {
    Caller,
    Inviter,
    Organization,
    Membership,
    Team,
    User,
    Left,
    Invitation,
    Invitee,
    Record,
}

/// How a write changes the number of active owners.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Owners {
    OneMore,
    AsMany,
    OneLess,
    /// The number does not change yet, but the write fails if it could not decrease.
    KeepsAnotherOwner,
}

impl Owners {
    fn between(before: Option<&Membership>, after: Option<&Membership>) -> Self {
        let was = before.is_some_and(Membership::is_active_owner);
        let is = after.is_some_and(Membership::is_active_owner);
        match (was, is) {
            (false, true) => Self::OneMore,
            (true, false) => Self::OneLess,
            _ => Self::AsMany,
        }
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<MemberAction>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &MemberAction::Caller) {
        return refusal.into();
    }
    // Checked before the organization: the number of owners was computed for another version of the membership.
    // The next read finds out whether the membership was changed or deleted.
    if unmet.of(&MemberAction::Membership).is_some() {
        return Unsettled::Overtaken;
    }
    match unmet.of(&MemberAction::Organization) {
        Some(item) if organizations::is_gone(item) => Refusal::NotFound.into(),
        Some(_) => Refusal::LastOwner.into(),
        None => Unsettled::Overtaken,
    }
}

/// Makes the transaction conditional on the organization being live, and updates the count of its active
/// owners, of which at least one remains.
fn hold_organization(
    transaction: &mut Transaction<'_, MemberAction>,
    tenant: &TenantId,
    organization: &OrganizationId,
    owners: Owners,
) {
    let live = organizations::live();
    let key = keys::organization(tenant, organization);
    let part = MemberAction::Organization;
    match owners {
        Owners::AsMany => count_owners(transaction, part, &key, 0, live),
        Owners::OneMore => count_owners(transaction, part, &key, 1, live),
        Owners::KeepsAnotherOwner => transaction.check(part, &key, live.and(another_owner())),
        Owners::OneLess => count_owners(transaction, part, &key, -1, live),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Error;
    use crate::store::table::Item;

    #[test]
    fn filters_with_few_matches_read_larger_pages() {
        let look_at = |status, role| MemberFilter { status, role }.limit_to_read(50);
        let owner = Some(Role::Owner);
        assert_eq!(look_at(None, None), 50);
        assert_eq!(look_at(Some(Status::Active), None), 50);
        assert_eq!(look_at(Some(Status::Invited), None), SIFTED);
        assert_eq!(look_at(None, owner), SIFTED);
        assert_eq!(look_at(Some(Status::Active), owner), SIFTED);
        assert_eq!(look_at(Some(Status::Suspended), owner), SIFTED);
        let further = MemberFilter {
            status: None,
            role: owner,
        }
        .limit_to_read(SIFTED + 1);
        assert_eq!(further, SIFTED + 1);
    }

    #[test]
    fn a_member_is_not_found_once_the_organization_is_deleted() {
        let of = |status: &str| {
            let item = Item::from([("status".to_owned(), text(status))]);
            not_changed(&Unmet::one(MemberAction::Organization, Some(item)))
        };
        assert!(of("deleted").is_not_found());
        let refused = of("active");
        assert!(matches!(
            refused,
            Unsettled::Failed(Error::Refused(Refusal::LastOwner))
        ));
    }
}
