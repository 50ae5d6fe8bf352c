//! Teams: groups of users, in an organization or standalone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::patch::nothing_required;
use super::{
    Description, EffectiveLimits, Invalid, Limits, LimitsPatch, Metadata, MetadataPatch, Name,
    Organization, OrganizationId, Patch, Source, Status, TeamId, TenantId, Timestamp, UserId,
};

/// Role of a user in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_one_of::<Self>)]
pub enum TeamRole {
    /// Manages the team and its members.
    Leader,
    /// Belongs to the team.
    Member,
}

impl TeamRole {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A team.
// Fields and names match the HTTP contract, except `effective_models`, which a function computes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Team {
    /// The id.
    pub id: TeamId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization; `null` for a standalone team.
    pub organization_id: Option<OrganizationId>,
    /// The name. Unique in the organization, compared case-insensitively and with white space folded.
    pub name: Name,
    /// The description.
    pub description: Option<Description>,
    /// Whether your product treats it as the default team. Muster does not use it.
    pub is_default: bool,
    /// The limits on spending and usage.
    pub limits: Limits,
    /// Arbitrary JSON metadata.
    pub metadata: Metadata,
    /// Source of the team.
    pub source: Source,
    /// Starts at 1 and increases by 1 with each change.
    pub version: u64,
    /// The user who created it; `null` if the directory sync did.
    pub created_by: Option<UserId>,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A user in a team.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TeamMembership {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The team.
    pub team_id: TeamId,
    /// The team's organization. Not part of the HTTP contract. Used to end the memberships in the organization's
    /// teams when the user leaves the organization.
    #[serde(skip)]
    pub organization_id: Option<OrganizationId>,
    /// The user.
    pub user_id: UserId,
    /// The role in the team.
    pub role: TeamRole,
    /// The status. Only `active` grants access.
    pub status: Status,
    /// Source of the team membership.
    pub source: Source,
    /// Starts at 1 and increases by 1 with each change of role or status.
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// A change of a team by JSON Merge Patch: absent fields keep their value, `null` clears.
// With a name, it also creates a team.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct TeamPatch {
    /// The new name. Cannot be `null`.
    #[schemars(with = "Name")]
    pub name: Option<Name>,
    /// The description.
    pub description: Patch<Description>,
    /// Whether it is the default team. `null` means `false`.
    pub is_default: Patch<bool>,
    /// A merge patch of the limits.
    pub limits: Patch<LimitsPatch>,
    /// A merge patch of the metadata.
    #[schemars(with = "Patch<Map<String, Value>>")]
    pub metadata: MetadataPatch,
}

/// A status of a team membership. Teams have no invitations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum TeamStatus {
    /// Grants the access of its role.
    Active,
    /// Access is suspended.
    Suspended,
}

impl From<TeamStatus> for Status {
    fn from(status: TeamStatus) -> Self {
        match status {
            TeamStatus::Active => Self::Active,
            TeamStatus::Suspended => Self::Suspended,
        }
    }
}

/// A change of a team membership. Absent fields keep their value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct TeamMembershipPatch {
    /// The new role.
    #[schemars(with = "TeamRole")]
    pub role: Option<TeamRole>,
    /// The new status: `active` or `suspended`.
    #[schemars(with = "Status", extend("enum" = [Status::Active, Status::Suspended]))]
    pub status: Option<TeamStatus>,
}

impl TeamMembershipPatch {
    /// Returns the membership after the change. Returns it unchanged, including the version, if nothing changes.
    pub fn apply(self, before: &TeamMembership, now: Timestamp) -> TeamMembership {
        let role = self.role.unwrap_or(before.role);
        let status = self.status.map_or(before.status, Status::from);
        if (role, status) == (before.role, before.status) {
            return before.clone();
        }
        TeamMembership {
            role,
            status,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        }
    }
}

impl Team {
    /// Creates a new team with source `manual`.
    pub fn new(
        id: TeamId,
        tenant_id: TenantId,
        organization_id: Option<OrganizationId>,
        name: Name,
        created_by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant_id,
            organization_id,
            name,
            description: None,
            is_default: false,
            limits: Limits::default(),
            metadata: Metadata::default(),
            source: Source::Manual,
            version: 1,
            created_by: Some(created_by),
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns this new team with the fields that its creator set. Fails if the metadata exceeds its limits.
    pub fn with(self, patch: &TeamPatch) -> Result<Self, Invalid> {
        let metadata = match &patch.metadata {
            Patch::Keep | Patch::Clear => Metadata::default(),
            // The metadata is set and not merged: a `null` in it is a value here.
            Patch::Set(object) => Metadata::new(object.clone())?,
        };
        let made = patch.apply(&self, self.created_at)?;
        Ok(Self {
            metadata,
            version: self.version,
            ..made
        })
    }

    /// Returns the models that it may use. See [`Limits::effective_models`].
    pub fn effective_models(&self, organization: Option<&Organization>) -> Vec<String> {
        let organization = organization.map(|organization| &organization.limits);
        self.limits.effective_models(organization)
    }

    /// Returns the limits that apply to it.
    pub fn effective_limits(&self, organization: Option<&Organization>) -> EffectiveLimits {
        let organization = organization.map(|organization| &organization.limits);
        self.limits.effective(organization)
    }
}

impl TeamMembership {
    /// Creates a membership of a user in a team with source `manual`.
    pub fn new(team: &Team, user_id: UserId, role: TeamRole, now: Timestamp) -> Self {
        Self {
            tenant_id: team.tenant_id.clone(),
            team_id: team.id.clone(),
            organization_id: team.organization_id.clone(),
            user_id,
            role,
            status: Status::Active,
            source: Source::Manual,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// Returns whether its user is an active leader of the team.
    pub fn leads(&self) -> bool {
        self.role == TeamRole::Leader && self.status == Status::Active
    }
}

impl TeamPatch {
    /// Returns the team after the change. Returns it unchanged, including the version, if nothing changes. Fails if
    /// the metadata would exceed its limits.
    pub fn apply(&self, before: &Team, now: Timestamp) -> Result<Team, Invalid> {
        let after = Team {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            description: self.description.apply(&before.description),
            is_default: match self.is_default {
                Patch::Keep => before.is_default,
                Patch::Clear => false,
                Patch::Set(is_default) => is_default,
            },
            limits: match &self.limits {
                Patch::Keep => before.limits.clone(),
                Patch::Clear => Limits::default(),
                Patch::Set(patch) => patch.apply(&before.limits),
            },
            metadata: match &self.metadata {
                Patch::Keep => before.metadata.clone(),
                Patch::Clear => Metadata::default(),
                Patch::Set(patch) => before.metadata.merged(patch)?,
            },
            ..before.clone()
        };
        if after == *before {
            return Ok(after);
        }
        Ok(Team {
            version: before.version + 1,
            updated_at: now,
            ..after
        })
    }
}
