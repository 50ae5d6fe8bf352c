//! The invariants of invitations by email: what is true of their items, and of their events.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

type Item = Map<String, Value>;

/// The violations in the items.
pub(crate) fn violations(items: &[Item]) -> Vec<String> {
    let mut violations = Vec::new();
    let invitations: Vec<&Item> = items
        .iter()
        .filter(|item| text(item, "sk").starts_with("INVITATION#"))
        .collect();
    // The item of an address in an organization, by the organization's partition and the address.
    let mut invitees: BTreeMap<(&str, &str), &Item> = BTreeMap::new();
    for item in items.iter().filter(|item| text(item, "sk") == "INVITEE") {
        if let Some(place) = text(item, "pk").split_once("#INVITEE#") {
            invitees.insert(place, item);
        }
    }
    for item in &invitations {
        let mut wrong = |what: &str| {
            let item = serde_json::to_string(item).unwrap();
            violations.push(format!("15: {what}: {item}"));
        };
        let (tenant, organization) = (text(item, "tenant_id"), text(item, "organization_id"));
        let keys = (
            format!("TENANT#{tenant}#ORG#{organization}#INVITATIONS"),
            format!("INVITATION#{}", text(item, "id")),
        );
        if (text(item, "pk"), text(item, "sk")) != (&keys.0, &keys.1) {
            wrong("an invitation under another's key");
        }
        if item.contains_key("email") != item.contains_key("gsi1pk") {
            wrong("an invitation that its address does not find");
        }
        let is_accepted = text(item, "status") == "accepted";
        if is_accepted != item.contains_key("accepted_by_user_id") {
            wrong("an accepted invitation without its user, or another with one");
        }
        let Some(place) = place(item).filter(|_| text(item, "status") == "pending") else {
            continue;
        };
        let is_named = invitees
            .get(&place)
            .is_some_and(|invitee| text(invitee, "invitation_id") == text(item, "id"));
        // An expired one makes room for the next.
        let has_successor = || {
            invitations.iter().any(|other| {
                other["id"] != item["id"]
                    && self::place(other) == Some(place)
                    && text(other, "issued_at") >= text(item, "valid_until")
            })
        };
        if !is_named && !has_successor() {
            wrong("a pending invitation beside another one of its address");
        }
    }
    for ((organization, address), invitee) in &invitees {
        let named = invitations.iter().find(|item| {
            text(item, "pk").strip_suffix("#INVITATIONS") == Some(organization)
                && item["id"] == invitee["invitation_id"]
        });
        let is_right = named.is_some_and(|item| {
            let is_of_address = place(item).is_none_or(|place| place.1 == *address);
            // One that had expired when it ended leaves the item to the next.
            let has_expired = || text(item, "updated_at") >= text(item, "valid_until");
            is_of_address && (text(item, "status") == "pending" || has_expired())
        });
        if !is_right {
            let item = serde_json::to_string(invitee).unwrap();
            violations.push(format!("15: an address without its invitation: {item}"));
        }
    }
    violations
}

/// The partition of the organization and the address, as in the key of the address's item.
fn place(item: &Item) -> Option<(&str, &str)> {
    let organization = text(item, "pk").strip_suffix("#INVITATIONS")?;
    let (_, address) = text(item, "gsi1pk").split_once("#INVITED#")?;
    Some((organization, address))
}

/// The violations in the events of a tenant: answers to what was not pending, and memberships that an acceptance did not
/// grant.
pub(crate) fn wrong_answers(events: &[Value]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut roles: BTreeMap<&str, &Value> = BTreeMap::new();
    let of_type = |name: &'static str| events.iter().filter(move |it| it["type"] == name);
    for created in of_type("invitation.created") {
        roles.insert(target(created), &created["changes"]["role"]["to"]);
    }
    let answers = ["accepted", "declined", "revoked"];
    for answer in answers {
        let event_type = format!("invitation.{answer}");
        for event in events.iter().filter(|it| it["type"] == event_type) {
            let status = &event["changes"]["status"];
            if status["from"] != "pending" || status["to"] != answer {
                violations.push(format!("15: an answer to what was not pending: {event}"));
            }
        }
    }
    for accepted in of_type("invitation.accepted") {
        let user = &accepted["changes"]["accepted_by_user_id"]["to"];
        let role = roles.get(target(accepted));
        let is_of_user = |event: &&Value| {
            event["context"]["request_id"] == accepted["context"]["request_id"]
                && event["organization_id"] == accepted["organization_id"]
                && event["targets"][0]["id"] == *user
        };
        let mut changes = of_type("membership.added")
            .chain(of_type("membership.accepted"))
            .filter(is_of_user);
        // An active membership keeps its role, and has no event.
        let is_granted = changes.next().is_none_or(|event| {
            let given = &event["changes"]["role"]["to"];
            // A change of an invited membership shows the role only if it differs.
            role.is_some_and(|role| given.is_null() || given == *role)
        });
        if user.is_null() || role.is_none() || !is_granted || changes.next().is_some() {
            let violation = format!("15: an acceptance without its membership: {accepted}");
            violations.push(violation);
        }
    }
    violations
}

fn target(event: &Value) -> &str {
    event["targets"][0]["id"].as_str().unwrap_or_default()
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}
