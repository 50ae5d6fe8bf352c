//! The semantics of a DynamoDB transaction: its conditions, and its writes if all of them hold.

use muster::domain::{Permission, Role, Status};

use crate::table::{Id, Invitation, Key, Membership, NAMES, Organization, Table};

/// A kind of condition. A search can omit one to show its purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionKind {
    /// The caller's membership is active and its role has the permission: `access::require`.
    Permission,
    /// The inviter's membership is active and may grant the role: `hold_inviter`.
    Inviter,
    /// The caller is not disabled: `access::require`, `access::require_enabled`.
    Enabled,
    /// The inviter is not disabled: `hold_inviter`.
    InviterEnabled,
    /// The item is as read: `members::unchanged`, `#version = :before`.
    Unchanged,
    /// `organizations::another_owner`.
    AnotherOwner,
    /// `organizations::live`.
    Live,
    /// No such membership: `Condition::absent`.
    NoMembership,
    /// The invitation by email is as read: `invitations::unchanged`.
    InvitationUnchanged,
    /// The profile is as read: `users::unchanged`.
    ProfileUnchanged,
    /// The address has no open invitation: `invitations::not_invited`.
    NoInvitation,
    /// No reservation of the name: `Condition::absent`.
    NameFree,
    /// Not a condition: the transaction writes `owner_count` with the membership.
    OwnersCounted,
    /// Not a condition: an item stores the id of its last write.
    WriteId,
}

/// A condition of one action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `access::Requirement::condition`.
    Grants {
        /// The required permission of the caller.
        permission: Permission,
        /// The highest role involved.
        reach: Option<Role>,
    },
    /// The same for the user who granted this role with an invitation.
    InviterGrants(Role),
    /// `users::is_enabled` of the caller.
    Enabled,
    /// The same for the user whose invitation is accepted.
    InviterEnabled,
    /// As read.
    Unchanged,
    /// `#owner_count > :one`.
    AnotherOwner,
    /// `#status = :live`.
    Live,
    /// `attribute_not_exists(#pk)`.
    Absent,
    /// `attribute_exists(#pk)`.
    Present,
    /// `attribute_not_exists(#pk) OR #organization_id = :id`.
    NoneOrOwn(Id),
}

/// The change of an action's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// None: a `ConditionCheck`, or an update that only stamps.
    Nothing,
    /// Writes the organization. Keeps its `owner_count`, unless it is new.
    Organization(Organization),
    /// `ADD owner_count`.
    Owners(i8),
    /// Writes or deletes the membership.
    Membership(Option<Membership>),
    /// Reserves the name for this organization, or releases it.
    Name(Option<Id>),
    /// Writes the invitation by email, or ends it.
    Invitation(Option<Invitation>),
    /// Disables the user, or enables them.
    Disabled(bool),
}

/// One action of a transaction.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    /// Its item.
    pub key: Key,
    /// All of its conditions.
    pub conditions: [Option<Condition>; 2],
    /// Its change.
    pub change: Change,
}

/// A transaction: all or nothing.
#[derive(Clone, Debug, Default)]
pub struct Transaction(Vec<Action>);

impl Transaction {
    /// Adds an action.
    pub(crate) fn action(&mut self, key: Key, conditions: [Option<Condition>; 2], change: Change) {
        self.0.push(Action {
            key,
            conditions,
            change,
        });
    }

    /// Its actions.
    pub fn actions(&self) -> &[Action] {
        &self.0
    }
}

/// The conditions in a context.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    /// Whether the items to change are unchanged since the read.
    pub is_unchanged: bool,
    /// The condition that this search omits.
    pub without: Option<ConditionKind>,
}

