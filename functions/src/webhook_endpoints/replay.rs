//! `POST /webhook-endpoints/{endpoint_id}/replay`

use documented::docs_const;
use muster::domain::{EventId, Timestamp, WebhookReplay};
use muster::from_fields;
use muster::http::{self, Answer, Code, Problem};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::queue::WebhookQueue;
use crate::endpoint::TableAction::{BatchGetItem, GetItem, PutItem, Query};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, WebhookEndpointPath, endpoint, render};
use crate::openapi::example::Example;

/// Replay events to a webhook endpoint
///
/// Sends the matching events of a time range again, newest first. Puts up to 100 events on the queue; repeat the
/// request with `next_cursor` as `cursor` until it is `null`. Receivers detect duplicates by the header `webhook-id`.
///
/// Requires a tenant admin. Events are available for as long as the audit log keeps them. Returns 409 `endpoint-disabled`
/// for a disabled endpoint. With an `Idempotency-Key`, a repeated request sends nothing.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn replay_webhook_events(
    call: Call<WebhookQueue>,
    path: WebhookEndpointPath,
    Body(range): Body<ReplayRange>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    if range.from >= range.to {
        return Err(Problem::invalid_at("/to", "must be later than from"));
    }
    let cx = call.idempotent(key);
    let store = call.store();
    if let Some(first) = store.first_webhook_replay(&cx).await? {
        return render(first, answer);
    }
    let cursor = range.cursor.map(|cursor| cursor.to_string());
    let (id, after) = (&path.endpoint_id, cursor.as_deref());
    let found = store.webhook_events_to_replay(&cx, id, range.from, range.to, after);
    let (endpoint, page) = found.await?;
    call.services.put(&endpoint, &page.items, call.now).await?;
    let replay = WebhookReplay {
        queued: page.items.len(),
        next_cursor: page.next,
    };
    let outcome = store.record_webhook_replay(&cx, replay).await?;
    render(outcome, answer)
}

/// A range of events.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct ReplayRange {
    /// Start of the range, inclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    from: Timestamp,
    /// End of the range, exclusive.
    #[schemars(with = "String", extend("format" = "date-time"))]
    to: Timestamp,
    /// `next_cursor` of the previous request.
    cursor: Option<EventId>,
}

from_fields!(ReplayRange { from, to, cursor });

fn answer(replay: &WebhookReplay) -> Answer {
    Answer::unversioned(http::json(replay))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    replay_webhook_events,
    "POST /webhook-endpoints/{endpoint_id}/replay"
)
.table(&[BatchGetItem, GetItem, PutItem, Query])
.answers(|operation| {
    operation
        .plain::<WebhookReplay>("The number of events that are on the queue.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::EndpointDisabled])
});

impl Example for ReplayRange {
    fn example() -> Value {
        json!({"from": "2026-11-27T00:00:00.000Z", "to": "2026-11-28T00:00:00.000Z"})
    }
}

impl Example for WebhookReplay {
    fn example() -> Value {
        json!({"queued": 42, "next_cursor": null})
    }
}
