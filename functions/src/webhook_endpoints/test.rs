//! `POST /webhook-endpoints/{endpoint_id}/test`

use std::time::Instant;

use documented::docs_const;
use muster::config::SettingError;
use muster::domain::WebhookTest;
use muster::http::{self, Answer, Code, Problem};
use muster_delivery::webhook::{Message, Sender};
use serde_json::json;
use serde_json::value::to_raw_value;

use crate::endpoint::TableAction::{BatchGetItem, GetItem, PutItem};
use crate::endpoint::{Call, Endpoint, Idempotency, NoBody, WebhookEndpointPath, endpoint, render};
use crate::openapi::example::Example;
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

impl Services for Sender {
    const RIGHTS: &'static [ServiceRight] = &[];

    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        let targets = app.settings.webhook_targets.clone();
        Self::read(targets, app.clock.clone(), variables)
    }
}

/// Test a webhook endpoint
///
/// Sends a message of type `webhook.test` now, once, and returns the status that the endpoint returned, or why it did
/// not respond. Works for disabled endpoints too.
///
/// Requires a tenant admin. Returns 200 even if the endpoint fails. With an `Idempotency-Key`, a repeated request
/// returns the first result.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn test_webhook_endpoint(
    call: Call<Sender>,
    path: WebhookEndpointPath,
    _: NoBody,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let store = call.store();
    if let Some(first) = store.first_webhook_test(&cx).await? {
        return render(first, answer);
    }
    let signing = store
        .webhook_endpoint_to_test(&cx, &path.endpoint_id)
        .await?;
    let id = call.app.clock.new_id().to_string();
    let data = to_raw_value(&json!({"id": id, "endpoint_id": path.endpoint_id}));
    let message = Message::new(
        id,
        "webhook.test",
        call.now,
        &data.map_err(Problem::internal)?,
    )
    .map_err(Problem::internal)?;
    let start = Instant::now();
    let result = call
        .services
        .send(&signing.endpoint.url, &message, &signing.secrets)
        .await;
    let test = WebhookTest {
        status: result.as_ref().ok().map(|response| response.status),
        error: result.as_ref().err().map(|error| error.name().to_owned()),
        duration_ms: start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
    };
    let outcome = store.record_webhook_test(&cx, test).await?;
    render(outcome, answer)
}

fn answer(test: &WebhookTest) -> Answer {
    Answer::unversioned(http::json(test))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    test_webhook_endpoint,
    "POST /webhook-endpoints/{endpoint_id}/test"
)
.table(&[BatchGetItem, GetItem, PutItem])
.with_secrets()
.takes_up_to(20)
.answers(|operation| {
    operation
        .plain::<WebhookTest>("What the endpoint answered.")
        .fails(&[Code::Forbidden, Code::NotFound])
});

impl Example for WebhookTest {
    fn example() -> serde_json::Value {
        json!({"status": 204, "error": null, "duration_ms": 87})
    }
}
