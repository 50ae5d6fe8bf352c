//! The closed list of event types.

use std::borrow::Cow;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use super::resource::Resource;
use crate::Invalid;

macro_rules! event_types {
    ($($resource:ident { $($variant:ident = $name:literal, $description:literal;)+ })+) => {
        /// Type of an event.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[derive(Display, EnumString, IntoStaticStr, VariantArray)]
        #[strum(parse_err_ty = Invalid, parse_err_fn = not_an_event_type)]
        pub enum EventType {
            $($(#[doc = $description] #[strum(serialize = $name)] $variant,)+)+
        }

        impl EventType {
            /// Returns its name: `membership.added`.
            pub fn as_str(self) -> &'static str {
                self.into()
            }

            /// Returns what happened, in one sentence.
            pub const fn description(self) -> &'static str {
                match self {
                    $($(Self::$variant => $description,)+)+
                }
            }

            /// Returns the resource that the event is about.
            pub const fn resource(self) -> Resource {
                match self {
                    $($(Self::$variant => Resource::$resource,)+)+
                }
            }
        }
    };
}

event_types! {
    Organization {
        OrganizationCreated = "organization.created", "An organization was created.";
        OrganizationUpdated = "organization.updated", "Fields of an organization changed.";
        OrganizationDeleted = "organization.deleted", "An organization was deleted.";
        OrganizationRestored = "organization.restored", "A deleted organization was restored.";
        OrganizationOwnershipTransferred = "organization.ownership_transferred", "An owner made another member an owner and stepped down. The events of both memberships have the same `request_id`.";
    }
    Membership {
        MembershipAdded = "membership.added", "A user became an active member of an organization.";
        MembershipInvited = "membership.invited", "A user was invited into an organization, invited by someone else, or invited again after the invitation expired.";
        MembershipAccepted = "membership.accepted", "A user accepted an invitation.";
        MembershipDeclined = "membership.declined", "A user declined an invitation.";
        MembershipRoleChanged = "membership.role_changed", "The role of a member changed, or the `source` became `manual` because the directory was deleted.";
        MembershipSuspended = "membership.suspended", "A membership was suspended.";
        MembershipReactivated = "membership.reactivated", "A suspended membership became active again.";
        MembershipRemoved = "membership.removed", "A user was removed from an organization and its teams.";
        MembershipLeft = "membership.left", "A user left an organization and its teams.";
    }
    Invitation {
        InvitationCreated = "invitation.created", "An email address was invited into an organization.";
        InvitationResent = "invitation.resent", "An invitation was sent again, with a new token.";
        InvitationRevoked = "invitation.revoked", "An invitation was revoked.";
        InvitationAccepted = "invitation.accepted", "An invitation was accepted. The event of the membership has the same `request_id`.";
        InvitationDeclined = "invitation.declined", "An invitation was declined.";
        InvitationDeliveryFailed = "invitation.delivery_failed", "The mail of an invitation could not be sent.";
    }
    Team {
        TeamCreated = "team.created", "A team was created.";
        TeamUpdated = "team.updated", "Fields of a team changed.";
        TeamDeleted = "team.deleted", "A team was deleted, and its members with it.";
        TeamRestored = "team.restored", "A deleted team was restored, without members.";
    }
    TeamMembership {
        TeamMembershipAdded = "team_membership.added", "A user was added to a team.";
        TeamMembershipUpdated = "team_membership.updated", "The role, status, organization or source of a team membership changed.";
        TeamMembershipRemoved = "team_membership.removed", "A user was removed from one or more teams.";
    }
    User {
        UserRegistered = "user.registered", "A user became known in the tenant.";
        UserUpdated = "user.updated", "The profile of a user changed.";
        UserDisabled = "user.disabled", "A user was disabled, and has no access through any membership.";
        UserErased = "user.erased", "A user was erased, with all memberships and personal details.";
        UserEnabled = "user.enabled", "A disabled user was enabled, with the memberships that they have.";
    }
    WebhookEndpoint {
        WebhookEndpointCreated = "webhook_endpoint.created", "A webhook endpoint was created.";
        WebhookEndpointUpdated = "webhook_endpoint.updated", "Fields of a webhook endpoint changed.";
        WebhookEndpointDeleted = "webhook_endpoint.deleted", "A webhook endpoint was deleted.";
        WebhookEndpointSecretRotated = "webhook_endpoint.secret_rotated", "The secret of a webhook endpoint was rotated.";
        WebhookEndpointDisabled = "webhook_endpoint.disabled", "A webhook endpoint was disabled because deliveries to it failed.";
    }
    Domain {
        DomainAdded = "domain.added", "A domain was added to an organization.";
        DomainVerified = "domain.verified", "A domain was verified: its record was found.";
        DomainUpdated = "domain.updated", "The status or auto-join of a domain changed. After three weekly checks without its record a domain is `failed`, and auto-join ends.";
        DomainRemoved = "domain.removed", "A domain was removed from an organization.";
    }
    Directory {
        DirectoryCreated = "directory.created", "A directory was created.";
        DirectoryUpdated = "directory.updated", "Fields of a directory changed.";
        DirectoryDeleted = "directory.deleted", "A directory was deleted. `memberships` says whether what it gave was kept, with the source `manual`, or removed. Each membership has an event of its own.";
        DirectoryRunBlocked = "directory.run_blocked", "A run would have ended more memberships than `removal_limit` allows, and ended none. A tenant admin confirms it, or corrects the directory.";
        DirectoryBroken = "directory.broken", "A directory can no longer be read: consent or a permission was withdrawn. Nothing that it gave changes.";
    }
}

