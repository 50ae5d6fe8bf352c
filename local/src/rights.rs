//! Emulates IAM: rejects calls to DynamoDB that a function's policies in the template do not allow,
//! so that a missing permission fails locally too.

use std::collections::BTreeSet;

use anyhow::anyhow;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use muster::store::requests::{RequestedAction, TableRequest};
use serde_json::Value;

use crate::template::{Denial, Right, TemplateFunction};

/// The client with the permissions of the function.
pub(crate) fn limited(client: &Client, function: &TemplateFunction) -> Client {
    let rights = Rights {
        function: function.resource.clone(),
        granted: function.rights.clone(),
        denied: function.denials.clone(),
    };
    Client::from_conf(client.config().to_builder().interceptor(rights).build())
}

/// The permissions of a function.
#[derive(Debug)]
struct Rights {
    function: String,
    granted: BTreeSet<Right>,
    denied: BTreeSet<Denial>,
}

impl Intercept for Rights {
    fn name(&self) -> &'static str {
        "Rights"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = TableRequest::of(context)?;
        let touched = touched(&request);
        let attributes = attributes(&request.input);
        let is_denied = |(operation, key): &(String, String)| {
            let mut denied = self.denied.iter();
            denied.any(|one| {
                one.operation == *operation && one.includes(key) && one.denies(&attributes)
            })
        };
        if let Some((operation, _)) = touched.iter().find(|it| is_denied(it)) {
            let function = &self.function;
            return Err(anyhow!(
                "{function} is not authorized to perform dynamodb:{operation} on this item: its Policies in \
                 template.yaml deny it"
            )
            .into());
        }
        let mut needed = needed(&request).into_iter();
        match needed.find(|right| !self.granted.contains(right)) {
            None => Ok(()),
            Some(Right { operation, index }) => {
                let function = &self.function;
                let on =
                    index.map_or_else(|| "the table".to_owned(), |name| format!("index {name}"));
                Err(anyhow!(
                    "{function} is not authorized to perform dynamodb:{operation} on {on}: its Policies \
                     in template.yaml do not allow it"
                )
                .into())
            }
        }
    }
}

/// The permissions that a request needs. A transaction needs those of its actions and none of its
/// own.
fn needed(request: &TableRequest) -> Vec<Right> {
    let index = request.input.get("IndexName").and_then(Value::as_str);
    let right = |operation: String| Right {
        operation,
        index: index.map(str::to_owned),
    };
    if !is_transaction(request) {
        return vec![right(request.operation.clone())];
    }
    let actions = request.actions().into_iter();
    actions.map(|it| right(right_of(&it))).collect()
}

fn is_transaction(request: &TableRequest) -> bool {
    request.operation.starts_with("Transact")
}

/// The permission for an action of a transaction.
fn right_of(action: &RequestedAction<'_>) -> String {
    format!("{}Item", action.kind)
}

/// The attributes that a request on one item names: its key, and the names in its expressions.
fn attributes(input: &Value) -> Vec<String> {
    let key = input.get("Key").and_then(Value::as_object);
    let names = input.get("ExpressionAttributeNames");
    let names = names.and_then(Value::as_object);
    let names = names.into_iter().flat_map(|names| names.values());
    let names = names.filter_map(Value::as_str).map(str::to_owned);
    let key = key.into_iter().flat_map(|key| key.keys().cloned());
    key.chain(names).collect()
}

/// The partition of a key.
fn partition(key: &Value) -> Option<String> {
    Some(key.get("pk")?.get("S")?.as_str()?.to_owned())
}

/// The partition of a query, which the store calls `:pk`.
fn queried(input: &Value) -> Option<String> {
    let values = input.get("ExpressionAttributeValues")?;
    input.get("KeyConditionExpression")?;
    Some(values.get(":pk")?.get("S")?.as_str()?.to_owned())
}

