//! Replays the events of the table: they must give exactly the organizations, memberships, teams, invitations and users that
//! are in it.

mod fold;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::document::event_violations;
use crate::invitations::wrong_answers;

use fold::{Folded, fold};

type Item = Map<String, Value>;

/// A resource by kind and ids: `["TeamMembership", team, user]`.
type ResourceKey = Vec<String>;

/// The kind of a user.
const USER: &str = "User";

/// All violations: events that do not follow from one another, and resources that differ from their events.
pub fn violations(items: &[Item]) -> Vec<String> {
    let mut tenants: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let mut violations = Vec::new();
    for item in items.iter().filter(|item| item.contains_key("record")) {
        let event: Value = serde_json::from_str(text(item, "record")).unwrap();
        for wrong in event_violations(&event) {
            violations.push(format!(
                "12: an event unlike the schema of its type: {wrong} in {event}"
            ));
        }
        let tenant = text(item, "pk").split('#').nth(1).unwrap();
        tenants.entry(tenant).or_default().push(event);
    }
    for (tenant, mut events) in tenants {
        events.sort_by(|one, other| id(one).cmp(id(other)));
        violations.extend(incomplete_transfers(&events));
        violations.extend(wrong_answers(&events));
        let (state, left) = fold(events);
        for event in left {
            violations.push(format!("12: an event without its change: {event}"));
        }
        let own = format!("TENANT#{tenant}#");
        let own = items
            .iter()
            .filter(|item| text(item, "pk").starts_with(&own));
        compare(own.clone(), &state, &mut violations);
        violations.extend(domains_of_two(own));
    }
    violations
}

/// Verified domains that do not belong to exactly the organization that verified them.
fn domains_of_two<'a>(items: impl Iterator<Item = &'a Item>) -> Vec<String> {
    let (mut owned, mut verified) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        let of = ["domain", "organization_id", "auto_join_role"].map(|name| text(item, name));
        let of = (of, item.get("auto_join").and_then(Value::as_bool));
        match text(item, "sk") {
            "VERIFIED" => drop(owned.insert(of)),
            sk if sk.starts_with("DOMAIN#") && text(item, "status") == "verified" => {
                verified.insert(of);
            }
            _ => {}
        }
    }
    let different = owned.symmetric_difference(&verified);
    let violation = |it| format!("14: a verified domain that is not its organization's: {it:?}");
    different.map(violation).collect()
}

/// Transfers of ownership without the events of the memberships that they change.
fn incomplete_transfers(events: &[Value]) -> Vec<String> {
    let request = |event: &Value| event["context"]["request_id"].clone();
    let transfers = events
        .iter()
        .filter(|event| event["type"] == "organization.ownership_transferred");
    let incomplete = transfers.filter(|transfer| {
        let of_member = |user: &Value, end: &str| {
            events.iter().any(|event| {
                event["type"] == "membership.role_changed"
                    && event["targets"][0]["id"] == *user
                    && event["changes"]["role"][end] == "owner"
                    && event["organization_id"] == transfer["organization_id"]
                    && request(event) == request(transfer)
            })
        };
        let owner = &transfer["changes"]["owner_user_id"];
        let steps_down = of_member(&owner["from"], "from");
        let is_raised = of_member(&owner["to"], "to");
        // A new owner may have been one already; then the previous one has to step down.
        steps_down == owner["from"].is_null() || !(steps_down || is_raised)
    });
    let violation = |event| format!("12: a transfer without its changes: {event}");
    incomplete.map(violation).collect()
}

