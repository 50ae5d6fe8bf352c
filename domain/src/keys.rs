//! The keys of resources that are named by more than one id.

use super::{Domain, InvitationId, OrganizationId, TeamId, UserId};

/// Names a member of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberKey<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The user.
    pub user: &'a UserId,
}

/// Names a member of a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamMemberKey<'a> {
    /// The team.
    pub team: &'a TeamId,
    /// The user.
    pub user: &'a UserId,
}

/// Names an invitation of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvitationKey<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The invitation.
    pub invitation: &'a InvitationId,
}

/// Names a domain of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainKey<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// The domain.
    pub domain: &'a Domain,
}
