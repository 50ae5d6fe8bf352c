//! `PATCH /webhook-endpoints/{endpoint_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, WebhookEndpoint, WebhookEndpointPatch};
use muster::http::{Answer, Code, Problem};

use super::{answer, check_url};
use crate::endpoint::TableAction::{GetItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, WebhookEndpointPath, endpoint};

/// Update a webhook endpoint
///
/// Changes a webhook endpoint by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` clears. A disabled
/// endpoint receives no events; after it is enabled again it receives new ones, and a replay
/// sends those that it missed.
///
/// Requires a tenant admin. Returns 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_webhook_endpoint(
    call: Call,
    path: WebhookEndpointPath,
    Body(change): Body<WebhookEndpointPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    if let Some(url) = &change.url {
        check_url(&call.app.settings.webhook_targets, url)?;
    }
    let endpoint = call
        .store()
        .update_webhook_endpoint(&call.context(), &path.endpoint_id, &change, &expected)
        .await?;
    Ok(answer(&endpoint))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    update_webhook_endpoint,
    "PATCH /webhook-endpoints/{endpoint_id}"
)
.table(&[GetItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<WebhookEndpoint>("The updated webhook endpoint.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});
