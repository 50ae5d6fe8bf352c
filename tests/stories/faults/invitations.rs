//! Creating, sending again and revoking an invitation by email while DynamoDB fails.

use std::sync::atomic::{AtomicI64, Ordering};

use muster::domain::{Clock, Timestamp};
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Fault, Faults, Reply, invariants};

use super::{TRANSACTION, in_a_hurry};
use crate::invitations::by_email::{acme, bob, events, path, token};

const MINUTE: i64 = 60_000;

/// With a clock that advances by a minute on each read, so that an invitation can be sent again.
fn minute_by_minute(options: Options) -> Options {
    let (machine, looks) = (Clock::system(), AtomicI64::new(0));
    Options {
        clock: Clock::from_fn(move || {
            let look = looks.fetch_add(1, Ordering::Relaxed);
            let time = Timestamp::from_millisecond(1_795_219_200_000 + look * MINUTE);
            (time.unwrap(), machine.new_id())
        }),
        ..options
    }
}

/// The body with the status, version and number of tokens of the invitation.
fn state(shown: &Value) -> (Value, Value, Value) {
    let field = |name: &str| shown[name].clone();
    (field("status"), field("version"), field("send_count"))
}

async fn send(actor: &Actor, method: Method, path: &str, key: &str) -> Reply {
    let request = actor.request(method, path);
    actor.send(request.header("idempotency-key", key)).await
}

/// Sends each request into these faults. It is applied once, and its response is of the stored invitation.
async fn each_step_is_done_once(faults: &[Fault], forget_tokens: bool) {
    let (world, proxy) = Faults::world(minute_by_minute(Options::default())).await;
    if forget_tokens {
        proxy.forget_tokens();
    }
    let (ada, id, invitations) = acme(&world).await;
    proxy.next(TRANSACTION, faults);
    let made = ada.post(&invitations, bob()).await.expect(201);
    assert_eq!(proxy.stop(), 0, "{faults:?}");
    let shown = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(state(&shown), (json!("pending"), json!(1), json!(1)));

    proxy.next(TRANSACTION, faults);
    let resend = format!("{}/resend", path(&made));
    let sent = ada.post_empty(&resend).await.expect(200);
    assert_eq!(proxy.stop(), 0, "{faults:?}");
    let shown = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(state(&shown), (json!("pending"), json!(2), json!(2)));
    assert_eq!(state(&sent.body), state(&shown));
    let preview = |reply: &Reply| format!("/invitations/{}", token(reply));
    ada.get(&preview(&sent)).await.expect(200);
    ada.get(&preview(&made)).await.problem(404, "not-found");

    proxy.next(TRANSACTION, faults);
    ada.delete(&path(&made)).await.expect(204);
    assert_eq!(proxy.stop(), 0, "{faults:?}");
    let shown = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(state(&shown), (json!("revoked"), json!(3), json!(2)));
    ada.get(&preview(&sent)).await.problem(404, "not-found");

    let mut events = events(&ada, &id).await;
    events.retain(|event| event.starts_with("invitation."));
    let all = ["created", "resent", "revoked"].map(|event| format!("invitation.{event}"));
    assert_eq!(events, all, "{faults:?}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_invitation_is_written_once_after_a_lost_response() {
    for faults in [
        &[Fault::CutAfter][..],
        &[Fault::CutWithin, Fault::CutAfter],
        &[Fault::CutBefore, Fault::Failure(500), Fault::Throttle],
        &[Fault::Conflict, Fault::InProgress, Fault::CutAfter],
    ] {
        each_step_is_done_once(faults, false).await;
    }
}

/// The event of the write shows that it was applied.
#[tokio::test]
async fn an_invitation_is_written_once_after_the_token_expired() {
    each_step_is_done_once(&[Fault::CutAfter], true).await;
    each_step_is_done_once(&[Fault::CutWithin, Fault::CutAfter], true).await;
}

/// A client that got no response sends the request again with its key, and gets the first answer.
#[tokio::test]
async fn a_failed_write_of_an_invitation_changes_nothing() {
    let (world, proxy) = Faults::world(minute_by_minute(in_a_hurry())).await;
    let (ada, id, invitations) = acme(&world).await;
    let before = world.everything().await;
    proxy.always(TRANSACTION, Fault::Failure(500));
    let failed = ada.post_once(&invitations, "k1", bob()).await;
    failed.problem(503, "unavailable");
    proxy.stop();
    assert_eq!(world.everything().await, before);
    let made = ada.post_once(&invitations, "k1", bob()).await.expect(201);

    let resend = format!("{}/resend", path(&made));
    let before = world.everything().await;
    proxy.always(TRANSACTION, Fault::Failure(500));
    let failed = send(&ada, Method::POST, &resend, "k2").await;
    failed.problem(503, "unavailable");
    let failed = ada.delete(&path(&made)).await;
    failed.problem(503, "unavailable");
    proxy.stop();
    assert_eq!(world.everything().await, before);
    let sent = send(&ada, Method::POST, &resend, "k2").await.expect(200);
    let again = send(&ada, Method::POST, &resend, "k2").await.expect(200);
    assert_eq!(again.body, sent.body);
    ada.delete(&path(&made)).await.expect(204);

    let mut events = events(&ada, &id).await;
    events.retain(|event| event.starts_with("invitation."));
    assert_eq!(events.len(), 3, "{events:?}");
    invariants::check(&world.items().await);
}
