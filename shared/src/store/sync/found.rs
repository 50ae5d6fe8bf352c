//! What the login sync finds in the table.

use crate::domain::{Limits, Name, OrganizationId, Role};

/// What the sync keeps on a membership in an organization about its own writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MembershipMarks {
    /// The role that the sync gave last; `None` on what an earlier release made.
    pub synced_role: Option<Role>,
    /// Whether the sync suspended it, and its status was not changed by hand since.
    pub is_suspended: bool,
}

/// What the sync keeps on a team membership about its own writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeamMembershipMarks {
    /// Whether the sync suspended it, and its status was not changed by hand since.
    pub is_suspended: bool,
    /// Whether it was made while its team waited for an organization that could not be made.
    pub awaits_organization: bool,
}

/// An organization that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundOrganization {
    /// Whether it is not deleted.
    pub is_live: bool,
    /// Its name.
    pub name: Name,
    /// The name that the sync gave it last; `None` when the sync did not make it.
    pub synced_name: Option<Name>,
    /// Its version, which a write relies on.
    pub version: u64,
}

/// A team that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTeam {
    /// Whether it exists. What is left of a team deleted by hand keeps the sync from creating it again.
    pub is_live: bool,
    /// Its organization; `None`: it is standalone.
    pub organization_id: Option<OrganizationId>,
    /// Whether the sync made it standalone because its organization could not be made, and it was not
    /// put into that organization since.
    pub awaits_organization: bool,
    /// Its limits.
    pub limits: Limits,
    /// Its name.
    pub name: Name,
    /// The name that the sync gave it last; `None` when the sync did not make it.
    pub synced_name: Option<Name>,
    /// Its version, which a write relies on.
    pub version: u64,
}
