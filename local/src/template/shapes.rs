//! The parts of a template as they are written in it. Values that can refer to others stay as they are.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Attribute, Index, KeyPart};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    pub(super) conditions: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) globals: Globals,
    pub(super) resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Parameter {
    pub(super) default: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Globals {
    pub(super) function: FunctionProperties,
    pub(super) http_api: HttpApiProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Resource {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) properties: Value,
    #[serde(default)]
    pub(super) metadata: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct FunctionProperties {
    pub(super) timeout: Option<Value>,
    pub(super) environment: Environment,
    pub(super) events: BTreeMap<String, Event>,
    pub(super) policies: Value,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Environment {
    pub(super) variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Event {
    #[serde(rename = "Type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RouteProperties {
    pub(super) path: String,
    pub(super) method: String,
    #[serde(default)]
    pub(super) auth: RouteAuth,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RouteAuth {
    pub(super) authorizer: Option<String>,
    pub(super) authorization_scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub(super) build_properties: BuildProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct BuildProperties {
    pub(super) binary: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HttpApiProperties {
    pub(super) auth: Option<ApiAuth>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ApiAuth {
    pub(super) default_authorizer: Option<String>,
    pub(super) authorizers: BTreeMap<String, JwtAuthorizer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JwtAuthorizer {
    #[serde(rename = "JwtConfiguration")]
    _jwt_configuration: Value,
    pub(super) identity_source: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TableProperties {
    pub(super) table_name: Option<Value>,
    pub(super) attribute_definitions: Vec<Attribute>,
    pub(super) key_schema: Vec<KeyPart>,
    #[serde(default)]
    pub(super) global_secondary_indexes: Vec<Index>,
    pub(super) local_secondary_indexes: Option<Value>,
    pub(super) time_to_live_specification: Option<TimeToLive>,
    pub(super) stream_specification: Option<Stream>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeToLive {
    pub(super) attribute_name: String,
    pub(super) enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Stream {
    pub(super) stream_view_type: String,
}
