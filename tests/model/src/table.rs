//! The table, as far as conditions depend on it.

use muster::domain::{Role, Source, Status};
use serde::{Deserialize, Serialize};

/// Users.
pub const USERS: usize = 3;
/// A caller outside the users with the permissions of an owner. Not part of a search: the permission is in the token, and
/// no write can remove it, not even one that disables them.
pub const TENANT_ADMIN: Id = USERS;
/// The maximum number of organizations.
pub const ORGANIZATIONS: usize = 2;
/// The names of organizations.
pub const NAMES: usize = 2;

/// The index of a user, an organization or a name.
pub type Id = usize;

/// An organization's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Organization {
    /// Its name.
    pub name: Id,
    /// Whether it is live or deleted.
    pub live: bool,
    /// Its stored number of active owners.
    pub owner_count: u8,
}

/// A membership's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Membership {
    /// The role.
    pub role: Role,
    /// The status.
    pub status: Status,
    /// The source.
    pub source: Source,
    /// The user or tenant admin who granted the role of an open invitation.
    pub inviter: Option<Id>,
}

impl Membership {
    /// This membership after a change by a caller. Giving a role to an open invitation makes the
    /// caller its inviter.
    #[must_use]
    pub fn changed_by(self, caller: Id, before: Option<Self>) -> Self {
        let is_invited = self.status == Status::Invited;
        let inviter = match before {
            Some(before) if before.role == self.role => before.inviter,
            _ => Some(caller),
        };
        Self {
            inviter: inviter.filter(|_| is_invited),
            ..self
        }
    }

    /// Like `muster::domain::Membership::is_active_owner`.
    pub fn is_active_owner(self) -> bool {
        self.role == Role::Owner && self.status == Status::Active
    }
}

/// An invitation by email that is open. One that has ended is not in the table of the model: no write depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Invitation {
    /// The role.
    pub role: Role,
    /// The user who sent its token.
    pub inviter: Id,
}

/// The key of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An organization.
    Organization(Id),
    /// The membership of a user in an organization.
    Membership(Id, Id),
    /// The reservation of a name.
    Name(Id),
    /// The open invitation of a user's address into an organization.
    Invitation(Id, Id),
    /// The profile of a user.
    User(Id),
}

/// All items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Table {
    /// The organizations.
    pub organizations: [Option<Organization>; ORGANIZATIONS],
    /// The memberships, by organization and user.
    pub memberships: [[Option<Membership>; USERS]; ORGANIZATIONS],
    /// The organization that has reserved each name.
    pub names: [Option<Id>; NAMES],
    /// The open invitations by email, by organization and the user whose address is invited.
    pub invitations: [[Option<Invitation>; USERS]; ORGANIZATIONS],
    /// Whether each user is disabled.
    pub disabled: [bool; USERS],
}

impl Table {
    /// Whether an item exists.
    pub fn has(&self, key: Key) -> bool {
        match key {
            Key::Organization(id) => self.organizations[id].is_some(),
            Key::Membership(organization, user) => self.memberships[organization][user].is_some(),
            Key::Name(id) => self.names[id].is_some(),
            Key::Invitation(organization, user) => self.invitations[organization][user].is_some(),
            Key::User(_) => true,
        }
    }

    /// Whether a user is disabled. The tenant admin never is.
    pub fn is_disabled(&self, user: Id) -> bool {
        self.disabled.get(user) == Some(&true)
    }

    /// The membership of a user. The tenant admin has none.
    pub fn membership(&self, organization: Id, user: Id) -> Option<Membership> {
        self.memberships[organization].get(user).copied().flatten()
    }

    /// The number of active owners of an organization.
    pub fn active_owners(&self, organization: Id) -> usize {
        let members = self.memberships[organization].iter().flatten();
        members
            .filter(|membership| membership.is_active_owner())
            .count()
    }
}
