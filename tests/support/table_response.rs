use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use muster::store::requests::TableRequest;
use serde_json::{Value, json};

/// A response of DynamoDB as received.
#[derive(Clone, Debug)]
pub(crate) struct TableResponse {
    pub(crate) status: u16,
    pub(crate) output: Value,
}

impl TableResponse {
    pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";

    pub(crate) fn parse(status: u16, body: &[u8]) -> serde_json::Result<Self> {
        let output = serde_json::from_slice(body)?;
        Ok(Self { status, output })
    }

    /// The response that an interceptor sees after the SDK has read it.
    pub(crate) fn of(
        context: &AfterDeserializationInterceptorContextRef<'_>,
    ) -> serde_json::Result<Self> {
        let response = context.response();
        let body = response.body().bytes().unwrap_or_default();
        Self::parse(response.status().as_u16(), body)
    }

    /// An error of this type.
    pub(crate) fn error(status: u16, kind: &str) -> Self {
        let output = json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
            "message": kind,
            "Message": kind,
        });
        Self { status, output }
    }

    /// Cancels a transaction because of its first action.
    pub(crate) fn cancelled(request: &TableRequest, reason: &str) -> Self {
        let mut reasons = vec![json!({"Code": "None"}); request.actions().len()];
        reasons[0] = json!({"Code": reason, "Message": reason});
        let mut response = Self::error(400, "TransactionCanceledException");
        response.output["CancellationReasons"] = reasons.into();
        response
    }

    /// The consumed capacity units, in all tables and indexes.
    pub(crate) fn units(&self) -> f64 {
        let units = |capacity: &Value| capacity["CapacityUnits"].as_f64().unwrap_or_default();
        match &self.output["ConsumedCapacity"] {
            Value::Array(tables) => tables.iter().map(units).sum(),
            table => units(table),
        }
    }

    /// Leaves the last key of a batch of reads unprocessed.
    pub(crate) fn leave_out_last_key(&mut self, request: &TableRequest) {
        let mut left_out = request.input["RequestItems"].clone();
        for (table, requested) in left_out.as_object_mut().unwrap() {
            let last = requested["Keys"]
                .as_array()
                .unwrap()
                .last()
                .unwrap()
                .clone();
            let found = self.output["Responses"][table].as_array_mut().unwrap();
            found.retain(|item| item["pk"] != last["pk"] || item["sk"] != last["sk"]);
            requested["Keys"] = json!([last]);
        }
        self.output["UnprocessedKeys"] = left_out;
    }

    pub(crate) fn to_body(&self) -> Vec<u8> {
        self.output.to_string().into_bytes()
    }
}
