//! The discovery documents, from the declaration of the attributes.

use serde_json::{Map, Value, json};

use crate::list::{MAX_COUNT, list_response};
use crate::schema::{Attribute, ENTERPRISE_USER, GROUP, Schema, ScimResource, Type, USER};

/// The discovery documents of a directory.
#[derive(Clone, Debug)]
pub struct Discovery<'a> {
    /// The base URL, without a slash at its end.
    pub base: &'a str,
}

impl Discovery<'_> {
    /// `GET /ServiceProviderConfig`
    pub fn service_provider_config(&self) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": MAX_COUNT},
            "changePassword": {"supported": false},
            "sort": {"supported": false},
            "etag": {"supported": true},
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "The token of the directory in the header Authorization.",
                "primary": true,
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{}/ServiceProviderConfig", self.base),
            },
        })
    }

    /// `GET /ResourceTypes`
    pub fn resource_types(&self) -> Value {
        let all = [ScimResource::User, ScimResource::Group].map(|kind| self.resource_type_of(kind));
        list_response(all.len(), 1, all.to_vec())
    }

    /// `GET /ResourceTypes/{id}`. `None` if the type does not exist: 404.
    pub fn resource_type(&self, id: &str) -> Option<Value> {
        let mut all = [ScimResource::User, ScimResource::Group].into_iter();
        all.find(|kind| kind.as_str() == id)
            .map(|kind| self.resource_type_of(kind))
    }

    fn resource_type_of(&self, kind: ScimResource) -> Value {
        let extensions = kind.extension().into_iter();
        let extensions: Vec<_> = extensions
            .map(|extension| json!({"schema": extension.id, "required": false}))
            .collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": kind.as_str(),
            "name": kind.as_str(),
            "description": kind.schema().description,
            "endpoint": kind.endpoint(),
            "schema": kind.schema().id,
            "schemaExtensions": extensions,
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{}/ResourceTypes/{}", self.base, kind.as_str()),
            },
        })
    }

    /// `GET /Schemas`
    pub fn schemas(&self) -> Value {
        let all = [&USER, &GROUP, &ENTERPRISE_USER].map(|schema| self.schema_of(schema));
        list_response(all.len(), 1, all.to_vec())
    }

    /// `GET /Schemas/{urn}`. `None` if the schema does not exist: 404.
    pub fn schema(&self, urn: &str) -> Option<Value> {
        let mut all = [&USER, &GROUP, &ENTERPRISE_USER].into_iter();
        all.find(|schema| schema.id.eq_ignore_ascii_case(urn))
            .map(|schema| self.schema_of(schema))
    }

    fn schema_of(&self, schema: &Schema) -> Value {
        let attributes: Vec<_> = schema.attributes.iter().map(attribute_json).collect();
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": schema.id,
            "name": schema.name,
            "description": schema.description,
            "attributes": attributes,
            "meta": {
                "resourceType": "Schema",
                "location": format!("{}/Schemas/{}", self.base, schema.id),
            },
        })
    }
}

fn attribute_json(attribute: &Attribute) -> Value {
    let mut document = Map::new();
    let mut set = |name: &str, value: Value| document.insert(name.to_owned(), value);
    set("name", attribute.name.into());
    set("type", attribute.kind.as_ref().into());
    set("multiValued", attribute.multi.into());
    set("description", attribute.description.into());
    set("required", attribute.required.into());
    set("caseExact", attribute.case_exact.into());
    set("mutability", attribute.mutability.as_ref().into());
    set("returned", "default".into());
    set(
        "uniqueness",
        if attribute.unique { "server" } else { "none" }.into(),
    );
    if !attribute.canonical.is_empty() {
        set("canonicalValues", attribute.canonical.to_vec().into());
    }
    if attribute.kind == Type::Reference {
        let types = match attribute.name {
            "$ref" => ["User", "Group"].as_slice(),
            _ => ["external"].as_slice(),
        };
        set("referenceTypes", types.to_vec().into());
    }
    if !attribute.subs.is_empty() {
        set(
            "subAttributes",
            attribute.subs.iter().map(attribute_json).collect(),
        );
    }
    Value::Object(document)
}
