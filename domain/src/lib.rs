//! Organizations, memberships, roles and their values. Pure: no AWS, no HTTP, no environment. The time and new ids
//! are passed in. Other packages use it as `muster::domain`.

mod caller;
mod directory;
mod event;
mod fold;
mod from_json;
mod idempotency;
mod ids;
mod invitation;
pub mod json;
mod keys;
mod limits;
mod membership;
mod metadata;
mod organization;
mod organization_domain;
mod origin;
mod page;
mod patch;
mod role;
mod scim;
mod sorted_lines;
mod team;
mod team_limits;
mod text;
mod time;
mod user;
mod version;
mod webhook;

use std::borrow::Cow;

use thiserror::Error;

pub use caller::{Caller, ClaimedEmail};
pub use directory::{
    DEFAULT_ROLE, Directory, DirectoryPatch, DirectoryRun, DirectorySettings,
    DirectorySettingsPatch, DirectoryStatus, DirectoryType, EntraDirectory, EntraDirectoryPatch,
    EntraId, GroupFilter, GroupIds, GroupMap, GroupMapPatch, LinkBy, MAX_GROUP_FILTER_LENGTH,
    MAX_GROUP_IDS, MAX_MAP_ENTRIES, MappedGroup, MembershipsOfDeleted, OnLeave, PreviewedGroup,
    PreviewedMembership, PreviewedUser, RemovalLimit, RemovalLimitPatch, RequestedDirectoryStatus,
    RoleMap, RoleMapPatch, RunKind, RunNumbers, RunOutcome, SecretArn, SyncPreview,
};
pub use event::{
    Changes, DEFAULT_EVENT_RETENTION_DAYS, Event, EventDraft, EventId, EventType, EventTypePattern,
    FieldChange, MAX_CHANGE_BYTES, MAX_TARGETS, PersonalDetails, Resource, Target, TargetType,
    Transition, fields_of, shows_value, targets_of,
};
pub use idempotency::IdempotencyKey;
pub use ids::{
    DirectoryId, DirectoryRunId, EntraObjectId, GroupId, InvitationId, MAX_ID_LENGTH,
    MAX_USER_ID_LENGTH, ME, OrganizationId, ScimUserId, TeamId, TenantId, UserId,
    WebhookEndpointId,
};
pub use invitation::{
    DEFAULT_INVITATION_DAYS, Invitation, InvitationDelivery, InvitationPage, InvitationSecret,
    InvitationStatus, InvitationToken, IssuedToken, MAX_INVITATION_DAYS, MAX_INVITATION_TEAMS,
    MAX_REDIRECT_URL_LENGTH, RESEND_AFTER, RedirectUrl,
};
pub use json::{Json, JsonNumber, JsonObject};
pub use keys::{DomainKey, InvitationKey, MemberKey, TeamMemberKey};
pub use limits::{
    Budget, BudgetDuration, Limits, MAX_BUDGET, MAX_MODEL_LENGTH, MAX_MODELS, MAX_RATE, MIN_BUDGET,
};
pub use membership::{Membership, MembershipPatch, Source, Status, open_until};
pub use metadata::{MAX_METADATA_BYTES, MAX_METADATA_DEPTH, Metadata};
pub use organization::{
    LimitsPatch, MetadataPatch, Organization, OrganizationPatch, OrganizationStatus, RETENTION,
};
pub use organization_domain::{
    AutoJoin, DomainCheck, DomainPatch, DomainStatus, DomainToken, MAX_DOMAINS, MAX_MISSES,
    OrganizationDomain, RECHECK_INTERVAL, ShownDomain, Verification,
};
pub use origin::{Actor, ActorType, EventContext, Origin};
pub use page::Page;
pub use patch::Patch;
pub use role::{Permission, Role};
pub use scim::{
    MAX_SCIM_EMAILS, MAX_SCIM_FOUND, MAX_SCIM_MEMBERS, MAX_SCIM_RESOURCE_BYTES, ScimGroup,
    ScimLookup, ScimMember, ScimMembersChange, ScimScope, ScimToken, ScimTokenHash, ScimUser,
};
pub use team::{Team, TeamMembership, TeamMembershipPatch, TeamPatch, TeamRole, TeamStatus};
pub use team_limits::{ALL_ORGANIZATION_MODELS, EffectiveLimits, ExceedingLimit, NO_MODELS};
pub use text::{
    BillingAddress, Description, Domain, DomainInput, Email, FoldedName,
    MAX_BILLING_ADDRESS_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_DOMAIN_LENGTH, MAX_EMAIL_LENGTH,
    MAX_NAME_LENGTH, MAX_STRIPE_CUSTOMER_ID_LENGTH, Name, StripeCustomerId,
};
pub use time::{Clock, Timestamp};
pub use user::{SearchPrefix, User, UserNames, UserPatch, UserStatus, UserStatusPatch};
pub use version::{ExpectedVersion, VersionMismatch, VersionTags};
pub use webhook::{
    Delivery, DeliveryStatus, DisabledReason, EventTypes, MAX_EVENT_TYPES, MAX_WEBHOOK_ENDPOINTS,
    MAX_WEBHOOK_URL_LENGTH, WebhookEndpoint, WebhookEndpointPatch, WebhookReplay, WebhookSecret,
    WebhookStatus, WebhookTargets, WebhookTest, WebhookUrl, is_public,
};

/// The rule that a value breaks, worded for the caller: `must be …`.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// Creates it from the rule, including the limits that apply.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }

    /// Creates it for a text that is not a name of the enum: `must be one of active, invited, suspended`.
    pub fn must_be_one_of<T: strum::VariantNames>(_: &str) -> Self {
        Self::new(format!("must be one of {}", T::VARIANTS.join(", ")))
    }

    /// Creates it for a text that is not a name of an enum with few names: `must be pending, verified or failed`.
    pub fn must_be_either<T: strum::VariantNames>(_: &str) -> Self {
        let names = T::VARIANTS.join(", ");
        Self::new(match names.rsplit_once(", ") {
            Some((first, last)) => format!("must be {first} or {last}"),
            None => format!("must be {names}"),
        })
    }
}

#[cfg(test)]
mod tests;
