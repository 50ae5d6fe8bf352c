use std::collections::BTreeMap;

use muster::domain::{Membership, OrganizationId, Role, Source, Status, TeamId, TeamMembership};
use muster::store::{FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks};

/// The user's memberships before the sync, from their own partition of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeldMemberships {
    /// Memberships in organizations.
    pub organizations: BTreeMap<OrganizationId, HeldOrganization>,
    /// Memberships in teams.
    pub teams: BTreeMap<TeamId, HeldTeam>,
    /// Whether the user is a tenant admin by a group of the directory.
    pub is_tenant_admin: bool,
}

/// The fields of a membership in an organization that the sync uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOrganization {
    /// Its role. If the member is an active owner, the write that ends the membership counts owners.
    pub role: Role,
    /// Its status.
    pub status: Status,
    /// The source that created it.
    pub source: Source,
    /// Its version, which a write is conditional on.
    pub version: u64,
    /// The marks that the sync recorded on it.
    pub marks: MembershipMarks,
}

impl HeldOrganization {
    /// Creates it from a membership and what the sync recorded on it.
    pub fn new(membership: &Membership, marks: MembershipMarks) -> Self {
        Self {
            role: membership.role,
            status: membership.status,
            source: membership.source,
            version: membership.version,
            marks,
        }
    }

    /// Returns the role that the membership gets when a directory with the source `by` gives `given`, or `None` if
    /// it already has that role, its role was set by hand, or the directory does not give it. The role owner is always set by hand.
    ///
    /// Memberships from an earlier release do not record the role that the sync gave. In version 1 the role was
    /// never changed, so its current role is the one that the sync gave.
    pub fn followed_role(&self, given: Role, by: Source) -> Option<Role> {
        let untouched = (self.version == 1).then_some(self.role);
        let synced = self.marks.synced_role.or(untouched);
        let is_synced = self.source == by
            && self.status != Status::Invited
            && self.role != Role::Owner
            && synced == Some(self.role);
        (is_synced && given != self.role).then_some(given)
    }

    /// Returns whether its suspension ends when its group in a directory with the source `by` gives the membership
    /// again.
    pub fn is_suspended_by(&self, by: Source) -> bool {
        self.source == by && self.status == Status::Suspended && self.marks.is_suspended
    }
}

/// The fields of a membership in a team that the sync uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTeam {
    /// Its status.
    pub status: Status,
    /// The source that created it.
    pub source: Source,
    /// Its version, which a write is conditional on.
    pub version: u64,
    /// The marks that the sync recorded on it.
    pub marks: TeamMembershipMarks,
}

impl HeldTeam {
    /// Creates it from a team membership and what the sync recorded on it.
    pub fn new(membership: &TeamMembership, marks: TeamMembershipMarks) -> Self {
        Self {
            status: membership.status,
            source: membership.source,
            version: membership.version,
            marks,
        }
    }

    /// Returns whether its suspension ends when its group in a directory with the source `by` gives the membership
    /// again.
    pub fn is_suspended_by(&self, by: Source) -> bool {
        self.source == by && self.status == Status::Suspended && self.marks.is_suspended
    }
}

/// Whether everything for the assigned groups was already created, according to the marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provisioned {
    /// The marker has the [fingerprint](crate::DirectorySnapshot::fingerprint) of this snapshot. Nothing is
    /// created or renamed, and what no longer exists was removed by hand. The exception is a team that a live
    /// organization of the user's own group never had.
    Everything,
    /// The marker has another fingerprint, or there is no marker.
    Unknown,
}

/// The items found in the table for [`Lookups`](super::Lookups). An item that was looked up and is missing here
/// does not exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundItems {
    /// Organizations, including deleted ones.
    pub organizations: BTreeMap<OrganizationId, FoundOrganization>,
    /// Teams.
    pub teams: BTreeMap<TeamId, FoundTeam>,
}
