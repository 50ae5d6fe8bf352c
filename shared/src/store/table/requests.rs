//! Decodes the requests that the SDK sends to DynamoDB. Only the local stack and the tests use it.

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::error::BoxError;
use serde::de::Error as _;
use serde_json::Value;

/// One request to DynamoDB.
#[derive(Clone, Debug, PartialEq)]
pub struct TableRequest {
    /// `TransactWriteItems`, …
    pub operation: String,
    /// Its parameters.
    pub input: Value,
}

/// One action of a request: a write of one item, or a part of a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestedAction<'a> {
    /// `Put`, `Update`, `Delete`, `ConditionCheck` or `Get`.
    pub kind: &'a str,
    /// Its parameters.
    pub input: &'a Value,
}

impl TableRequest {
    /// Decodes the header `X-Amz-Target` and the body. Fails if a transaction or a batch of writes has no actions.
    pub fn parse(target: &str, body: &[u8]) -> serde_json::Result<Self> {
        let request = Self {
            operation: operation_in(target).to_owned(),
            input: serde_json::from_slice(body)?,
        };
        if request.lists_actions() && request.actions().is_empty() {
            let error = format!("{} without actions", request.operation);
            return Err(serde_json::Error::custom(error));
        }
        Ok(request)
    }

    /// Returns the request that an HTTP client of the SDK sends.
    pub fn of_http(request: &HttpRequest) -> serde_json::Result<Self> {
        let body = request.body().bytes().unwrap_or_default();
        Self::parse(target_of(request), body)
    }

    /// Returns the request that an interceptor sees before it is sent.
    pub fn of(context: &BeforeTransmitInterceptorContextRef<'_>) -> Result<Self, BoxError> {
        Ok(Self::of_http(context.request())?)
    }

    /// Returns the body.
    pub fn to_body(&self) -> Vec<u8> {
        self.input.to_string().into_bytes()
    }

    /// Whether its actions are in a list, not the request itself.
    fn lists_actions(&self) -> bool {
        ["TransactWriteItems", "TransactGetItems", "BatchWriteItem"]
            .contains(&self.operation.as_str())
    }

    /// Returns its actions. Reads outside of a transaction have none.
    pub fn actions(&self) -> Vec<RequestedAction<'_>> {
        let lists: Vec<&Value> = match self.operation.as_str() {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                let kind = self.operation.trim_end_matches("Item");
                return vec![RequestedAction {
                    kind,
                    input: &self.input,
                }];
            }
            "TransactWriteItems" | "TransactGetItems" => {
                self.input.get("TransactItems").into_iter().collect()
            }
            "BatchWriteItem" => {
                let tables = self.input.get("RequestItems").and_then(Value::as_object);
                tables.into_iter().flat_map(|it| it.values()).collect()
            }
            _ => Vec::new(),
        };
        let entries = lists.into_iter().filter_map(Value::as_array).flatten();
        let actions = entries.filter_map(Value::as_object).flatten();
        let actions = actions.map(|(kind, input)| RequestedAction {
            kind: kind.trim_end_matches("Request"),
            input,
        });
        actions.collect()
    }
}

/// Returns the operation of a request that an HTTP client of the SDK sends.
pub fn operation_of(request: &HttpRequest) -> &str {
    operation_in(target_of(request))
}

/// Returns whether an operation only reads.
pub fn is_read_operation(operation: &str) -> bool {
    [
        "BatchGetItem",
        "DescribeTable",
        "GetItem",
        "Query",
        "Scan",
        "TransactGetItems",
    ]
    .contains(&operation)
}

fn target_of(request: &HttpRequest) -> &str {
    request.headers().get("x-amz-target").unwrap_or_default()
}

/// The operation in `DynamoDB_20120810.GetItem`.
fn operation_in(target: &str) -> &str {
    let (_, operation) = target.split_once('.').unwrap_or_default();
    operation
}

