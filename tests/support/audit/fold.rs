//! The state of the resources of a tenant, as their events give it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{ResourceKey, USER, is_of_mail_only};

/// The state of a resource, as its events give it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Folded {
    pub(super) version: u64,
    pub(super) fields: BTreeMap<String, Value>,
    pub(super) is_deleted: bool,
}

/// Applies events in their order. Two events of one resource may be recorded in the wrong order when their
/// transactions overlapped; an event that does not fit yet waits.
pub(super) fn fold(events: Vec<Value>) -> (BTreeMap<ResourceKey, Folded>, Vec<Value>) {
    let mut state = BTreeMap::new();
    let mut waiting: Vec<Value> = Vec::new();
    for event in events {
        waiting.push(event);
        loop {
            let fitting = waiting.iter().position(|event| apply(&mut state, event));
            match fitting {
                Some(at) => drop(waiting.remove(at)),
                None => break,
            }
        }
    }
    (state, waiting)
}

/// Applies an event. Returns whether it fits.
fn apply(state: &mut BTreeMap<ResourceKey, Folded>, event: &Value) -> bool {
    let event_type = event["type"].as_str().unwrap();
    let (resource, change) = event_type.split_once('.').unwrap();
    let target = |n: usize| event["targets"][n]["id"].as_str().unwrap().to_owned();
    let teams = || {
        let targets = event["targets"].as_array().unwrap();
        let teams = targets.iter().filter(|it| it["type"] == "team");
        let user = target(0);
        let keys = teams.map(|team| {
            let team = team["id"].as_str().unwrap().to_owned();
            vec!["TeamMembership".to_owned(), team, user.clone()]
        });
        keys.collect::<Vec<_>>()
    };
    let Some(version) = event["resource_version"].as_u64() else {
        // Left some teams, before the organization.
        for key in teams() {
            state.remove(&key);
        }
        return true;
    };
    let key = match resource {
        "organization" => vec!["Organization".to_owned(), target(0)],
        "membership" => {
            let organization = event["organization_id"].as_str().unwrap().to_owned();
            vec!["Membership".to_owned(), organization, target(0)]
        }
        "team" => vec!["Team".to_owned(), target(0)],
        "team_membership" => vec!["TeamMembership".to_owned(), target(1), target(0)],
        "domain" => {
            let organization = event["organization_id"].as_str().unwrap().to_owned();
            vec!["Domain".to_owned(), organization, target(0)]
        }
        "invitation" => vec!["Invitation".to_owned(), target(0)],
        "user" => return apply_to_user(state, event, change),
        _ => return true,
    };
    if resource == "team_membership" {
        let team = state.get(&vec!["Team".to_owned(), target(1)]);
        if team.is_some_and(|team| team.is_deleted) {
            return true;
        }
    }
    let before = state.get(&key).cloned().unwrap_or_default();
    let is_moved = event["changes"]["organization_id"]["from"].is_null()
        && change == "updated"
        && event["changes"]["organization_id"].is_object()
        && resource == "team_membership";
    let is_removed = matches!(
        (resource, change),
        ("membership", "removed" | "left" | "declined")
            | ("team_membership" | "domain", "removed")
            | ("team", "deleted")
    );
    // The result of a mail is not part of the version of its invitation.
    let is_of_mail = event_type == "invitation.delivery_failed";
    let keeps_version = is_removed || is_moved || is_of_mail;
    let expected = if keeps_version {
        before.version
    } else {
        before.version + 1
    };
    if version != expected || (before.version == 0 && keeps_version) {
        return false;
    }
    if is_removed {
        state.remove(&key);
        for key in teams() {
            if resource == "membership" {
                state.remove(&key);
            }
        }
        if resource == "team" {
            state.retain(|other, _| !(other[0] == "TeamMembership" && other[1] == key[1]));
            let deleted = Folded {
                version: version + 1,
                is_deleted: true,
                fields: before.fields,
            };
            state.insert(key, deleted);
        }
        return true;
    }
    let mut after = Folded {
        version,
        is_deleted: false,
        fields: before.fields,
    };
    for (field, change) in event["changes"].as_object().unwrap() {
        if change.get("changed").is_some() {
            after.fields.remove(field);
            continue;
        }
        let known = after.fields.get(field).cloned().unwrap_or_default();
        let has_events =
            field != "suspended_by" && !(resource == "invitation" && is_of_mail_only(field));
        if before.version > 0 && known != change["from"] && has_events {
            return false;
        }
        after.fields.insert(field.clone(), change["to"].clone());
    }
    state.insert(key, after);
    true
}

/// Applies an event of a user. Returns whether it fits. Logins and the start of an erasure have no event, so the versions
/// have gaps.
fn apply_to_user(state: &mut BTreeMap<ResourceKey, Folded>, event: &Value, change: &str) -> bool {
    let key = vec![
        USER.to_owned(),
        event["targets"][0]["id"].as_str().unwrap().to_owned(),
    ];
    let version = event["resource_version"].as_u64().unwrap();
    let Some(before) = state.get(&key) else {
        let is_first = change == "registered" && version == 1;
        if is_first {
            state.insert(key, changed(Folded::default(), event, version));
        }
        return is_first;
    };
    if change == "registered" || version < before.version {
        return false;
    }
    if change == "erased" {
        state.remove(&key);
        return true;
    }
    let changes = event["changes"].as_object().unwrap();
    let fits = changes.iter().all(|(field, change)| {
        let known = before.fields.get(field);
        known.is_none_or(|known| *known == change["from"])
    });
    if !fits || version == before.version {
        return false;
    }
    let after = changed(before.clone(), event, version);
    state.insert(key, after);
    true
}

/// A user with the changes of an event that show a value.
fn changed(before: Folded, event: &Value, version: u64) -> Folded {
    let mut fields = before.fields;
    for (field, change) in event["changes"].as_object().unwrap() {
        if let Some(value) = change.get("to") {
            fields.insert(field.clone(), value.clone());
        }
    }
    Folded {
        version,
        fields,
        is_deleted: false,
    }
}
