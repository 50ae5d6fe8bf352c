//! Directory users in the table, as many as no test creates by requests.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use muster::domain::ScimScope;
use sha2::{Digest as _, Sha256};
use support::World;

use super::client::Provider;

type Item = std::collections::HashMap<String, AttributeValue>;

fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

fn item(pk: &str, sk: String) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// Writes directory users, with their names, like one that the service has created. Returns their ids.
pub(crate) async fn seed(
    world: &World,
    provider: &Provider,
    scope: &ScimScope,
    count: usize,
) -> Vec<String> {
    let model = provider.user("model@acme.example").await;
    let partition = format!(
        "TENANT#{}#DIRECTORY#{}",
        scope.tenant_id, scope.directory_id
    );
    let (client, table) = (world.stack.client(), world.stack.table_name());
    let found = client
        .get_item()
        .table_name(table)
        .set_key(Some(item(&partition, format!("USER#{model}"))));
    let model = found.send().await.unwrap().item.unwrap();
    let ids: Vec<_> = (0..count)
        .map(|n| format!("0199c1f0-0000-7000-8000-{n:012}"))
        .collect();
    let mut items = Vec::new();
    let mut numbers = BTreeMap::<(String, String), usize>::new();
    for id in &ids {
        let mut user = model.clone();
        user.insert("id".to_owned(), text(id));
        user.insert("sk".to_owned(), text(format!("USER#{id}")));
        let name = format!("user-{id}");
        let hash = Sha256::digest(&name);
        let bucket = format!("{:02x}", hash[0] >> 1);
        let slot = format!("{:02x}", hash[1] >> 1);
        let names = format!("{partition}#NAMES");
        let mut lookup = item(&names, format!("USER#{bucket}{slot}#{name}"));
        lookup.insert("id".to_owned(), text(id));
        let places = [
            ("USER#".to_owned(), bucket.clone()),
            (format!("USER#{bucket}"), slot),
        ];
        for place in places {
            *numbers.entry(place).or_default() += 1;
        }
        items.extend([user, lookup]);
    }
    for some in items.chunks(25) {
        let puts = some.iter().map(|item| {
            let put = PutRequest::builder().set_item(Some(item.clone()));
            let put = put.build().unwrap();
            WriteRequest::builder().put_request(put).build()
        });
        let batch = client.batch_write_item();
        let batch = batch.request_items(table, puts.collect());
        batch.send().await.unwrap();
    }
    for ((sk, place), count) in numbers {
        let key = item(&format!("{partition}#NUMBERS"), sk);
        client
            .update_item()
            .table_name(table)
            .set_key(Some(key))
            .update_expression("ADD #n :count")
            .expression_attribute_names("#n", format!("n{place}"))
            .expression_attribute_values(":count", AttributeValue::N(count.to_string()))
            .send()
            .await
            .unwrap();
    }
    ids
}
