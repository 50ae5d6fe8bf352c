//! Triggers of a Cognito user pool. Whatever happens inside, a login goes on: they answer with the
//! event that they were given, and at most add to it.

pub mod post_login;
pub mod pre_token;

use std::time::Duration;

use lambda_runtime::Context;
use muster::domain::{TenantId, Timestamp, UserId};
use serde_json::Value;

/// Left of the invocation's time for the answer to get back.
const RESERVE: Duration = Duration::from_millis(300);

/// Why nothing can be done for a login.
const NOBODY: &str = "the event names no usable tenant and user";

/// How much time is left for the work: the budget, or what is left of the invocation.
fn time_left(budget: Duration, context: &Context, now: Timestamp) -> Duration {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    match context.deadline.saturating_sub(now) {
        // Not Lambda's own context, or one by another clock.
        0 => budget,
        left => budget.min(Duration::from_millis(left).saturating_sub(RESERVE)),
    }
}

/// An attribute of the user, if it is a text with anything in it. Cognito leaves out what a user
/// does not have, and other sources are not strict about types.
fn attribute<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    text(event.get("request")?.get("userAttributes")?.get(name))
}

/// A text with anything in it.
fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}

/// The tenant of the user who signs in: `custom:tenant_id`, else the default one.
fn tenant(event: &Value, default: Option<&TenantId>) -> Option<TenantId> {
    let attributes = event
        .get("request")
        .and_then(|request| request.get("userAttributes"));
    let named = attributes.and_then(|attributes| attributes.get("custom:tenant_id"));
    tenant_of(named, default)
}

/// The tenant that an event names, or the default one when it names none. What is there but can be
/// no tenant's id is not taken for the default one: it stands for somebody else's.
fn tenant_of(named: Option<&Value>, default: Option<&TenantId>) -> Option<TenantId> {
    match named {
        None | Some(Value::Null) => default.cloned(),
        Some(Value::String(id)) if id.is_empty() => default.cloned(),
        Some(Value::String(id)) => TenantId::parse(id).ok(),
        Some(_) => None,
    }
}

/// The user who signs in: `sub`.
fn user(event: &Value) -> Option<UserId> {
    UserId::parse(attribute(event, "sub")?).ok()
}
