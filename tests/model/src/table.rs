//! The table, as far as conditions rest on it.

use muster::domain::{Role, Source, Status};

/// Users.
pub const USERS: usize = 3;
/// A caller who is none of the users, and may do what an owner may. The search has none: their right
/// lies in the token, and nothing in the table takes it away.
pub const TENANT_ADMIN: Id = USERS;
/// Organizations that there can be.
pub const ORGANIZATIONS: usize = 2;
/// Names that organizations can have.
pub const NAMES: usize = 2;

/// A user, an organization, a name: its index.
pub type Id = usize;

/// An organization's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Organization {
    /// Its name.
    pub name: Id,
    /// Whether it is there, or deleted.
    pub live: bool,
    /// The number of active owners that it tells.
    pub owner_count: u8,
}

/// A membership's item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Membership {
    /// What it grants while active.
    pub role: Role,
    /// Whether it grants it.
    pub status: Status,
    /// Who made it.
    pub source: Source,
    /// Who gave its role, while it is an open invitation: a user, or the tenant admin.
    pub inviter: Option<Id>,
}

impl Membership {
    /// This membership after a change by a caller, who is the inviter of an open invitation to which they
    /// give a role.
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

    /// As `muster::domain::Membership::is_active_owner`.
    pub fn is_active_owner(self) -> bool {
        self.role == Role::Owner && self.status == Status::Active
    }
}

/// What names an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// An organization.
    Organization(Id),
    /// The membership in an organization of a user.
    Membership(Id, Id),
    /// The reservation of a name.
    Name(Id),
}

/// All items.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Table {
    /// The organizations.
    pub organizations: [Option<Organization>; ORGANIZATIONS],
    /// The memberships, by organization and user.
    pub memberships: [[Option<Membership>; USERS]; ORGANIZATIONS],
    /// Which organization has reserved which name.
    pub names: [Option<Id>; NAMES],
}

impl Table {
    /// Whether an item is there.
    pub fn has(&self, key: Key) -> bool {
        match key {
            Key::Organization(id) => self.organizations[id].is_some(),
            Key::Membership(organization, user) => self.memberships[organization][user].is_some(),
            Key::Name(id) => self.names[id].is_some(),
        }
    }

    /// The membership of a user, or of the tenant admin, who has none.
    pub fn membership(&self, organization: Id, user: Id) -> Option<Membership> {
        self.memberships[organization].get(user).copied().flatten()
    }

    /// The number of active owners that an organization has.
    pub fn active_owners(&self, organization: Id) -> usize {
        let members = self.memberships[organization].iter().flatten();
        members
            .filter(|membership| membership.is_active_owner())
            .count()
    }
}
