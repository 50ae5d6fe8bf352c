//! Memberships: a user in an organization.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use super::patch::nothing_required;
use super::{Caller, Invalid, OrganizationId, Role, TenantId, Timestamp, UserId};

/// How long an open invitation can be accepted.
const OPEN_FOR: Duration = Duration::from_hours(7 * 24);

/// Status of a membership. Only `active` grants access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantArray, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_one_of::<Self>)]
pub enum Status {
    /// Grants the access of its role.
    Active,
    /// The user has not accepted yet.
    Invited,
    /// Access is suspended.
    Suspended,
}

impl Status {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How something was created. A directory changes only what has its own source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Source {
    /// Through the API.
    Manual,
    /// By a directory of type `entra`, or the default directory of the deployment.
    Entra,
    /// By a directory of type `scim`.
    Scim,
    /// By a verified email address in a domain of the organization.
    Domain,
    /// By accepting an invitation by email.
    Invitation,
}

impl Source {
    /// Returns its name in responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns whether a directory gives it.
    pub const fn is_directory(self) -> bool {
        match self {
            Self::Entra | Self::Scim => true,
            Self::Manual | Self::Domain | Self::Invitation => false,
        }
    }
}

/// A user in an organization.
// Fields and names match the HTTP contract.
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
    /// Source of the membership.
    pub source: Source,
    /// The user who added the member, or who last set the role of an open invitation; `null` for the
    /// organization's creator and for memberships that the sync created.
    pub invited_by_user_id: Option<UserId>,
    /// Whether the inviter was a tenant admin, whose right came from the token and not from a membership.
    /// Not part of the HTTP contract. Accepting an invitation depends on it.
    #[serde(skip)]
    pub invited_by_tenant_admin: bool,
    /// Amount spent by the user in the organization. Read-only.
    pub spend: f64,
    /// The budget of the user in the organization. Read-only.
    pub budget_id: Option<String>,
    /// Time until which an open invitation can be accepted: 7 days after the user was last invited; `null` unless the
    /// status is `invited`.
    // Not stored: the last change of an open invitation is the last time that the user was invited.
    pub expires_at: Option<Timestamp>,
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
    /// Creates a new membership with source `manual`.
    pub fn new(
        tenant_id: TenantId,
        organization_id: OrganizationId,
        user_id: UserId,
        role: Role,
        status: Status,
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
            expires_at: open_until(status, now),
            last_active_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns this membership with the caller as its inviter.
    #[must_use]
    pub fn invited_by(self, caller: &Caller) -> Self {
        Self {
            invited_by_user_id: Some(caller.user_id.clone()),
            invited_by_tenant_admin: caller.tenant_admin,
            ..self
        }
    }

    /// Returns this membership as active, changed at `now`.
    #[must_use]
    pub fn activated(&self, now: Timestamp) -> Self {
        Self {
            status: Status::Active,
            expires_at: None,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Returns this membership as an invitation to a role by the caller, made at `now`.
    #[must_use]
    pub fn invited_again(&self, role: Role, caller: &Caller, now: Timestamp) -> Self {
        Self {
            role,
            status: Status::Invited,
            expires_at: open_until(Status::Invited, now),
            version: self.version + 1,
            updated_at: now,
            ..self.clone().invited_by(caller)
        }
    }

    /// Returns whether it is an open invitation that has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|until| until <= now)
    }

    /// Returns whether it is an active owner. A live organization keeps at least one of them.
    pub fn is_active_owner(&self) -> bool {
        self.role == Role::Owner && self.status == Status::Active
    }
}

impl MembershipPatch {
    /// Returns whether it would suspend an open invitation, which could then become active without being accepted.
    pub fn suspends_invitation(&self, before: &Membership) -> bool {
        before.status == Status::Invited && self.status == Some(Status::Suspended)
    }

    /// Returns the membership after the change. Returns it unchanged, including the version, if nothing changes.
    /// Fails if it would turn an accepted membership into an invitation.
    pub fn apply(&self, before: &Membership, now: Timestamp) -> Result<Membership, Invalid> {
        let role = self.role.unwrap_or(before.role);
        let status = self.status.unwrap_or(before.status);
        if (role, status) == (before.role, before.status) {
            return Ok(before.clone());
        }
        if status == Status::Invited && before.status != Status::Invited {
            return Err(Invalid::new(
                "cannot become invited again: remove the member and add them again",
            ));
        }
        Ok(Membership {
            role,
            status,
            expires_at: open_until(status, now),
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        })
    }
}

/// Returns until when a membership that was last changed at `changed_at` can be accepted.
pub fn open_until(status: Status, changed_at: Timestamp) -> Option<Timestamp> {
    (status == Status::Invited).then(|| changed_at.after(OPEN_FOR))
}
