//! `POST /webhook-endpoints/{endpoint_id}/rotate-secret`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};
use muster::store::WebhookEndpointWithSecret;
use muster_delivery::webhook::new_secret;

use super::{ShownWithSecret, with_secret};
use crate::endpoint::TableAction::{GetItem, PutItem, UpdateItem};
use crate::endpoint::{Call, Endpoint, Idempotency, NoBody, WebhookEndpointPath, endpoint, render};

/// Rotate the secret of a webhook endpoint
///
/// Replaces the secret that signs the webhooks. Messages are also signed with the previous secret for 24 hours, so that
/// receivers can be changed without a gap. At most two previous secrets are kept. The new secret is not shown again.
///
/// Requires a tenant admin. Returns 412 `version-mismatch` if `If-Match` does not name the current version. Idempotent
/// with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn rotate_webhook_secret(
    call: Call,
    path: WebhookEndpointPath,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let secret = new_secret().map_err(Problem::internal)?;
    let cx = call.idempotent(key);
    let outcome = call
        .store()
        .rotate_webhook_secret(&cx, &path.endpoint_id, &secret, &expected)
        .await?;
    render(outcome, answer)
}

fn answer(rotated: &WebhookEndpointWithSecret) -> Answer {
    Answer::ok(&with_secret(rotated), rotated.endpoint.version)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    rotate_webhook_secret,
    "POST /webhook-endpoints/{endpoint_id}/rotate-secret"
)
.table(&[GetItem, PutItem, UpdateItem])
.with_secrets()
.answers(|operation| {
    operation
        .ok::<ShownWithSecret<'static>>("The webhook endpoint, with its new secret.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});
