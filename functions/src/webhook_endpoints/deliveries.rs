//! `GET /webhook-endpoints/{endpoint_id}/deliveries`

use documented::docs_const;
use muster::domain::{Delivery, DeliveryStatus, Invalid};
use muster::http::{self, Answer, Code, Problem};
use serde_json::{Value, json};
use strum::VariantNames as _;

use crate::endpoint::TableAction::{GetItem, Query};
use crate::endpoint::{Call, Endpoint, Filter, Paged, WebhookEndpointPath, endpoint, query};
use crate::openapi::example::{self, Example};

/// List deliveries to a webhook endpoint
///
/// Returns the deliveries of the last 14 days with the result of their last attempt, newest event first.
///
/// Requires a tenant admin.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_webhook_deliveries(
    call: Call,
    path: WebhookEndpointPath,
    page: Paged<ListDeliveries>,
) -> Result<Answer, Problem> {
    let cx = call.context();
    let found = call.store().webhook_deliveries(
        &cx,
        &path.endpoint_id,
        page.filters.status,
        page.after(),
        page.limit(),
    );
    // Two reads at once are a large future.
    let found = Box::pin(found).await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    list_webhook_deliveries,
    "GET /webhook-endpoints/{endpoint_id}/deliveries"
)
.table(&[GetItem, Query])
.answers(|operation| {
    operation
        .page::<Delivery>()
        .fails(&[Code::Forbidden, Code::NotFound])
});

query! {
    /// Filters of a list of deliveries.
    pub(crate) struct ListDeliveries {
        /// Only deliveries with this status.
        status: Option<DeliveryStatus>,
    }
}

impl Filter for DeliveryStatus {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::VARIANTS})
    }
}

impl Example for Delivery {
    fn example() -> Value {
        json!({
            "id": example::EVENT,
            "endpoint_id": example::WEBHOOK_ENDPOINT,
            "event_type": "membership.added",
            "status": "pending",
            "attempts": 2,
            "last_attempt_at": "2026-11-28T02:43:06.400Z",
            "response_status": 503,
            "error": null,
            "duration_ms": 112,
            "next_attempt_at": "2026-11-28T02:48:11.000Z",
        })
    }
}