fn id(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

/// How the profile of a user differs from their events.
fn differences_of_user(item: &Item, folded: &Folded) -> Vec<String> {
    let version = item["version"].as_u64().unwrap();
    let mut different = Vec::new();
    if version < folded.version {
        different.push(format!("version: {version} and {}", folded.version));
    }
    // The status that the user had before they were being erased, which has no event.
    let status = item.get("status_before").or(item.get("status"));
    let status = status.and_then(Value::as_str).unwrap_or("enabled");
    let is_admin = item.contains_key("directory_admin");
    for (field, stored) in [
        ("status", Value::from(status)),
        ("tenant_admin", is_admin.into()),
    ] {
        let unless_changed = if field == "status" {
            Value::from("enabled")
        } else {
            false.into()
        };
        let value = folded.fields.get(field).unwrap_or(&unless_changed);
        if *value != stored {
            different.push(format!("{field}: {stored} and {value}"));
        }
    }
    different
}

/// Compares the resources of a tenant with their events.
fn compare<'a>(
    items: impl Iterator<Item = &'a Item>,
    state: &BTreeMap<ResourceKey, Folded>,
    violations: &mut Vec<String>,
) {
    let mut found = BTreeSet::new();
    for item in items {
        let sk = text(item, "sk");
        let own = |name: &str| text(item, name).to_owned();
        let key = match sk {
            "ORG" => vec!["Organization".to_owned(), own("id")],
            "TEAM" => vec!["Team".to_owned(), own("id")],
            _ if sk.starts_with("ORG#") => {
                vec![
                    "Membership".to_owned(),
                    own("organization_id"),
                    own("user_id"),
                ]
            }
            _ if sk.starts_with("DOMAIN#") => {
                vec!["Domain".to_owned(), own("organization_id"), own("domain")]
            }
            _ if sk.starts_with("INVITATION#") => vec!["Invitation".to_owned(), own("id")],
            "USER" => vec![USER.to_owned(), own("user_id")],
            _ if sk.starts_with("TEAM#") => {
                let team = vec!["Team".to_owned(), own("team_id")];
                if state.get(&team).is_none_or(|team| team.is_deleted) {
                    // From a deleted team.
                    continue;
                }
                vec!["TeamMembership".to_owned(), own("team_id"), own("user_id")]
            }
            _ => continue,
        };
        found.insert(key.clone());
        let Some(folded) = state.get(&key) else {
            violations.push(format!("12: a change without its event: {key:?}"));
            continue;
        };
        if key[0] == USER {
            let different = differences_of_user(item, folded);
            if !different.is_empty() {
                violations.push(format!(
                    "12: {key:?} differs from its events: {different:?}"
                ));
            }
            continue;
        }
        let is_invitation = key[0] == "Invitation";
        let differs = |(name, value): (&String, &Value)| {
            let stored = match name.as_str() {
                // The attribute of that name is when DynamoDB deletes the item.
                "expires_at" if is_invitation => item.get("valid_until"),
                name => item.get(name),
            };
            let stored = stored.cloned().unwrap_or_default();
            let is_empty = stored.is_null() && value.as_array().is_some_and(Vec::is_empty);
            let is_same = stored == *value || is_empty || same_numbers(&stored, value);
            let has_events = name != "suspended_by" && !(is_invitation && is_of_mail_only(name));
            (!is_same && has_events).then(|| format!("{name}: {stored} and {value}"))
        };
        let mut different: Vec<_> = folded.fields.iter().filter_map(differs).collect();
        let version = item["version"].as_u64().unwrap();
        // Removing the address of an erased user from an invitation that has ended has no event.
        let is_erased = is_invitation && !item.contains_key("email");
        let is_followed = is_erased && version == folded.version + 1;
        if version != folded.version && !is_followed {
            different.push(format!("version: {version} and {}", folded.version));
        }
        if !different.is_empty() {
            violations.push(format!(
                "12: {key:?} differs from its events: {different:?}"
            ));
        }
    }
    // An organization purged by its time to live is only in its events.
    let missing = state.iter().filter(|(key, folded)| {
        !found.contains(*key) && !folded.is_deleted && key[0] != "Organization"
    });
    for (key, _) in missing {
        violations.push(format!(
            "12: an event without its change: {key:?} is not there"
        ));
    }
}

/// Whether the field of an invitation is the result of its mail. Sending it has no event.
fn is_of_mail_only(field: &str) -> bool {
    field == "delivery"
}

/// Whether two values are equal when whole numbers may have a fraction of zero.
fn same_numbers(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_numbers(a, b))
        }
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            let value =
                |of: &Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or_default();
            names
                .iter()
                .all(|name| same_numbers(&value(one, name), &value(other, name)))
        }
        (one, other) => one == other,
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}
