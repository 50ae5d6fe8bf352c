//! The events in the table: what their items cost, and the records of the stream that insert them.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::types::{AttributeValue, Put, ReturnConsumedCapacity, TransactWriteItem};
use muster::domain::Clock;
use serde_json::{Value, json};
use support::World;

use super::items::{indexes, item_bytes};

/// The ids of all events so far.
pub(super) async fn event_ids(world: &World) -> BTreeSet<String> {
    let items = world.items().await;
    let events = items.iter().filter(|item| item.contains_key("record"));
    events
        .map(|item| item["sk"].as_str().unwrap().to_owned())
        .collect()
}

/// The events that are not among these: their number, those of memberships, those that send a mail, and the units and bytes
/// of their items. `None` without events.
pub(super) async fn new_events(world: &World, known: &BTreeSet<String>) -> Option<Value> {
    let items = world.items().await;
    let is_new = |sk: &Value| !known.contains(sk.as_str().unwrap());
    let events = items
        .iter()
        .filter(|item| item.contains_key("record") && is_new(&item["sk"]));
    let events: Vec<_> = events.collect();
    if events.is_empty() {
        return None;
    }
    let (mut units, mut bytes, mut index_bytes) = (0.0, 0, 0);
    let (mut of_members, mut mails) = (0, 0);
    for event in &events {
        units += units_of_copy(world, &event["pk"], &event["sk"]).await;
        bytes += item_bytes(event);
        index_bytes += item_bytes(event) * indexes(event);
        let kind = event["type"].as_str().unwrap();
        of_members += usize::from(kind.starts_with("membership."));
        mails += usize::from(kind == "invitation.created");
    }
    Some(json!({
        "count": events.len(), "of_members": of_members, "mails": mails,
        "write_units": units, "bytes": bytes, "index_bytes": index_bytes,
    }))
}

/// The units that the table charges for an event in a transaction: those of a copy under another id.
async fn units_of_copy(world: &World, pk: &Value, sk: &Value) -> f64 {
    let (client, table) = (world.stack.client(), world.stack.table_name());
    let text = |text: &Value| AttributeValue::S(text.as_str().unwrap().to_owned());
    let copy_sk = AttributeValue::S(Clock::system().new_id().to_string());
    let found = client.get_item().table_name(table);
    let found = found.key("pk", text(pk)).key("sk", text(sk));
    let mut item: HashMap<_, _> = found.send().await.unwrap().item.unwrap();
    item.insert("sk".to_owned(), copy_sk.clone());
    let put = Put::builder().table_name(table).set_item(Some(item));
    let put = TransactWriteItem::builder().put(put.build().unwrap());
    let written = client
        .transact_write_items()
        .transact_items(put.build())
        .return_consumed_capacity(ReturnConsumedCapacity::Total);
    let written = written.send().await.unwrap();
    let removed = client.delete_item().table_name(table);
    let removed = removed.key("pk", text(pk)).key("sk", copy_sk);
    removed.send().await.unwrap();
    let charged = written.consumed_capacity().iter();
    charged.map(|table| table.capacity_units().unwrap()).sum()
}

/// The records of the stream that insert the events that are not among these, oldest first.
pub(super) async fn records(world: &World, known: &BTreeSet<String>) -> Vec<Value> {
    let items = world.items().await;
    let mut events: Vec<_> = items
        .iter()
        .filter(|item| item.contains_key("record"))
        .filter(|item| !known.contains(item["sk"].as_str().unwrap()))
        .collect();
    events.sort_by_key(|item| item["sk"].as_str().unwrap());
    let records = events.into_iter().map(|item| {
        json!({"eventName": "INSERT", "dynamodb": {
            "SequenceNumber": item["sk"],
            "Keys": {"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}},
            "NewImage": {
                "record": {"S": item["record"]}, "personal": {"S": item["personal"]}, "type": {"S": item["type"]},
            },
        }})
    });
    records.collect()
}