fn not_an_event_type(_: &str) -> Invalid {
    Invalid::new("must be an event type")
}

impl Serialize for EventType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for EventType {
    fn schema_name() -> Cow<'static, str> {
        "EventType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::VARIANTS.iter().map(|one| one.as_str()).collect();
        let means = Self::VARIANTS
            .iter()
            .map(|one| format!("\n- `{one}`: {}", one.description()));
        let description = format!(
            "Type of an event. The schema of each type, such as `MembershipAddedEvent`, lists the fields that `changes` can have.\n{}",
            means.collect::<String>()
        );
        json_schema!({"type": "string", "enum": names, "description": description})
    }
}

/// Which event types are meant: all (`*`), those with a prefix (`membership.*`), or one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTypePattern(String);

impl EventTypePattern {
    /// Returns whether it includes the type.
    pub fn matches(&self, event_type: EventType) -> bool {
        self.prefix().map_or_else(
            || self.0 == event_type.as_str(),
            |prefix| event_type.as_str().starts_with(prefix),
        )
    }

    /// Returns the types that it includes.
    pub fn types(&self) -> impl Iterator<Item = EventType> {
        let all = EventType::VARIANTS.iter().copied();
        all.filter(|one| self.matches(*one))
    }

    /// Returns the pattern as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn prefix(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }
}

impl FromStr for EventTypePattern {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let pattern = Self(text.to_owned());
        let is_whole = pattern
            .prefix()
            .is_none_or(|prefix| prefix.is_empty() || prefix.ends_with('.'));
        if is_whole && pattern.types().next().is_some() {
            return Ok(pattern);
        }
        Err(Invalid::new(
            "must be *, an event type such as membership.added, or a prefix such as membership.*",
        ))
    }
}

impl TryFrom<String> for EventTypePattern {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<EventTypePattern> for String {
    fn from(pattern: EventTypePattern) -> String {
        pattern.0
    }
}

impl JsonSchema for EventTypePattern {
    fn schema_name() -> Cow<'static, str> {
        "EventTypePattern".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut patterns = vec!["*".to_owned()];
        for one in EventType::VARIANTS {
            let prefix = one.as_str().split('.').next().unwrap_or_default();
            let prefix = format!("{prefix}.*");
            if !patterns.contains(&prefix) {
                patterns.push(prefix);
            }
        }
        patterns.extend(EventType::VARIANTS.iter().map(ToString::to_string));
        json_schema!({
            "type": "string",
            "enum": patterns,
            "description": "All event types (`*`), those of one resource (`membership.*`), or one (`membership.added`).",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<EventTypePattern, Invalid> {
        text.parse()
    }

    #[test]
    fn a_pattern_includes_all_one_resource_or_one_type() {
        let count = |text: &str| pattern(text).unwrap().types().count();
        assert_eq!(count("*"), EventType::VARIANTS.len());
        assert_eq!(count("team.*"), 4);
        assert_eq!(count("membership.added"), 1);
        for bad in [
            "",
            "**",
            "mem*",
            "membership",
            "membership.",
            "membership.add*",
            "nothing.*",
            "membership.added ",
        ] {
            assert!(pattern(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn names_are_unique_and_round_trip() {
        for one in EventType::VARIANTS {
            assert_eq!(one.as_str().parse(), Ok(*one));
        }
    }
}
