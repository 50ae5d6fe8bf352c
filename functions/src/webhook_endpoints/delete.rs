//! `DELETE /webhook-endpoints/{endpoint_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{DeleteItem, GetItem, PutItem, UpdateItem};
use crate::endpoint::{Call, Endpoint, WebhookEndpointPath, endpoint};

/// Delete a webhook endpoint
///
/// Deletes a webhook endpoint and its secret. Deliveries that wait for another attempt are dropped.
///
/// Requires a tenant admin. Returns 204, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn delete_webhook_endpoint(
    call: Call,
    path: WebhookEndpointPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .delete_webhook_endpoint(&call.context(), &path.endpoint_id, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    delete_webhook_endpoint,
    "DELETE /webhook-endpoints/{endpoint_id}"
)
.table(&[DeleteItem, GetItem, PutItem, UpdateItem])
.with_secrets()
.answers(|operation| {
    operation
        .no_content("The webhook endpoint is deleted.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});
