//! `POST /webhook-endpoints`

use documented::docs_const;
use muster::domain::{WebhookEndpoint, WebhookEndpointId, WebhookStatus};
use muster::http::{Answer, Code, Problem};
use muster::store::WebhookEndpointWithSecret;
use muster_delivery::webhook::new_secret;
use serde_json::json;

use super::{NewWebhookEndpoint, ShownWithSecret, check_url, with_secret};
use crate::endpoint::TableAction::{ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, endpoint, render};

/// Create a webhook endpoint
///
/// Creates a webhook endpoint. Its events are sent to the URL as Standard Webhooks 1.0.0 defines, signed with the secret
/// in the response. The secret is not shown again.
///
/// Requires a tenant admin. Returns 201 with `Location`, and 409 `limit-reached` if the tenant has 20 webhook endpoints.
/// Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_webhook_endpoint(
    call: Call,
    Body(new): Body<NewWebhookEndpoint>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let Call {
        app, caller, now, ..
    } = call;
    check_url(&app.settings.webhook_targets, &new.url)?;
    let created = WebhookEndpointWithSecret {
        endpoint: WebhookEndpoint {
            id: WebhookEndpointId::from(app.clock.new_id()),
            tenant_id: caller.tenant_id,
            organization_id: new.organization_id,
            url: new.url,
            description: new.description,
            event_types: new.event_types,
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            last_success_at: None,
            last_failure_at: None,
            failing_since: None,
            version: 1,
            created_by: caller.user_id,
            created_at: now,
            updated_at: now,
        },
        secret: new_secret().map_err(Problem::internal)?,
    };
    let outcome = app.store.create_webhook_endpoint(&cx, &created).await?;
    render(outcome, answer)
}

fn answer(created: &WebhookEndpointWithSecret) -> Answer {
    let endpoint = &created.endpoint;
    let location = format!("/webhook-endpoints/{}", endpoint.id);
    Answer::created(&with_secret(created), endpoint.version, location)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(create_webhook_endpoint, "POST /webhook-endpoints")
    .table(&[ConditionCheckItem, PutItem, UpdateItem])
    .with_secrets()
    .answers(|operation| {
        operation
            .created::<ShownWithSecret<'static>>("The new webhook endpoint, with its secret.")
            .leads_to(
                &[
                    "getWebhookEndpoint",
                    "updateWebhookEndpoint",
                    "deleteWebhookEndpoint",
                    "rotateWebhookSecret",
                    "testWebhookEndpoint",
                    "listWebhookDeliveries",
                ],
                json!({"endpoint_id": "$response.body#/id"}),
            )
            .fails(&[Code::Forbidden, Code::LimitReached, Code::Conflict])
    });
