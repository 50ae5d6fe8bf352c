//! Webhook endpoints: the URLs of a tenant that receive its events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::url::WebhookUrl;
use crate::patch::nothing_required;
use crate::{
    Description, Event, EventType, EventTypePattern, Invalid, OrganizationId, Patch, TenantId,
    Timestamp, UserId, WebhookEndpointId,
};

/// Maximum number of webhook endpoints in a tenant.
pub const MAX_WEBHOOK_ENDPOINTS: u8 = 20;
/// Maximum number of patterns in `event_types`.
pub const MAX_EVENT_TYPES: usize = 50;

/// Status of a webhook endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum WebhookStatus {
    /// Receives events.
    Enabled,
    /// Receives no events. Waiting deliveries are dropped.
    Disabled,
}

impl WebhookStatus {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Why a webhook endpoint is disabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DisabledReason {
    /// A tenant admin disabled it.
    Requested,
    /// It answered 410 Gone.
    Gone,
    /// Every delivery has failed for 5 days.
    Failing,
}

impl DisabledReason {
    /// Returns its name in responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A webhook endpoint.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookEndpoint {
    /// The id.
    pub id: WebhookEndpointId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization whose events it receives; `null` for all events of the tenant.
    pub organization_id: Option<OrganizationId>,
    /// The URL, in its normal form.
    pub url: WebhookUrl,
    /// The description.
    pub description: Option<Description>,
    /// The types of events that it receives.
    pub event_types: EventTypes,
    /// The status.
    pub status: WebhookStatus,
    /// Why it is disabled; `null` if it is enabled.
    pub disabled_reason: Option<DisabledReason>,
    /// Time of a recent successful delivery. Accurate to a minute.
    pub last_success_at: Option<Timestamp>,
    /// Time of a recent failed delivery. Accurate to a minute.
    pub last_failure_at: Option<Timestamp>,
    /// Start of the current series of failures; `null` if the last one succeeded.
    pub failing_since: Option<Timestamp>,
    /// Starts at 1 and increases by 1 with each change of its fields, and of its secret.
    pub version: u64,
    /// The user who created it.
    pub created_by: UserId,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
}

/// The types of events that an endpoint receives: 1 to 50 patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<EventTypePattern>")]
#[schemars(extend("minItems" = 1, "maxItems" = MAX_EVENT_TYPES))]
pub struct EventTypes(Vec<EventTypePattern>);

impl EventTypes {
    /// Returns the patterns.
    pub fn patterns(&self) -> &[EventTypePattern] {
        &self.0
    }

    /// Returns whether a pattern includes the type.
    pub fn include(&self, event_type: EventType) -> bool {
        self.0.iter().any(|pattern| pattern.matches(event_type))
    }
}

impl TryFrom<Vec<EventTypePattern>> for EventTypes {
    type Error = Invalid;

    fn try_from(patterns: Vec<EventTypePattern>) -> Result<Self, Invalid> {
        if (1..=MAX_EVENT_TYPES).contains(&patterns.len()) {
            return Ok(Self(patterns));
        }
        Err(Invalid::new("must have 1 to 50 event types"))
    }
}

/// A change of a webhook endpoint by JSON Merge Patch: absent fields keep their value, `null` clears.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct WebhookEndpointPatch {
    /// The new URL. Cannot be `null`.
    #[schemars(with = "WebhookUrl")]
    pub url: Option<WebhookUrl>,
    /// The description.
    pub description: Patch<Description>,
    /// The types of events that it receives. Cannot be `null`.
    #[schemars(with = "EventTypes")]
    pub event_types: Option<EventTypes>,
    /// `disabled` stops deliveries, `enabled` resumes them with new events. Cannot be `null`.
    #[schemars(with = "WebhookStatus")]
    pub status: Option<WebhookStatus>,
}

impl WebhookEndpoint {
    /// Returns whether it receives this event.
    pub fn receives(&self, event: &Event) -> bool {
        let is_of = |id: &OrganizationId| event.organization_id.as_ref() == Some(id);
        self.status == WebhookStatus::Enabled
            && self.organization_id.as_ref().is_none_or(is_of)
            && self.event_types.include(event.event_type)
    }

