//! `GET /webhook-endpoints/{endpoint_id}`

use documented::docs_const;
use muster::domain::WebhookEndpoint;
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::GetItem;
use crate::endpoint::{Call, Endpoint, WebhookEndpointPath, endpoint};

/// Get a webhook endpoint
///
/// Returns a webhook endpoint, without its secret.
///
/// Requires a tenant admin. Returns 304 if the caller has this representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_webhook_endpoint(
    call: Call,
    path: WebhookEndpointPath,
) -> Result<Answer, Problem> {
    let endpoint = call
        .store()
        .webhook_endpoint(&call.context(), &path.endpoint_id)
        .await?;
    Ok(answer(&endpoint))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(get_webhook_endpoint, "GET /webhook-endpoints/{endpoint_id}")
        .table(&[GetItem])
        .answers(|operation| {
            operation
                .shows::<WebhookEndpoint>("The webhook endpoint.")
                .fails(&[Code::Forbidden, Code::NotFound])
        });
