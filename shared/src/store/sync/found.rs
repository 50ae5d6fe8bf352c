//! Items that the login sync finds in the table.

use crate::domain::{GroupId, Limits, Name, OrganizationId, Role};

/// Marks of the sync's own writes on a membership in an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipMarks {
    /// The role that the sync set last; `None` on memberships created by an earlier release.
    pub synced_role: Option<Role>,
    /// Whether the sync suspended it and the status has not been changed by hand since.
    pub is_suspended: bool,
    /// The group that gives it through `group_map`; `None` if the group has the id of the organization.
    pub mapped_from: Option<GroupId>,
}

/// Marks of the sync's own writes on a team membership.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TeamMembershipMarks {
    /// Whether the sync suspended it and the status has not been changed by hand since.
    pub is_suspended: bool,
    /// Whether it was created while its team waited for an organization that could not be created.
    pub awaits_organization: bool,
}

/// An organization that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundOrganization {
    /// Whether it is not deleted.
    pub is_live: bool,
    /// Its name.
    pub name: Name,
    /// The name that the sync set last; `None` if the sync did not create it.
    pub synced_name: Option<Name>,
    /// Its version, for conditional writes.
    pub version: u64,
}

/// A team that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundTeam {
    /// Whether it is not deleted. The tombstone of a team deleted by hand prevents the sync from creating it
    /// again.
    pub is_live: bool,
    /// Its organization; `None` for a standalone team.
    pub organization_id: Option<OrganizationId>,
    /// Whether the sync created it as a standalone team because its organization could not be created, and it
    /// has not been moved into that organization since.
    pub awaits_organization: bool,
    /// Its limits.
    pub limits: Limits,
    /// Its name.
    pub name: Name,
    /// The name that the sync set last; `None` if the sync did not create it.
    pub synced_name: Option<Name>,
    /// Its version, for conditional writes.
    pub version: u64,
}
