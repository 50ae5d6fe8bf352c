use std::collections::BTreeMap;

use muster::domain::{Membership, OrganizationId, Role, Source, Status, TeamId, TeamMembership};
use muster::store::{FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks};

/// What the user has before the sync: the memberships in their own partition of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    /// Their organizations.
    pub organizations: BTreeMap<OrganizationId, HeldOrganization>,
    /// Their teams.
    pub teams: BTreeMap<TeamId, HeldTeam>,
}

/// A membership in an organization, as far as the sync looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldOrganization {
    /// Its role. An active owner leaves by the write that counts owners.
    pub role: Role,
    /// Its status.
    pub status: Status,
    /// Who made it.
    pub source: Source,
    /// Its version, which a write relies on.
    pub version: u64,
    /// What the sync did with it.
    pub marks: MembershipMarks,
}

impl HeldOrganization {
    /// The membership, and what the sync did with it.
    pub fn new(membership: &Membership, marks: MembershipMarks) -> Self {
        Self {
            role: membership.role,
            status: membership.status,
            source: membership.source,
            version: membership.version,
            marks,
        }
    }

    /// The role that it gets when the directory gives this one: `None` when it has it already, or when
    /// its role was set by hand. An owner is always one by hand.
    ///
    /// What an earlier release made says nothing about the role that the sync gave: in version 1 it was
    /// never changed, so its role is that one.
    pub fn followed_role(&self, given: Role) -> Option<Role> {
        let untouched = (self.version == 1).then_some(self.role);
        let synced = self.marks.synced_role.or(untouched);
        let is_synced = self.source == Source::Entra
            && self.status != Status::Invited
            && self.role != Role::Owner
            && synced == Some(self.role);
        (is_synced && given != self.role).then_some(given)
    }

    /// Whether its suspension ends when its group holds again.
    pub fn is_suspended_by_sync(&self) -> bool {
        self.source == Source::Entra && self.status == Status::Suspended && self.marks.is_suspended
    }
}

/// A membership in a team, as far as the sync looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTeam {
    /// Its status.
    pub status: Status,
    /// Who made it.
    pub source: Source,
    /// Its version, which a write relies on.
    pub version: u64,
    /// What the sync did with it.
    pub marks: TeamMembershipMarks,
}

impl HeldTeam {
    /// The team membership, and what the sync did with it.
    pub fn new(membership: &TeamMembership, marks: TeamMembershipMarks) -> Self {
        Self {
            status: membership.status,
            source: membership.source,
            version: membership.version,
            marks,
        }
    }

    /// Whether its suspension ends when its group holds again.
    pub fn is_suspended_by_sync(&self) -> bool {
        self.source == Source::Entra && self.status == Status::Suspended && self.marks.is_suspended
    }
}

/// Whether everything for the assigned groups was made before: what the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// The marker bears the [fingerprint](crate::DirectorySnapshot::fingerprint) of this reading: nothing
    /// is made or renamed, and what is not there any more was taken away by hand; but for a team that a
    /// live organization of the user's own group never had.
    Everything,
    /// It bears another one, or there is none.
    Unknown,
}

/// What was found in the table for [`Lookups`](super::Lookups). What was looked up and is not here
/// does not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Organizations, deleted ones too.
    pub organizations: BTreeMap<OrganizationId, FoundOrganization>,
    /// Teams.
    pub teams: BTreeMap<TeamId, FoundTeam>,
}
