//! Triggers of a Cognito user pool. A login never fails because of them: they answer with the
//! event that they were given, and at most add to it.

pub mod post_login;
pub mod pre_token;

use std::time::Duration;

use muster::domain::{TenantId, UserId};
use serde_json::{Map, Value};

/// Left of an invocation's time for the answer to get back.
const RESERVE: Duration = Duration::from_millis(300);

/// Why nothing can be done for a login.
const NOBODY: &str = "the event names no usable tenant and user";
/// In paths the caller, so that no user can have it as an id.
const RESERVED_USER_ID: &str = "me";
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
    Nobody,
    /// An id that no user can have: in paths it means the caller.
    Reserved,
    /// A user or a tenant that cannot be used.
    Unusable,
}

impl Subject {
    /// The user that these parts of an event name.
    fn of(tenant: Option<&Value>, user: Option<&Value>, default: Option<&TenantId>) -> Self {
        let user = match user {
            None | Some(Value::Null) => return Self::Nobody,
            Some(Value::String(id)) if id.is_empty() => return Self::Nobody,
            Some(Value::String(id)) if id == RESERVED_USER_ID => return Self::Reserved,
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

/// An attribute of the user, if it is a text with anything in it. Cognito leaves out what a user
/// does not have, and other sources are not strict about types.
fn attribute<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    text(attributes(event)?.get(name))
}

/// A text with anything in it.
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
