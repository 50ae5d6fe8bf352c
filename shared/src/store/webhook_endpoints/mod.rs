//! Webhook endpoints: their rows and operations.

mod create;
mod delete;
mod deliveries;
mod read;
mod replay;
mod results;
mod rotate_secret;
mod test;
mod update;

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Description, DisabledReason, EventDraft, EventType, EventTypes, OrganizationId, Target,
    TargetType, TenantId, Timestamp, Transition, UserId, WebhookEndpoint, WebhookEndpointId,
    WebhookSecret, WebhookStatus, WebhookUrl,
};
use crate::store::rows::Recorded;
use crate::store::table::{Item, ItemChange, from_item, to_item};
use crate::store::{keys, table};

pub use read::SigningEndpoint;

/// Attributes that a change of an endpoint writes. Those that deliveries write are not among them: a delivery may have
/// written them since they were read.
const CHANGEABLE: [&str; 7] = [
    "url",
    "description",
    "event_types",
    "status",
    "disabled_reason",
    "version",
    "updated_at",
];

/// An endpoint with its new secret.
#[derive(Clone, Debug)]
pub struct WebhookEndpointWithSecret {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// The secret.
    pub secret: WebhookSecret,
}

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct EndpointRow {
    id: WebhookEndpointId,
    tenant_id: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    url: WebhookUrl,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    event_types: EventTypes,
    status: WebhookStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<DisabledReason>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_success_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Timestamp>,
    version: u64,
    created_by: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// An endpoint with its secret, as stored in a record.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct RowWithSecret {
    endpoint: EndpointRow,
    secret: String,
}

fn to_row(endpoint: &WebhookEndpoint) -> Result<Item, table::Error> {
    let key = keys::webhook_endpoint(&endpoint.tenant_id, &endpoint.id);
    to_item(&endpoint.to_recorded(), [key.attributes(), Item::new()])
}

fn from_row(item: impl Borrow<Item>) -> Result<WebhookEndpoint, table::Error> {
    WebhookEndpoint::from_recorded(from_item(item)?)
}

impl Recorded for WebhookEndpoint {
    type Row = EndpointRow;

    fn to_recorded(&self) -> EndpointRow {
        let one = self.clone();
        EndpointRow {
            id: one.id,
            tenant_id: one.tenant_id,
            organization_id: one.organization_id,
            url: one.url,
            description: one.description,
            event_types: one.event_types,
            status: one.status,
            disabled_reason: one.disabled_reason,
            last_success_at: one.last_success_at,
            last_failure_at: one.last_failure_at,
            failing_since: one.failing_since,
            version: one.version,
            created_by: one.created_by,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }

    fn from_recorded(row: EndpointRow) -> Result<Self, table::Error> {
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            organization_id: row.organization_id,
            url: row.url,
            description: row.description,
            event_types: row.event_types,
            status: row.status,
            disabled_reason: row.disabled_reason,
            last_success_at: row.last_success_at,
            last_failure_at: row.last_failure_at,
            failing_since: row.failing_since,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Recorded for WebhookEndpointWithSecret {
    type Row = RowWithSecret;

    fn to_recorded(&self) -> RowWithSecret {
        RowWithSecret {
            endpoint: self.endpoint.to_recorded(),
            secret: self.secret.expose_text(),
        }
    }

    fn from_recorded(row: RowWithSecret) -> Result<Self, table::Error> {
        Ok(Self {
            endpoint: WebhookEndpoint::from_recorded(row.endpoint)?,
            secret: WebhookSecret::parse(&row.secret).map_err(table::Error::unreadable)?,
        })
    }
}

/// Labels of the actions in transactions on an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
enum WebhookEndpointAction {
    Endpoint,
    Count,
    Secret,
    Organization,
    Record,
}

/// Returns the change that writes the fields of an endpoint.
fn to_change(after: &WebhookEndpoint) -> Result<ItemChange, table::Error> {
    Ok(ItemChange::taking(&CHANGEABLE, &to_row(after)?))
}

fn event(event_type: EventType, transition: Transition<'_, WebhookEndpoint>) -> EventDraft {
    let one = transition.resource();
    let target = Target::new(TargetType::WebhookEndpoint, one.id.as_str(), None);
    EventDraft::other(
        event_type,
        &one.tenant_id,
        None,
        target,
        transition,
        one.version,
    )
}

#[cfg(test)]
mod tests;