/// The actions of a request on single items, with the partition key of each.
fn touched(request: &TableRequest) -> Vec<(String, String)> {
    let TableRequest { operation, input } = request;
    let acted = request.actions().into_iter().map(|action| {
        let operation = if is_transaction(request) {
            right_of(&action)
        } else {
            operation.clone()
        };
        (operation, partition(action.item()))
    });
    let tables = input.get("RequestItems").and_then(Value::as_object);
    let reads = tables.into_iter().flat_map(|tables| tables.values());
    let keys = reads.filter_map(|read| read.get("Keys")?.as_array());
    let one = input.get("Key").filter(|_| operation == "GetItem");
    let read = keys.flatten().chain(one).map(partition);
    let read = read.chain([queried(input)]);
    let read = read.map(|key| (operation.clone(), key));
    let all = acted.chain(read);
    all.filter_map(|(operation, key)| Some((operation, key?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(operation: &str, input: Value) -> TableRequest {
        let operation = operation.to_owned();
        TableRequest { operation, input }
    }

    #[test]
    fn denied_keys_are_found_in_every_kind_of_request() {
        let denial = Denial {
            operation: "UpdateItem".to_owned(),
            keys: "TENANT#*#!EVENTS#*".to_owned(),
            other_than: Vec::new(),
        };
        let event = json!({"pk": {"S": "TENANT#acme#!EVENTS#7"}, "sk": {"S": "x"}});
        let other = json!({"pk": {"S": "TENANT#acme#USER#!EVENTS"}, "sk": {"S": "x"}});
        for (operation, input, is_denied) in [
            ("UpdateItem", json!({"Key": event}), true),
            ("UpdateItem", json!({"Key": other}), false),
            ("PutItem", json!({"Item": event}), false),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Update": {"Key": event}}]}),
                true,
            ),
            (
                "TransactWriteItems",
                json!({"TransactItems": [{"Put": {"Item": event}}, {"Update": {"Key": other}}]}),
                false,
            ),
        ] {
            let found = touched(&request(operation, input.clone()))
                .iter()
                .any(|(operation, key)| denial.operation == *operation && denial.includes(key));
            assert_eq!(found, is_denied, "{operation} {input}");
        }
        let query = json!({"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": event["pk"]}});
        for (operation, input) in [
            ("GetItem", json!({"Key": event})),
            ("DeleteItem", json!({"Key": event})),
            ("Query", query),
            (
                "BatchGetItem",
                json!({"RequestItems": {"t": {"Keys": [event]}}}),
            ),
            (
                "BatchWriteItem",
                json!({"RequestItems": {"t": [{"DeleteRequest": {"Key": event}}]}}),
            ),
        ] {
            let key = "TENANT#acme#!EVENTS#7".to_owned();
            assert_eq!(
                touched(&request(operation, input)),
                [(operation.to_owned(), key)]
            );
        }
    }

    #[test]
    fn a_denial_can_leave_out_attributes() {
        let denial = |other_than: &[&str]| Denial {
            operation: "UpdateItem".to_owned(),
            keys: "TENANT#*".to_owned(),
            other_than: other_than.iter().map(ToString::to_string).collect(),
        };
        let update = |names: Value| {
            attributes(
                &json!({"Key": {"pk": {"S": "TENANT#a"}, "sk": {"S": "x"}}, "ExpressionAttributeNames": names}),
            )
        };
        let allowed = denial(&["pk", "sk", "personal"]);
        assert!(!allowed.denies(&update(json!({"#personal": "personal"}))));
        for names in [
            json!({"#r": "record"}),
            json!({"#p": "personal", "#r": "record"}),
        ] {
            assert!(allowed.denies(&update(names)));
        }
        assert!(denial(&[]).denies(&update(json!({"#personal": "personal"}))));
    }

    #[test]
    fn a_request_needs_a_permission_for_each_action() {
        let transaction = json!({"TransactItems": [
            {"Put": {}}, {"Update": {}}, {"Delete": {}}, {"ConditionCheck": {}},
        ]});
        for (operation, input, all) in [
            ("PutItem", json!({}), &[("PutItem", None)][..]),
            (
                "Query",
                json!({"IndexName": "gsi1"}),
                &[("Query", Some("gsi1"))],
            ),
            (
                "TransactWriteItems",
                transaction,
                &[
                    ("PutItem", None),
                    ("UpdateItem", None),
                    ("DeleteItem", None),
                    ("ConditionCheckItem", None),
                ],
            ),
        ] {
            let needed = needed(&request(operation, input.clone()));
            let found: Vec<_> = needed
                .iter()
                .map(|right| (right.operation.as_str(), right.index.as_deref()))
                .collect();
            assert_eq!(found, all, "{operation}");
        }
    }
}