impl RequestedAction<'_> {
    /// Returns the key of its item. Returns the whole item for a `Put`.
    pub fn item(&self) -> &Value {
        const NONE: &Value = &Value::Null;
        let item = if self.kind == "Put" { "Item" } else { "Key" };
        self.input.get(item).unwrap_or(NONE)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn actions(operation: &str, input: Value) -> Vec<(String, Value)> {
        let operation = operation.to_owned();
        let request = TableRequest { operation, input };
        let actions = request.actions();
        let actions = actions.iter();
        actions
            .map(|it| (it.kind.to_owned(), it.item().clone()))
            .collect()
    }

    #[test]
    fn each_kind_of_write_has_its_actions() {
        let named = |all: &[(&str, i32)]| -> Vec<(String, Value)> {
            let all = all.iter();
            all.map(|(kind, item)| ((*kind).to_owned(), json!(item)))
                .collect()
        };
        let [put, delete, update] = [("Put", 1), ("Delete", 2), ("Update", 3)];
        assert_eq!(actions("PutItem", json!({"Item": 1})), named(&[put]));
        assert_eq!(actions("DeleteItem", json!({"Key": 2})), named(&[delete]));
        assert_eq!(actions("UpdateItem", json!({"Key": 3})), named(&[update]));
        let transaction = json!({"TransactItems": [
            {"Put": {"Item": 1}}, {"Delete": {"Key": 2}}, {"Update": {"Key": 3}}, {"ConditionCheck": {"Key": 4}},
        ]});
        assert_eq!(
            actions("TransactWriteItems", transaction),
            named(&[put, delete, update, ("ConditionCheck", 4)])
        );
        let batch = json!({"RequestItems": {"one": [{"PutRequest": {"Item": 1}}], "two": [{"DeleteRequest": {"Key": 2}}]}});
        assert_eq!(actions("BatchWriteItem", batch), named(&[put, delete]));
    }

    #[test]
    fn a_transaction_that_reads_has_its_actions() {
        let transaction = json!({"TransactItems": [{"Get": {"Key": 5}}]});
        let get = ("Get".to_owned(), json!(5));
        assert_eq!(actions("TransactGetItems", transaction), [get]);
    }

    #[test]
    fn a_list_without_actions_is_an_error() {
        for (target, body) in [
            ("TransactWriteItems", r#"{"TransactItems": []}"#),
            ("TransactGetItems", "{}"),
            (
                "BatchWriteItem",
                r#"{"RequestItems": {"one": {"Keys": []}}}"#,
            ),
        ] {
            let target = format!("DynamoDB_20120810.{target}");
            assert!(TableRequest::parse(&target, body.as_bytes()).is_err());
        }
        let query = TableRequest::parse("DynamoDB_20120810.Query", b"{}").unwrap();
        assert_eq!(query.operation, "Query");
    }

    #[test]
    fn the_operation_is_in_a_header() {
        let mut request = HttpRequest::new("{}".into());
        let headers = request.headers_mut();
        headers.insert("x-amz-target", "DynamoDB_20120810.Query");
        assert_eq!(operation_of(&request), "Query");
        assert_eq!(TableRequest::of_http(&request).unwrap().operation, "Query");
    }

    #[test]
    fn reads_and_writes_are_distinguished() {
        for operation in ["GetItem", "BatchGetItem", "TransactGetItems", "Query"] {
            assert!(is_read_operation(operation), "{operation}");
        }
        for operation in ["PutItem", "BatchWriteItem", "TransactWriteItems"] {
            assert!(!is_read_operation(operation), "{operation}");
        }
    }

    #[test]
    fn a_read_has_no_actions() {
        let batch = json!({"RequestItems": {"one": {"Keys": [1]}}});
        assert_eq!(actions("BatchGetItem", batch), []);
        assert_eq!(actions("GetItem", json!({"Key": 1})), []);
    }
}
