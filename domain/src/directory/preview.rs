//! The preview of a run.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{GroupId, Name, OrganizationId, Role, TeamId, UserId};

/// What a run would change now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct SyncPreview {
    /// Whether all users were read. Otherwise the time limit was reached, and the numbers cover only the users read.
    pub is_complete: bool,
    /// Users who were read.
    pub users_read: u64,
    /// Users who could not be read.
    pub failed: u64,
    /// Memberships that the directory grants these users now.
    pub memberships_given: u64,
    /// Memberships that the run would create or make active.
    pub memberships_gained: u64,
    /// Memberships that the run would remove or suspend, with those of users who would be disabled.
    pub memberships_lost: u64,
    /// Whether that is more than `removal_limit` allows, so that the run would be blocked.
    pub is_blocked: bool,
    /// Organizations that would be created.
    pub organizations: Vec<PreviewedGroup>,
    /// Teams that would be created.
    pub teams: Vec<PreviewedGroup>,
    /// The users who would change, up to 1,000, by their ids.
    pub users: Vec<PreviewedUser>,
}

/// An organization or team that would be created for a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PreviewedGroup {
    /// The group.
    pub group_id: GroupId,
    /// The name.
    pub name: Name,
}

/// What would change for a user.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PreviewedUser {
    /// The user.
    pub user_id: UserId,
    /// Whether they would be disabled (`true`) or enabled (`false`); `null` if neither.
    pub disabled: Option<bool>,
    /// Whether they would become a tenant admin (`true`) or lose that right (`false`); `null` if neither.
    pub tenant_admin: Option<bool>,
    /// Memberships that they would get, or that would become active.
    pub gains: Vec<PreviewedMembership>,
    /// Memberships that would be removed or suspended.
    pub loses: Vec<PreviewedMembership>,
    /// Memberships whose role would change, with the new role.
    pub changes: Vec<PreviewedMembership>,
}

/// A membership in an organization or a team.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PreviewedMembership {
    /// The organization; `null` for a team.
    pub organization_id: Option<OrganizationId>,
    /// The team; `null` for an organization.
    pub team_id: Option<TeamId>,
    /// The role in the organization; `null` where it does not change.
    pub role: Option<Role>,
    /// The group that grants it, or granted it.
    pub group_id: GroupId,
}

impl PreviewedUser {
    /// Returns a user for whom nothing would change.
    pub const fn unchanged(user_id: UserId) -> Self {
        Self {
            user_id,
            disabled: None,
            tenant_admin: None,
            gains: Vec::new(),
            loses: Vec::new(),
            changes: Vec::new(),
        }
    }

    /// Returns whether nothing would change.
    pub fn is_unchanged(&self) -> bool {
        self.disabled.is_none()
            && self.tenant_admin.is_none()
            && self.gains.is_empty()
            && self.loses.is_empty()
            && self.changes.is_empty()
    }
}
