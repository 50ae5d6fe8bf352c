//! The items that the events require but do not create: `events/table.json`, as the store writes
//! them.

use std::fs;
use std::sync::Mutex;

use muster::domain::{
    Caller, Clock, Membership, Organization, OrganizationId, Role, Status, Team, TeamId, TenantId,
    Timestamp, UserId,
};
use serde_json::{Map, Value, json};
use support::{ACME, World, context, root};
use tokio::process::Command;

/// The embedded DynamoDB of `cargo run`.
const LOCAL: &str = "http://127.0.0.1:8000";
const ADA: &str = "3c6f0a52-8f0e-4c57-9d1b-6f4a2f3f8b10";
const ORGANIZATION: &str = "019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f";
const TEAM: &str = "0199c1f0-aa01-7e00-8b00-4c5d6e7f8091";
const WHEN: &str = "2026-11-21T08:00:00.000Z";

/// A world with the items of the file in its table, written as the README says.
pub(super) async fn with_what_the_events_name() -> World {
    let world = World::start().await;
    let readme = fs::read_to_string(root().join("events/README.md")).unwrap();
    let (_, block) = readme.split_once("```sh\n").unwrap();
    let (command, _) = block.split_once("```").unwrap();
    assert!(command.contains(LOCAL) && command.contains("@events/table.json"));
    let output = Command::new("bash")
        .args(["-c", &command.replace(LOCAL, world.stack.dynamodb_url())])
        .current_dir(root())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!world.items().await.is_empty());
    world
}

/// Created by the store, with fixed ids and time.
async fn made() -> World {
    let world = World::start().await;
    let now: Timestamp = WHEN.parse().unwrap();
    let writes = Mutex::new(0);
    let clock = Clock::from_fn(move || {
        let mut writes = writes.lock().unwrap();
        *writes += 1;
        let id = format!("019aa4f2-0000-7000-8000-{writes:012}");
        (now, id.parse().unwrap())
    });
    let store = world.store().with_clock(clock);
    let tenant = TenantId::parse(ACME).unwrap();
    let ada = UserId::parse(ADA).unwrap();
    let caller = Caller {
        tenant_id: tenant.clone(),
        user_id: ada.clone(),
        tenant_admin: false,
        machine: false,
        email: None,
    };
    let caller = context(caller, now);
    let id = OrganizationId::parse(ORGANIZATION).unwrap();
    let name = "Sales Nordics".parse().unwrap();
    let organization = Organization::new(id.clone(), tenant.clone(), name, ada.clone(), now);
    let owner = Membership::new(
        tenant.clone(),
        id.clone(),
        ada.clone(),
        Role::Owner,
        Status::Active,
        now,
    );
    let made = store.create_organization(&caller, &organization, Some(&owner));
    made.await.unwrap();
    let name = "Nordic accounts".parse().unwrap();
    let team = TeamId::parse(TEAM).unwrap();
    let team = Team::new(team, tenant, Some(id), name, ada, now);
    store.create_team(&caller, &team).await.unwrap();
    world
}

/// An item in DynamoDB's JSON: each attribute with its type.
fn typed(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(yes) => json!({"BOOL": yes}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::String(text) => json!({"S": text}),
        Value::Array(all) => json!({"L": all.iter().map(typed).collect::<Vec<_>>()}),
        Value::Object(map) => json!({"M": typed_item(map)}),
    }
}

fn typed_item(item: &Map<String, Value>) -> Map<String, Value> {
    let typed = item
        .iter()
        .map(|(name, value)| (name.clone(), typed(value)));
    typed.collect()
}

#[tokio::test]
async fn the_items_of_the_events_match_the_store() {
    let mut items: Vec<_> = made().await.table().await.into_values().collect();
    // Ada is registered at her first login, which is the first event. The audit log starts empty.
    items.retain(|item| item["sk"] != "USER" && !item.contains_key("record"));
    let puts = items
        .iter()
        .map(|item| json!({"PutRequest": {"Item": typed_item(item)}}));
    let request = json!({"RequestItems": {"muster": puts.collect::<Vec<_>>()}});
    let written = serde_json::to_string_pretty(&request).unwrap() + "\n";
    let file = root().join("events/table.json");
    if std::env::var_os("UPDATE_EVENTS").is_some() {
        fs::write(&file, &written).unwrap();
    }
    let there = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == written,
        "update it with: UPDATE_EVENTS=1 cargo test events"
    );
}
