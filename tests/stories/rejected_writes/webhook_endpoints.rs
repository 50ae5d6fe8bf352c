//! The writes about webhook endpoints.

use serde_json::json;
use support::World;

use super::write::{Write, Writer};
use super::writes::unknown;
use crate::webhook_endpoints::deliveries::{LONG_AGO, deliver, some_event};
use crate::webhook_endpoints::{all_events, endpoint};

/// Creates a webhook endpoint with a delivery that failed.
pub(super) async fn of_webhook_endpoints(world: &World) -> Vec<Write> {
    const NO_SERVER: &str = "http://127.0.0.1:1/";
    let (hook, _) = endpoint(world, all_events(NO_SERVER)).await;
    let event = some_event(world).await;
    deliver(world, &hook, &event, 1, LONG_AGO).await;
    let retry = format!("{hook}/deliveries/{}/retry", event["id"].as_str().unwrap());
    let bad = [
        json!({"url": "no address"}),
        json!({"event_types": ["nothing.*"]}),
        json!({"description": 7}),
        json!({"secret": "whsec_x"}),
        json!([]),
    ];
    let times = json!({"from": "2026-01-01T00:00:00.000Z", "to": "2999-01-01T00:00:00.000Z"});
    let at = |verb: &str| format!("{hook}/{verb}");
    let writes = [
        Write::new("POST /webhook-endpoints", "/webhook-endpoints")
            .body(all_events("http://127.0.0.1:2/"))
            .rejects(&[json!({})])
            .rejects(&bad),
        Write::new("PATCH /webhook-endpoints/{endpoint_id}", &hook)
            .body(json!({"description": "x"}))
            .rejects(&bad),
        Write::new(
            "POST /webhook-endpoints/{endpoint_id}/rotate-secret",
            &at("rotate-secret"),
        )
        .rejects(&unknown()),
        Write::new("POST /webhook-endpoints/{endpoint_id}/test", &at("test")).rejects(&unknown()),
        Write::new(
            "POST /webhook-endpoints/{endpoint_id}/replay",
            &at("replay"),
        )
        .body(times)
        .rejects(&[json!({}), json!({"from": "yesterday"}), json!([])]),
        Write::new(
            "POST /webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry",
            &retry,
        )
        .rejects(&unknown()),
        Write::new("DELETE /webhook-endpoints/{endpoint_id}", &hook),
    ];
    writes.map(|write| write.by(Writer::TenantAdmin)).into()
}
