//! The parts that transactions have in common.

use muster::domain::{Permission, Role};

use crate::table::{Id, Key, Membership, TENANT_ADMIN};
use crate::transaction::{Change, Condition, Transaction};

impl Transaction {
    /// `access::require`.
    pub(super) fn require(
        &mut self,
        organization: Id,
        caller: Id,
        permission: Permission,
        reach: Option<Role>,
    ) {
        if caller == TENANT_ADMIN {
            return;
        }
        let grants = Condition::Grants { permission, reach };
        let key = Key::Membership(organization, caller);
        self.action(key, [Some(grants), None], Change::Nothing);
        self.require_enabled(caller);
    }

    /// `access::require_enabled`.
    pub(super) fn require_enabled(&mut self, caller: Id) {
        if caller == TENANT_ADMIN {
            return;
        }
        let enabled = [Some(Condition::Enabled), None];
        self.action(Key::User(caller), enabled, Change::Nothing);
    }

    /// `hold_inviter`: the permission of a tenant admin came from the token.
    pub(super) fn hold_inviter(&mut self, organization: Id, inviter: Id, role: Role) {
        if inviter == TENANT_ADMIN {
            return;
        }
        let grants = Some(Condition::InviterGrants(role));
        let key = Key::Membership(organization, inviter);
        self.action(key, [grants, None], Change::Nothing);
        let enabled = [Some(Condition::InviterEnabled), None];
        self.action(Key::User(inviter), enabled, Change::Nothing);
    }

    /// `hold_organization`, and `count_owners` for the sync, which does not require a
    /// live organization.
    pub(super) fn hold_organization(
        &mut self,
        organization: Id,
        (before, after): (Option<Membership>, Option<Membership>),
        live: Option<Condition>,
    ) {
        let key = Key::Organization(organization);
        let was = before.is_some_and(Membership::is_active_owner);
        let is = after.is_some_and(Membership::is_active_owner);
        match (was, is) {
            (false, true) => self.action(key, [live, None], Change::Owners(1)),
            (true, false) => {
                let another = Some(Condition::AnotherOwner);
                self.action(key, [live, another], Change::Owners(-1));
            }
            _ => self.action(key, [live, None], Change::Nothing),
        }
    }

    /// The part of `write_change` about names.
    pub(super) fn move_name(&mut self, organization: Id, held: Option<Id>, wanted: Option<Id>) {
        if held == wanted {
            return;
        }
        if let Some(name) = held {
            let own = Condition::NoneOrOwn(organization);
            self.action(Key::Name(name), [Some(own), None], Change::Name(None));
        }
        if let Some(name) = wanted {
            let free = Some(Condition::Absent);
            let reserved = Change::Name(Some(organization));
            self.action(Key::Name(name), [free, None], reserved);
        }
    }
}
