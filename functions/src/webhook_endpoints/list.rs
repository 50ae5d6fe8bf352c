//! `GET /webhook-endpoints`

use documented::docs_const;
use muster::domain::WebhookEndpoint;
use muster::http::{self, Answer, Code, Problem};

use crate::endpoint::TableAction::Query;
use crate::endpoint::{Call, Endpoint, Paged, endpoint};

/// List webhook endpoints
///
/// Returns the webhook endpoints of the tenant sorted by creation time, without their secrets.
///
/// Requires a tenant admin.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_webhook_endpoints(call: Call, page: Paged) -> Result<Answer, Problem> {
    let found = call
        .store()
        .webhook_endpoints(&call.context(), page.after(), page.limit())
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_webhook_endpoints, "GET /webhook-endpoints")
    .table(&[Query])
    .answers(|operation| {
        operation
            .page::<WebhookEndpoint>()
            .fails(&[Code::Forbidden])
    });
