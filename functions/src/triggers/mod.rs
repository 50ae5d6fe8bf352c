//! Triggers of a Cognito user pool. A login never fails because of them: they answer with the
//! event that they were given, and at most add to it.

pub mod post_login;
pub mod pre_token;

use std::time::Duration;

use muster::config::Settings;
use muster::domain::{ME, TenantId, UserId};
use serde_json::{Map, Value};

/// Time of an invocation reserved for returning the response.
const RESERVE: Duration = Duration::from_millis(300);

/// Why nothing can be done for a login.
const UNUSABLE_EVENT: &str = "the event has no valid tenant or user";
/// Why nothing is done for a user of that id.
const RESERVED: &str = "reserved-user-id";
/// Why nothing is done for an event about no user.
const NO_USER: &str = "no-user";

/// Who an event is about.
#[derive(Debug, PartialEq)]
enum Subject {
    /// A user of a tenant.
    User(TenantId, UserId),
    /// No user: a machine gets a token, for example.
    NoUser,
    /// An id that no user can have: in paths it means the caller.
    Reserved,
    /// A user or a tenant that cannot be used.
    Unusable,
}

impl Subject {
    /// The user that these parts of an event name.
    fn of(tenant: Option<&Value>, user: Option<&Value>, default: Option<&TenantId>) -> Self {
        let user = match user {
            None | Some(Value::Null) => return Self::NoUser,
            Some(Value::String(id)) if id.is_empty() => return Self::NoUser,
            Some(Value::String(id)) if id == ME => return Self::Reserved,
            Some(Value::String(id)) => UserId::parse(id).ok(),
            Some(_) => None,
        };
        match (tenant_of(tenant, default), user) {
            (Some(tenant), Some(user)) => Self::User(tenant, user),
            _ => Self::Unusable,
        }
    }
}

/// The attributes of the user, if the event has any. Test events and emulators send `null` in any place.
fn attributes(event: &Value) -> Option<&Map<String, Value>> {
    event.get("request")?.get("userAttributes")?.as_object()
}

/// The user who signs in, by their attributes.
fn subject(event: &Value, default: Option<&TenantId>) -> Subject {
    let attributes = attributes(event);
    let attribute = |name: &str| attributes.and_then(|attributes| attributes.get(name));
    Subject::of(attribute("custom:tenant_id"), attribute("sub"), default)
}

/// The source of an event; nothing when it has none.
fn trigger_source(event: &Value) -> &str {
    let source = event.get("triggerSource").and_then(Value::as_str);
    source.unwrap_or_default()
}

/// An attribute of the user, if it is text that is not empty. Cognito leaves out what a user
/// does not have, and other sources are not strict about types.
fn attribute<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    text(attributes(event)?.get(name))
}

/// The value, if it is text that is not empty.
fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// The tenant of an event; defaults to the given one if the event has none. An invalid tenant id does
/// not default: it may belong to another tenant.
fn tenant_of(named: Option<&Value>, default: Option<&TenantId>) -> Option<TenantId> {
    match named {
        None | Some(Value::Null) => default.cloned(),
        Some(Value::String(id)) if id.is_empty() => default.cloned(),
        Some(Value::String(id)) => TenantId::parse(id).ok(),
        Some(_) => None,
    }
}

/// Returns whether a value is true: Cognito's attributes are strings, other sources may send a boolean.
fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(value)) => value == "true",
        _ => false,
    }
}

/// Returns whether the user's email address is proved to belong to them: the user pool verified it, the identity
/// provider says so in the attribute `email_verified`, or all of the user's identity providers are listed in
/// `VERIFIED_EMAIL_PROVIDERS`. One of them is not enough: the address may come from any other.
fn has_verified_email(event: &Value, settings: &Settings) -> bool {
    let Some(attributes) = attributes(event) else {
        return is_true(event.get("emailVerified"));
    };
    if is_true(attributes.get("email_verified")) {
        return true;
    }
    let identities: Option<Vec<Value>> =
        attribute(event, "identities").and_then(|text| serde_json::from_str(text).ok());
    let identities = identities.unwrap_or_default();
    let is_trusted = |identity: &Value| {
        let name = identity.get("providerName").and_then(Value::as_str);
        let mut trusted = settings.verified_email_providers.iter();
        name.is_some_and(|name| trusted.any(|one| one == name))
    };
    !identities.is_empty() && identities.iter().all(is_trusted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_email_address_counts_if_its_providers_are_trusted() {
        let read = |name: &str| match name {
            "TABLE_NAME" => Some("t".to_owned()),
            "VERIFIED_EMAIL_PROVIDERS" => Some("Okta, Acme".to_owned()),
            _ => None,
        };
        let settings = Settings::read(read).unwrap();
        let identities = |names: &[&str]| {
            let all = names.iter().map(|name| json!({"providerName": name}));
            Value::Array(all.collect()).to_string()
        };
        for (attributes, expected) in [
            (json!({"email_verified": "true"}), true),
            (json!({"email_verified": true}), true),
            (json!({"email_verified": "false"}), false),
            (json!({}), false),
            (json!({"identities": identities(&["Okta"])}), true),
            (json!({"identities": identities(&["Acme", "Okta"])}), true),
            (json!({"identities": identities(&["Okta", "Entra"])}), false),
            (json!({"identities": identities(&["okta"])}), false),
            (json!({"identities": identities(&[])}), false),
            (json!({"identities": "Okta"}), false),
            (json!({"identities": "[{}]"}), false),
        ] {
            let event = json!({"request": {"userAttributes": attributes}});
            assert_eq!(has_verified_email(&event, &settings), expected, "{event}");
        }
        for (verified, expected) in [(json!(true), true), (json!(null), false)] {
            let event = json!({"userId": "ada", "emailVerified": verified});
            assert_eq!(has_verified_email(&event, &settings), expected, "{event}");
        }
    }
}
