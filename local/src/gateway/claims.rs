//! Formats claims as the JWT authorizer does: every value is text.
//!
//! The documentation does not specify claims that are objects. The real authorizer has been
//! observed to send `map[key:value]` (<https://github.com/aws/aws-lambda-go/issues/570>), which is
//! Go's format, like the documented `[a b]` of arrays. Go also sorts the keys of a map. The format
//! cannot be parsed: names and values are not quoted. So no function should read a claim that is an
//! object, such as `organizations` of the pre-token trigger; it is for clients and for services
//! that verify the token themselves.

use serde_json::{Map, Value};

/// Formats the claims of a token.
pub(crate) fn render(claims: &Map<String, Value>) -> Map<String, Value> {
    let rendered = claims
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(text(value))));
    rendered.collect()
}

/// A value in Go's format, as API Gateway shows it.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(text).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_unstable_by_key(|(name, _)| *name);
            let entries: Vec<_> = entries
                .into_iter()
                .map(|(name, value)| format!("{name}:{}", text(value)))
                .collect();
            format!("map[{}]", entries.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_becomes_text() {
        let claims = json!({
            "sub": "ada",
            "cognito:groups": ["tenant-admins", "b c"],
            "none": [],
            "exp": 1_795_218_696,
            "email_verified": true,
            "address": {"lines": [1, 2], "city": "Bonn"},
            "organizations": {},
        });
        assert_eq!(
            Value::Object(render(claims.as_object().unwrap())),
            json!({
                "sub": "ada",
                "cognito:groups": "[tenant-admins b c]",
                "none": "[]",
                "exp": "1795218696",
                "email_verified": "true",
                "address": "map[city:Bonn lines:[1 2]]",
                "organizations": "map[]",
            })
        );
    }
}