impl Attempt {
    /// Whether a condition holds.
    pub fn holds(self, table: &Table, key: Key, condition: Condition) -> bool {
        if self.without == Some(kind(key, condition)) {
            return true;
        }
        match (condition, key) {
            (Condition::Grants { permission, reach }, Key::Membership(organization, user)) => table
                .memberships[organization][user]
                .is_some_and(|own| grants(own, permission, reach)),
            (Condition::InviterGrants(role), Key::Membership(organization, user)) => {
                let own = table.memberships[organization][user];
                own.is_some_and(|own| grants(own, Permission::ManageMembers, Some(role)))
            }
            (Condition::Enabled | Condition::InviterEnabled, Key::User(user)) => {
                !table.is_disabled(user)
            }
            (Condition::Unchanged, _) => self.is_unchanged,
            (Condition::AnotherOwner, Key::Organization(id)) => {
                table.organizations[id].is_some_and(|it| it.owner_count > 1)
            }
            (Condition::Live, Key::Organization(id)) => {
                table.organizations[id].is_some_and(|it| it.live)
            }
            (Condition::Absent, _) => !table.has(key),
            (Condition::Present, _) => table.has(key),
            (Condition::NoneOrOwn(own), Key::Name(id)) => {
                table.names[id].is_none_or(|holder| holder == own)
            }
            // No recipe has this condition on such an item.
            _ => false,
        }
    }

    /// The actions with a violated condition.
    pub fn unmet<'a>(
        self,
        table: &Table,
        transaction: &'a Transaction,
    ) -> impl Iterator<Item = &'a Action> {
        transaction.actions().iter().filter(move |action| {
            let mut asked = action.conditions.iter().flatten();
            !asked.all(|condition| self.holds(table, action.key, *condition))
        })
    }

    /// Whether all of them hold.
    pub fn commits(self, table: &Table, transaction: &Transaction) -> bool {
        self.unmet(table, transaction).next().is_none()
    }

    /// The table after the transaction.
    pub fn apply(self, table: &Table, transaction: &Transaction) -> Table {
        let mut after = *table;
        for action in transaction.actions() {
            match (action.key, action.change) {
                (Key::Organization(id), Change::Organization(it)) => {
                    let owner_count =
                        after.organizations[id].map_or(it.owner_count, |now| now.owner_count);
                    after.organizations[id] = Some(Organization { owner_count, ..it });
                }
                (Key::Organization(id), Change::Owners(by)) => {
                    if let Some(it) = &mut after.organizations[id]
                        && self.without != Some(ConditionKind::OwnersCounted)
                    {
                        it.owner_count = it.owner_count.saturating_add_signed(by);
                    }
                }
                (Key::Membership(organization, user), Change::Membership(it)) => {
                    after.memberships[organization][user] = it;
                }
                (Key::Invitation(organization, user), Change::Invitation(it)) => {
                    after.invitations[organization][user] = it;
                }
                (Key::User(user), Change::Disabled(is_disabled)) => {
                    after.disabled[user] = is_disabled;
                }
                (Key::Name(id), Change::Name(holder)) if id < NAMES => after.names[id] = holder,
                _ => {}
            }
        }
        after
    }
}

/// Whether a membership grants a permission: active, with a role that has it.
pub fn grants(membership: Membership, permission: Permission, reach: Option<Role>) -> bool {
    membership.status == Status::Active
        && membership.role.grants(permission)
        && reach.is_none_or(|other| membership.role.reaches(other))
}

fn kind(key: Key, condition: Condition) -> ConditionKind {
    match (condition, key) {
        (Condition::Grants { .. }, _) => ConditionKind::Permission,
        (Condition::InviterGrants(_), _) => ConditionKind::Inviter,
        (Condition::Enabled, _) => ConditionKind::Enabled,
        (Condition::InviterEnabled, _) => ConditionKind::InviterEnabled,
        (Condition::AnotherOwner, _) => ConditionKind::AnotherOwner,
        (Condition::Live | Condition::Present, _) => ConditionKind::Live,
        (Condition::Absent, Key::Membership(..)) => ConditionKind::NoMembership,
        (Condition::Absent | Condition::NoneOrOwn(_), Key::Name(_)) => ConditionKind::NameFree,
        (Condition::Absent, Key::Invitation(..)) => ConditionKind::NoInvitation,
        (Condition::Unchanged, Key::Invitation(..)) => ConditionKind::InvitationUnchanged,
        (Condition::Unchanged, Key::User(_)) => ConditionKind::ProfileUnchanged,
        (Condition::Unchanged | Condition::Absent | Condition::NoneOrOwn(_), _) => {
            ConditionKind::Unchanged
        }
    }
}
