//! Emulates IAM: rejects calls to DynamoDB that a function's policies in the template do not allow,
//! so that a missing permission fails locally too.

use std::collections::BTreeSet;

use anyhow::anyhow;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use serde_json::Value;

use crate::table_request::TableRequest;
use crate::template::{Function, Right};

/// The client with the permissions of the function.
pub(crate) fn limited(client: &Client, function: &Function) -> Client {
    let rights = Rights {
        function: function.resource.clone(),
        granted: function.rights.clone(),
    };
    Client::from_conf(client.config().to_builder().interceptor(rights).build())
}

/// The permissions of a function.
#[derive(Debug)]
struct Rights {
    function: String,
    granted: BTreeSet<Right>,
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
        let TableRequest { operation, input } = TableRequest::of(context)?;
        let mut needed = needed(&operation, &input).into_iter();
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
fn needed(operation: &str, input: &Value) -> Vec<Right> {
    let right = |operation: &str| Right {
        operation: operation.to_owned(),
        index: input
            .get("IndexName")
            .and_then(Value::as_str)
            .map(str::to_owned),
    };
    if !operation.starts_with("Transact") {
        return vec![right(operation)];
    }
    let items = input.get("TransactItems").and_then(Value::as_array);
    let actions = items.into_iter().flatten().filter_map(Value::as_object);
    let names = actions.flat_map(|action| action.keys());
    // Put, Update, Delete, ConditionCheck, Get.
    names.map(|name| right(&format!("{name}Item"))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            let needed = needed(operation, &input);
            let found: Vec<_> = needed
                .iter()
                .map(|right| (right.operation.as_str(), right.index.as_deref()))
                .collect();
            assert_eq!(found, all, "{operation}");
        }
    }
}
