//! `POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry`

use documented::docs_const;
use muster::domain::Delivery;
use muster::http::{self, Answer, Code, Problem};

use super::queue::WebhookQueue;
use crate::endpoint::TableAction::{BatchGetItem, GetItem, PutItem, UpdateItem};
use crate::endpoint::{Call, DeliveryPath, Endpoint, Idempotency, NoBody, endpoint, render};

/// Retry a delivery
///
/// Sends the event of a delivery again now, even if it was delivered. The attempt counter restarts.
///
/// Requires a tenant admin. Returns 404 if the delivery, or its event in the audit log, no longer exists, and 409
/// `endpoint-disabled` for a disabled endpoint. With an `Idempotency-Key`, a repeated request sends nothing.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn retry_webhook_delivery(
    call: Call<WebhookQueue>,
    path: DeliveryPath,
    _: NoBody,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let store = call.store();
    if let Some(first) = store.first_webhook_retry(&cx).await? {
        return render(first, answer);
    }
    let found = store.webhook_delivery_to_retry(&cx, &path.endpoint_id, path.delivery_id);
    let (endpoint, delivery, event) = found.await?;
    call.services.put(&endpoint, &[event], call.now).await?;
    let outcome = store.record_webhook_retry(&cx, delivery).await?;
    render(outcome, answer)
}

fn answer(delivery: &Delivery) -> Answer {
    Answer::unversioned(http::json(delivery))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    retry_webhook_delivery,
    "POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry"
)
.table(&[BatchGetItem, GetItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .plain::<Delivery>("The delivery, which is on the queue.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::EndpointDisabled])
});
