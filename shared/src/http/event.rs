//! The event that API Gateway's HTTP API sends: payload format 2.0.
//!
//! Read with types of our own: they take any text that a client can get into a header, a path or a
//! query, where a stricter model would end the invocation. A part that is `null` is read as absent:
//! emulators and events made by hand have `null` where API Gateway leaves a part out.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// What is used of the event.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    /// Method and path as in the template: `GET /organizations/{organization_id}`.
    pub route_key: String,
    /// The path that was asked for.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub raw_path: String,
    /// Headers by their lower-case names; several of one name are joined by commas.
    #[serde(default, deserialize_with = "texts")]
    pub headers: BTreeMap<String, String>,
    /// Query parameters, decoded; several of one name are joined by commas.
    #[serde(default, deserialize_with = "texts")]
    pub query_string_parameters: BTreeMap<String, String>,
    /// What stands in the places of the route's parameters.
    #[serde(default, deserialize_with = "texts")]
    pub path_parameters: BTreeMap<String, String>,
    /// The body, if any.
    #[serde(default)]
    pub body: Option<String>,
    /// Whether the body is in Base64.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub is_base64_encoded: bool,
    /// Where the request came from.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub request_context: RequestContext,
}

/// What API Gateway knows of the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// API Gateway's id of the request.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub request_id: String,
    /// What the authorizer found.
    #[serde(default)]
    pub authorizer: Option<Authorizer>,
}

/// What the authorizer found.
#[derive(Clone, Debug, Deserialize)]
pub struct Authorizer {
    /// The verified token.
    #[serde(default)]
    pub jwt: Option<Jwt>,
}

/// A verified token.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwt {
    /// Its claims, all of them rendered as strings.
    #[serde(default, deserialize_with = "null_as_absent")]
    pub claims: Map<String, Value>,
}

/// A value, or its default for `null`.
fn null_as_absent<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Texts by their names; one that is `null` is absent.
fn texts<'de, D>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error>
where
    D: Deserializer<'de>,
{
    let texts: BTreeMap<String, Option<String>> = null_as_absent(deserializer)?;
    let texts = texts.into_iter();
    Ok(texts
        .filter_map(|(name, text)| Some((name, text?)))
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_part_that_is_null_is_read_as_absent() {
        let null = json!({
            "routeKey": "GET /organizations", "rawPath": null, "headers": null, "queryStringParameters": null,
            "pathParameters": null, "body": null, "isBase64Encoded": null,
            "requestContext": {"requestId": null, "authorizer": null},
        });
        let event: HttpEvent = serde_json::from_value(null).unwrap();
        assert!(event.headers.is_empty() && event.path_parameters.is_empty());
        assert!(event.query_string_parameters.is_empty() && event.body.is_none());
        assert!(!event.is_base64_encoded && event.request_context.authorizer.is_none());

        for authorizer in [
            json!({}),
            json!({"jwt": null}),
            json!({"jwt": {"claims": null, "scopes": null}}),
        ] {
            let event = json!({
                "routeKey": "", "headers": {"a": null, "b": "c"}, "requestContext": {"authorizer": authorizer},
            });
            let event: HttpEvent = serde_json::from_value(event).unwrap();
            let jwt = event.request_context.authorizer.and_then(|it| it.jwt);
            assert!(jwt.is_none_or(|jwt| jwt.claims.is_empty()));
            assert_eq!(
                event.headers,
                BTreeMap::from([("b".to_owned(), "c".to_owned())])
            );
        }
        for context in [
            json!({"routeKey": ""}),
            json!({"routeKey": "", "requestContext": null}),
        ] {
            assert!(serde_json::from_value::<HttpEvent>(context).is_ok());
        }
    }
}
