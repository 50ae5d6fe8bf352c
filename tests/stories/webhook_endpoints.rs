//! Webhooks of events.

pub(crate) mod deliveries;
mod disabled_endpoints;
mod endpoints;
mod load;
mod outages;
mod replays;
mod secrets;
mod signatures;
mod test;

use serde_json::{Value, json};
use support::{Actor, Reply, World, at_once};

/// A request for an endpoint that receives everything.
pub(crate) fn all_events(url: &str) -> Value {
    json!({"url": url, "event_types": ["*"]})
}

/// Sends a request so many times at once.
pub(crate) async fn times<F>(
    count: usize,
    actor: &Actor,
    request: impl Fn(Actor, usize) -> F,
) -> Vec<Reply>
where
    F: Future<Output = Reply> + Send + 'static,
{
    at_once((0..count).map(|n| request(actor.clone(), n))).await
}

/// Creates an endpoint as a tenant admin: its path, and the secret.
pub(crate) async fn endpoint(world: &World, body: Value) -> (String, String) {
    let root: Actor = world.tenant_admin();
    let made = root.post("/webhook-endpoints", body).await.expect(201);
    let secret = made.body["secret"].as_str().unwrap().to_owned();
    (made.headers["location"].clone(), secret)
}
