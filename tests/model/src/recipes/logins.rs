//! The writes of the login sync, which has no caller.

use muster::domain::{Role, Source, Status};

use super::Seen;
use crate::table::{Id, Key, Membership};
use crate::transaction::{Change, Condition, Transaction};

/// `Store::join_organization` of the login sync: one `PutItem`.
pub(super) fn join_organization(made: &mut Transaction, caller: Id, organization: Id) {
    let new = Some(Membership {
        role: Role::InternalUser,
        status: Status::Active,
        source: Source::Entra,
        inviter: None,
    });
    let key = Key::Membership(organization, caller);
    made.action(
        key,
        [Some(Condition::Absent), None],
        Change::Membership(new),
    );
}

/// `Store::leave_organization` of the login sync.
pub(super) fn leave_organization(made: &mut Transaction, caller: Id, organization: Id, seen: Seen) {
    let key = Key::Membership(organization, caller);
    made.action(
        key,
        [Some(Condition::Unchanged), None],
        Change::Membership(None),
    );
    made.hold_organization(organization, (seen.membership, None), None);
}

/// `Store::change_synced_membership` of the login sync.
pub(super) fn change_synced_membership(
    made: &mut Transaction,
    caller: Id,
    organization: Id,
    seen: Seen,
) {
    let Some(before) = seen.membership else {
        return;
    };
    let after = Membership {
        status: Status::Suspended,
        ..before
    };
    let key = Key::Membership(organization, caller);
    made.action(
        key,
        [Some(Condition::Unchanged), None],
        Change::Membership(Some(after)),
    );
    made.hold_organization(organization, (Some(before), Some(after)), None);
}