    /// Returns the endpoint as disabled for this reason. An endpoint that is disabled keeps its reason.
    #[must_use]
    pub fn disabled(&self, reason: DisabledReason, now: Timestamp) -> Self {
        if self.status == WebhookStatus::Disabled {
            return self.clone();
        }
        Self {
            status: WebhookStatus::Disabled,
            disabled_reason: Some(reason),
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Returns the endpoint in the next version.
    #[must_use]
    pub fn touched(&self, now: Timestamp) -> Self {
        Self {
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }
}

impl WebhookEndpointPatch {
    /// Returns the endpoint after the change. Returns it unchanged, including the version, if nothing changes. An
    /// endpoint that becomes enabled starts without failures.
    #[must_use]
    pub fn apply(&self, before: &WebhookEndpoint, now: Timestamp) -> WebhookEndpoint {
        let status = self.status.unwrap_or(before.status);
        let is_enabled_now =
            before.status == WebhookStatus::Disabled && self.status == Some(WebhookStatus::Enabled);
        let url = self.url.clone().unwrap_or_else(|| before.url.clone());
        let starts_again = is_enabled_now || url != before.url;
        let after = WebhookEndpoint {
            url,
            description: self.description.apply(&before.description),
            event_types: self
                .event_types
                .clone()
                .unwrap_or_else(|| before.event_types.clone()),
            status,
            disabled_reason: match status {
                WebhookStatus::Enabled => None,
                WebhookStatus::Disabled => {
                    before.disabled_reason.or(Some(DisabledReason::Requested))
                }
            },
            failing_since: before.failing_since.filter(|_| !starts_again),
            ..before.clone()
        };
        if after == *before {
            return after;
        }
        after.touched(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn endpoint() -> WebhookEndpoint {
        let now = at("2026-11-28T10:00:00.000Z");
        WebhookEndpoint {
            id: WebhookEndpointId::parse("e1").unwrap(),
            tenant_id: TenantId::parse("acme").unwrap(),
            organization_id: None,
            url: WebhookUrl::try_from("https://hooks.example/".to_owned()).unwrap(),
            description: None,
            event_types: serde_json::from_str(r#"["membership.*", "team.created"]"#).unwrap(),
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            last_success_at: None,
            last_failure_at: Some(now),
            failing_since: Some(now),
            version: 1,
            created_by: UserId::parse("root").unwrap(),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn patterns_select_the_events() {
        let types = endpoint().event_types;
        assert!(types.include(EventType::MembershipAdded));
        assert!(types.include(EventType::TeamCreated));
        assert!(!types.include(EventType::TeamDeleted));
        for bad in ["[]", "[\"nothing\"]", "[\"*\", \"member*\"]"] {
            assert!(serde_json::from_str::<EventTypes>(bad).is_err(), "{bad}");
        }
        let many = vec!["*"; MAX_EVENT_TYPES + 1];
        let many = serde_json::to_string(&many).unwrap();
        assert!(serde_json::from_str::<EventTypes>(&many).is_err());
    }

    #[test]
    fn enabling_forgets_the_failures() {
        let later = at("2026-11-28T11:00:00.000Z");
        let status = |status| WebhookEndpointPatch {
            status: Some(status),
            ..WebhookEndpointPatch::default()
        };
        let gone = endpoint().disabled(DisabledReason::Gone, later);
        assert_eq!(gone.disabled_reason, Some(DisabledReason::Gone));
        assert_eq!(gone.version, 2);
        // It stays disabled for its first reason.
        assert_eq!(gone.disabled(DisabledReason::Failing, later), gone);
        let disable = status(WebhookStatus::Disabled);
        assert_eq!(disable.apply(&gone, later), gone);
        let by_request = disable.apply(&endpoint(), later);
        assert_eq!(by_request.disabled_reason, Some(DisabledReason::Requested));
        let enabled = status(WebhookStatus::Enabled).apply(&gone, later);
        assert_eq!(enabled.disabled_reason, None);
        assert_eq!(enabled.failing_since, None);
        assert_eq!(enabled.version, 3);
        // An endpoint that is enabled keeps them.
        let same = status(WebhookStatus::Enabled).apply(&endpoint(), later);
        assert_eq!(same, endpoint());
    }
}
