//! A request to DynamoDB as the SDK sends it, for what stands in for AWS: the local stack, and the tests.

use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_dynamodb::error::BoxError;
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
    /// Decodes the header `X-Amz-Target` and the body.
    pub fn parse(target: &str, body: &[u8]) -> serde_json::Result<Self> {
        let (_, operation) = target.split_once('.').unwrap_or_default();
        Ok(Self {
            operation: operation.to_owned(),
            input: serde_json::from_slice(body)?,
        })
    }

    /// Returns the request that an HTTP client of the SDK sends.
    pub fn of_http(request: &HttpRequest) -> serde_json::Result<Self> {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        Self::parse(target, request.body().bytes().unwrap_or_default())
    }

    /// Returns the request that an interceptor sees before it is sent.
    pub fn of(context: &BeforeTransmitInterceptorContextRef<'_>) -> Result<Self, BoxError> {
        Ok(Self::of_http(context.request())?)
    }

    /// Returns the body.
    pub fn to_body(&self) -> Vec<u8> {
        self.input.to_string().into_bytes()
    }

    /// Returns its actions. Reads outside of a transaction have none.
    pub fn actions(&self) -> Vec<RequestedAction<'_>> {
        let input = |name: &str| self.input.get(name);
        let named = match self.operation.as_str() {
            "PutItem" | "UpdateItem" | "DeleteItem" => {
                let kind = self.operation.trim_end_matches("Item");
                return vec![RequestedAction {
                    kind,
                    input: &self.input,
                }];
            }
            "TransactWriteItems" | "TransactGetItems" => vec![input("TransactItems")],
            "BatchWriteItem" => {
                let tables = input("RequestItems").and_then(Value::as_object);
                tables
                    .into_iter()
                    .flat_map(|it| it.values().map(Some))
                    .collect()
            }
            _ => Vec::new(),
        };
        let named = named.into_iter().filter_map(|list| list?.as_array());
        let named = named.flatten().filter_map(Value::as_object).flatten();
        let named = named.map(|(kind, input)| RequestedAction {
            kind: kind.trim_end_matches("Request"),
            input,
        });
        named.collect()
    }
}

/// Returns whether an operation only reads. In a transaction, a condition check is charged as a write.
pub fn is_read(operation: &str) -> bool {
    ["BatchGetItem", "DescribeTable", "GetItem", "Query", "Scan"].contains(&operation)
}

impl RequestedAction<'_> {
    /// Returns the attributes that identify its item, of a `Put` with all others.
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
    fn a_read_has_no_actions() {
        let batch = json!({"RequestItems": {"one": {"Keys": [1]}}});
        assert_eq!(actions("BatchGetItem", batch), []);
        assert_eq!(actions("GetItem", json!({"Key": 1})), []);
    }
}
