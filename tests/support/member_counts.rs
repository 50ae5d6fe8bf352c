//! Counts the members of organizations as the function behind the table's stream does, and compares the numbers with the
//! memberships.

use std::collections::BTreeMap;

use fastrand::Rng;
use futures::future::join_all;
use serde_json::{Map, Value, json};

use crate::World;

type Item = Map<String, Value>;

/// The records of the stream that insert the events of memberships.
pub async fn records(world: &World) -> Vec<Value> {
    let items = world.items().await;
    let of_memberships = items.iter().filter(|item| {
        let kind = item.get("type").and_then(Value::as_str);
        item.contains_key("record") && kind.is_some_and(|kind| kind.starts_with("membership."))
    });
    let records = of_memberships.map(|item| {
        json!({"eventName": "INSERT", "dynamodb": {
            "SequenceNumber": item["sk"],
            "Keys": {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
            "NewImage": {"record": {"S": item["record"]}, "type": {"S": item["type"]}},
        }})
    });
    records.collect()
}

/// Passes records to the function. Returns the numbers of those that failed.
pub async fn pass(world: &World, records: &[Value]) -> Vec<String> {
    let batch = json!({"Records": records});
    let answer = world.invoke("track-members", &batch).await;
    let failed = answer["batchItemFailures"].as_array().unwrap().iter();
    let numbers = failed.map(|it| it["itemIdentifier"].as_str().unwrap().to_owned());
    numbers.collect()
}

/// Passes every event twice, in a random order and in batches of random size, two at once.
pub async fn pass_all(world: &World, random: &mut Rng) {
    let records = records(world).await;
    let mut records = [records.clone(), records].concat();
    random.shuffle(&mut records);
    let mut batches = Vec::new();
    while !records.is_empty() {
        let size = random.usize(1..=records.len().min(30));
        batches.push(records.split_off(records.len() - size));
    }
    for pair in batches.chunks(2) {
        let failed = join_all(pair.iter().map(|batch| pass(world, batch))).await;
        assert_eq!(failed.concat(), Vec::<String>::new());
    }
}

/// The organizations whose number is not that of their active members.
pub fn violations(items: &[Item]) -> Vec<String> {
    let text = |item: &Item, name: &str| item[name].as_str().unwrap_or_default().to_owned();
    let mut members: BTreeMap<String, i64> = BTreeMap::new();
    let mut counts = BTreeMap::new();
    for item in items {
        let (pk, sk) = (text(item, "pk"), text(item, "sk"));
        if sk.starts_with("ORG#") && item["status"] == "active" {
            *members.entry(text(item, "gsi1pk")).or_default() += 1;
        }
        if let (Some(organization), "COUNT") = (pk.strip_suffix("#MEMBERS"), &*sk) {
            counts.insert(organization.to_owned(), item["member_count"].as_i64());
        }
    }
    let organizations = items.iter().filter(|item| text(item, "sk") == "ORG");
    let wrong = organizations.filter_map(|item| {
        let pk = text(item, "pk");
        let active = members.get(&pk).copied().unwrap_or_default();
        // An organization of a group may never have had a member.
        let counted = counts.get(&pk).copied().unwrap_or(Some(0));
        (counted != Some(active))
            .then(|| format!("13: {pk} has {active} members, but counted {counted:?}"))
    });
    wrong.collect()
}
