//! Organizations: a customer organization or business unit inside a tenant.

pub mod create;
pub mod delete;
pub mod get;
pub mod list;
pub mod restore;
pub mod update;

use std::borrow::Cow;
use std::collections::BTreeMap;

use muster::domain::{Name, Organization, OrganizationPatch};
use muster::http::{self, Fields, limits, metadata, text};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::openapi::requiring;

/// Shown to owners, admins and tenant admins only.
const BILLING_FIELDS: [&str; 3] = ["billing_email", "billing_address", "stripe_customer_id"];

/// An organization. Its billing fields are there for owners, admins and tenant admins.
struct ShownOrganization;

impl JsonSchema for ShownOrganization {
    fn schema_name() -> Cow<'static, str> {
        Organization::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Organization::json_schema(generator);
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| !BILLING_FIELDS.iter().any(|field| name == field));
        }
        schema
    }
}

/// A request to create an organization.
struct NewOrganization;

impl JsonSchema for NewOrganization {
    fn schema_name() -> Cow<'static, str> {
        "NewOrganization".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        requiring(
            "name",
            OrganizationPatch::json_schema(generator),
            "A request to create an organization.",
        )
    }
}

/// An organization in an answer. Without the right to see them, its billing fields are not there.
fn show(organization: &Organization, with_billing: bool) -> Box<RawValue> {
    let shown = http::json(organization);
    if with_billing {
        return shown;
    }
    let fields: BTreeMap<&str, &RawValue> = serde_json::from_str(shown.get()).unwrap_or_default();
    let fields = fields.into_iter();
    let others = fields.filter(|(name, _)| !BILLING_FIELDS.contains(name));
    http::json(&others.collect::<BTreeMap<_, _>>())
}

/// What a body says about an organization, with the name it gives.
fn fields(fields: &mut Fields, name: Option<Name>) -> OrganizationPatch {
    OrganizationPatch {
        name,
        domain: fields.patch("domain", text),
        billing_email: fields.patch("billing_email", text),
        billing_address: fields.patch("billing_address", text),
        stripe_customer_id: fields.patch("stripe_customer_id", text),
        metadata: fields.patch("metadata", metadata),
        limits: limits(fields),
    }
}
