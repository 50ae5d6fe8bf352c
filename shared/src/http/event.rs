//! The event that API Gateway's HTTP API sends: payload format 2.0.
//!
//! Read with types of our own: they take any text that a client can get into a header, a path or a
//! query, where a stricter model would end the invocation.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// What is used of the event.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    /// Method and path as in the template: `GET /organizations/{organization_id}`.
    pub route_key: String,
    /// The path that was asked for.
    #[serde(default)]
    pub raw_path: String,
    /// Headers by their lower-case names; several of one name are joined by commas.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Query parameters, decoded; several of one name are joined by commas.
    #[serde(default)]
    pub query_string_parameters: BTreeMap<String, String>,
    /// What stands in the places of the route's parameters.
    #[serde(default)]
    pub path_parameters: BTreeMap<String, String>,
    /// The body, if any.
    pub body: Option<String>,
    /// Whether the body is in Base64.
    #[serde(default)]
    pub is_base64_encoded: bool,
    /// Where the request came from.
    pub request_context: RequestContext,
}

/// What API Gateway knows of the request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestContext {
    /// API Gateway's id of the request.
    #[serde(default)]
    pub request_id: String,
    /// What the authorizer found.
    pub authorizer: Option<Authorizer>,
}

/// What the authorizer found.
#[derive(Clone, Debug, Deserialize)]
pub struct Authorizer {
    /// The verified token.
    pub jwt: Option<Jwt>,
}

/// A verified token.
#[derive(Clone, Debug, Deserialize)]
pub struct Jwt {
    /// Its claims, all of them rendered as strings.
    #[serde(default)]
    pub claims: Map<String, Value>,
}
