//! Memberships: a user in an organization.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::patch::nothing_required;
use super::{Caller, Invalid, OrganizationId, Role, TenantId, Timestamp, UserId};

/// Status of a membership. Only `active` grants access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Grants the access of its role.
    Active,
    /// The user has not accepted yet.
    Invited,
    /// Access is suspended.
    Suspended,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Invited, Self::Suspended];

    /// Its name in requests, answers and the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Invited => "invited",
            Self::Suspended => "suspended",
        }
    }
}

impl FromStr for Status {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|status| status.as_str() == text);
        found.ok_or(Invalid::new("must be one of active, invited, suspended"))
    }
}

/// How something was created. The directory sync changes only what is `entra`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Through the API.
    Manual,
    /// By the directory sync.
    Entra,
}

impl Source {
    /// Its name in answers and the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Entra => "entra",
        }
    }
}

/// A user in an organization.
// Fields and names are those of the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Membership {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The user.
    pub user_id: UserId,
    /// The role. It grants access only while the membership is active.
    pub role: Role,
    /// The status. Only `active` grants access.
    pub status: Status,
    /// How the membership was created.
    pub source: Source,
    /// Who added the user, or gave an open invitation its role last; `null` for the organization's
    /// creator and for what the sync made.
    pub invited_by_user_id: Option<UserId>,
    /// Whether that was a tenant admin, whose right came from the token and not from a membership.
    /// Not part of the contract's shape; accepting an invitation depends on it.
    #[serde(skip)]
    pub invited_by_tenant_admin: bool,
    /// Amount spent by the user in the organization. Read-only.
    pub spend: f64,
    /// The budget of the user in the organization. Read-only.
    pub budget_id: Option<String>,
    /// Time of the last change that the user made in the organization.
    pub last_active_at: Option<Timestamp>,
    /// Starts at 1 and increases by 1 with each change of role or status.
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change of role or status.
    pub updated_at: Timestamp,
}

/// A change of a membership. Absent fields keep their value.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct MembershipPatch {
    /// The new role.
    #[schemars(with = "Role")]
    pub role: Option<Role>,
    /// The new status. An accepted invitation cannot become `invited` again, and an open invitation cannot be
    /// suspended.
    #[schemars(with = "Status")]
    pub status: Option<Status>,
}

impl Membership {
    /// A new membership, made by hand.
    pub fn new(
        tenant_id: TenantId,
        organization_id: OrganizationId,
        user_id: UserId,
        (role, status): (Role, Status),
        now: Timestamp,
    ) -> Self {
        Self {
            tenant_id,
            organization_id,
            user_id,
            role,
            status,
            source: Source::Manual,
            invited_by_user_id: None,
            invited_by_tenant_admin: false,
            spend: 0.0,
            budget_id: None,
            last_active_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// This membership, with the caller as its inviter.
    #[must_use]
    pub fn invited_by(self, caller: &Caller) -> Self {
        Self {
            invited_by_user_id: Some(caller.user_id.clone()),
            invited_by_tenant_admin: caller.tenant_admin,
            ..self
        }
    }

    /// This membership, active from now on.
    #[must_use]
    pub fn activated(&self, now: Timestamp) -> Self {
        Self {
            status: Status::Active,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Whether it is one of those of which a living organization keeps at least one.
    pub fn is_active_owner(&self) -> bool {
        self.role == Role::Owner && self.status == Status::Active
    }
}

impl MembershipPatch {
    /// Whether it would suspend an open invitation, which could then be made active without having
    /// been accepted.
    pub fn suspends_invitation(&self, before: &Membership) -> bool {
        before.status == Status::Invited && self.status == Some(Status::Suspended)
    }

    /// The membership after the change; the very same, version included, when nothing changes.
    /// What is no longer an invitation cannot become one.
    pub fn apply(&self, before: &Membership, now: Timestamp) -> Result<Membership, Invalid> {
        let role = self.role.unwrap_or(before.role);
        let status = self.status.unwrap_or(before.status);
        if (role, status) == (before.role, before.status) {
            return Ok(before.clone());
        }
        if status == Status::Invited && before.status != Status::Invited {
            return Err(Invalid::new(
                "cannot become invited again: remove the member and add them anew",
            ));
        }
        Ok(Membership {
            role,
            status,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        })
    }
}
