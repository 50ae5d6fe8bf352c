use std::collections::BTreeMap;

use crate::domain::{
    Membership, Name, OrganizationId, Role, Source, Status, TeamId, TeamMembership,
};

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
}

impl From<&Membership> for HeldOrganization {
    fn from(membership: &Membership) -> Self {
        Self {
            role: membership.role,
            status: membership.status,
            source: membership.source,
            version: membership.version,
        }
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
}

impl From<&TeamMembership> for HeldTeam {
    fn from(membership: &TeamMembership) -> Self {
        Self {
            status: membership.status,
            source: membership.source,
            version: membership.version,
        }
    }
}

/// Whether everything for the assigned groups was made before: what the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// The marker bears the [fingerprint](super::super::Reading::fingerprint) of this reading: nothing
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
    /// Whether it is not deleted by hand: what is left of such a one keeps it from being made anew.
    pub is_live: bool,
    /// Its organization; `None`: it is standalone.
    pub organization_id: Option<OrganizationId>,
    /// Its name.
    pub name: Name,
    /// The name that the sync gave it last; `None` when the sync did not make it.
    pub synced_name: Option<Name>,
    /// Its version, which a write relies on.
    pub version: u64,
}
