//! DynamoDB fails: the response says what to do, no write is partial or applied twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::AttributeValue;
use muster_local::Options;
use reqwest::Method;
use serde_json::json;
use support::{ACME, Fault, Faults, Reply, World, invariants};

mod invitations;
mod reads;
mod writes;

use crate::answers::is_shown;
use writes::writes;

const TRANSACTION: &str = "TransactWriteItems";
/// Attempts of the SDK per call.
const ATTEMPTS: usize = 5;
/// Ends a wait early; its length has no meaning.
const BOUNDED: Duration = Duration::from_secs(9);

/// As deployed, but with short waits.
pub(crate) fn in_a_hurry() -> Options {
    Options {
        configure_app: Some(Arc::new(|app| muster_functions::App {
            store: app
                .store
                .clone()
                .with_retry_budget(Duration::from_millis(150)),
            ..app
        })),
        configure_client: Some(Arc::new(|config| {
            let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(5));
            config.retry_config(retries)
        })),
        ..Options::default()
    }
}

/// Sends each kind of write into these faults, and checks that it is applied once.
async fn each_is_done_once(faults: &[Fault], forget_tokens: bool) {
    let (world, proxy) = Faults::world(Options::default()).await;
    if forget_tokens {
        proxy.forget_tokens();
    }
    for write in writes(&world).await {
        let about = format!("{} {} {faults:?}", write.method, write.path);
        let before = world.items().await.len();
        world.calls.take();
        proxy.next(write.operation, faults);
        let reply = write.send().await;
        assert_eq!(proxy.stop(), 0, "{about}: some faults were not used");
        assert_eq!(reply.status, write.status, "{about}: {reply:?}");
        let sent = world.calls.operations();
        let sent = sent.iter().filter(|one| *one == write.operation).count();
        assert!(sent > faults.len(), "{about}: {sent} calls");

        // The response shows the stored state: no second write followed.
        match (write.status, &write.method) {
            (204, _) => assert_eq!(write.stored().await, None, "{about}"),
            (201, &Method::POST) if reply.headers.contains_key("location") => {
                let made = &reply.headers["location"];
                is_shown(&reply, write.actor.get(made).await.expect(200), made);
            }
            (201, &Method::POST) => {
                let all = write.actor.all(&write.path).await;
                assert!(all.contains(&reply.body), "{about}: {all:?}");
            }
            _ => {
                let stored = write.stored().await.expect("it is stored");
                let same = ["version", "updated_at", "role", "status", "name", "email"];
                for field in same {
                    assert_eq!(stored[field], reply.body[field], "{about}: {field}");
                }
            }
        }
        if write.status != 204 {
            // A new organization and its owner are two changes.
            let events = if write.path == "/organizations" { 2 } else { 1 };
            let after = world.items().await.len();
            assert_eq!(after, before + write.makes + events, "{about}");
        }
        invariants::check(&world.items().await);
    }
}

#[tokio::test]
async fn a_write_with_a_lost_response_is_applied_once() {
    each_is_done_once(&[Fault::CutAfter], false).await;
    each_is_done_once(&[Fault::CutWithin, Fault::CutAfter], false).await;
}

/// The event of the write shows that it was applied, also after a permanent deletion.
#[tokio::test]
async fn a_write_is_applied_once_after_the_token_expired() {
    each_is_done_once(&[Fault::CutAfter], true).await;
    each_is_done_once(&[Fault::CutWithin, Fault::CutAfter], true).await;
}

#[tokio::test]
async fn a_write_is_retried_until_it_arrives() {
    each_is_done_once(&[Fault::CutBefore, Fault::Failure(500)], false).await;
    let faults = [Fault::Failure(503), Fault::CutBefore, Fault::Throttle];
    each_is_done_once(&faults, false).await;
}

#[tokio::test]
async fn a_transient_conflict_is_retried() {
    let (world, proxy) = Faults::world(Options::default()).await;
    // The lost response can also follow a conflict.
    let of_transactions = [
        Fault::Conflict,
        Fault::CancelledByThrottling,
        Fault::InProgress,
        Fault::CutAfter,
    ];
    let of_one_item = [Fault::ItemConflict, Fault::ItemConflict, Fault::CutAfter];
    for write in writes(&world).await {
        let faults = match write.operation {
            TRANSACTION => &of_transactions[..],
            _ => &of_one_item[..],
        };
        proxy.next(write.operation, faults);
        write.send().await.expect(write.status);
        assert_eq!(proxy.stop(), 0);
        invariants::check(&world.items().await);
    }
}

/// The SDK retries this itself, but not for long.
#[tokio::test]
async fn a_transaction_in_progress_is_waited_for() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let writes = writes(&world).await;
    let write = writes.iter().find(|write| write.operation == TRANSACTION);
    let write = write.expect("a write in a transaction");
    proxy.next(TRANSACTION, &[Fault::InProgress; ATTEMPTS + 1]);
    write.send().await.expect(write.status);
    assert_eq!(proxy.stop(), 0);
}

/// Sends each write into a permanent fault of one of its calls.
async fn each_is_refused(operations: &[&str], fault: Fault, status: u16, code: &str) {
    let (world, proxy) = Faults::world(in_a_hurry()).await;
    let writes = writes(&world).await;
    let before = world.table().await;
    for operation in operations {
        for write in writes.iter().filter(|write| write.calls(operation)) {
            proxy.always(operation, fault);
            let started = Instant::now();
            let reply = write.send().await.problem(status, code);
            assert!(started.elapsed() < BOUNDED);
            let wait: u32 = reply.headers["retry-after"].parse().unwrap();
            assert!(wait > 0);
            assert_nothing_internal(&reply);
            proxy.stop();
            let now = world.table().await;
            assert!(now == before, "{} {} succeeded", write.method, write.path);
        }
    }
    // The faults were the only reason.
    for write in writes {
        write.send().await.expect(write.status);
    }
    invariants::check(&world.items().await);
}

const ALL: [&str; 2] = [TRANSACTION, "BatchGetItem"];

#[track_caller]
fn assert_nothing_internal(reply: &Reply) {
    let body = reply.body.to_string();
    for inside in [
        "TENANT#",
        "muster::",
        "dynamo",
        "Dynamo",
        "aws",
        "Exception",
        "SdkError",
        "pk",
        "emperor",
        "127.0.0.1",
        "serde",
        "unknown variant",
        "table",
    ] {
        assert!(!body.contains(inside), "{inside} in {body}");
    }
}

#[tokio::test]
async fn a_permanent_conflict_returns_unavailable() {
    each_is_refused(&[TRANSACTION], Fault::Conflict, 503, "unavailable").await;
}

#[tokio::test]
async fn permanent_throttling_returns_throttled() {
    each_is_refused(&ALL, Fault::Throttle, 429, "throttled").await;
    let cancelled = Fault::CancelledByThrottling;
    each_is_refused(&[TRANSACTION], cancelled, 429, "throttled").await;
}

#[tokio::test]
async fn permanent_dynamodb_failures_return_unavailable() {
    each_is_refused(&ALL, Fault::Failure(500), 503, "unavailable").await;
    each_is_refused(&ALL, Fault::Failure(503), 503, "unavailable").await;
}

#[tokio::test]
async fn an_unreachable_dynamodb_returns_unavailable() {
    each_is_refused(&ALL, Fault::CutBefore, 503, "unavailable").await;
}

#[tokio::test]
async fn invalid_dynamodb_requests_fail_without_a_retry() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let writes = writes(&world).await;
    let before = world.table().await;
    for (operation, fault) in [
        (TRANSACTION, Fault::CancelledByValidation),
        (TRANSACTION, Fault::Validation),
        ("BatchGetItem", Fault::Validation),
    ] {
        for write in writes.iter().filter(|write| write.calls(operation)) {
            let about = format!("{} {} {fault:?}", write.method, write.path);
            proxy.always(operation, fault);
            world.calls.take();
            let reply = write.send().await.problem(500, "internal");
            assert_nothing_internal(&reply);
            let sent = world.calls.operations();
            let sent = sent.iter().filter(|one| *one == operation).count();
            assert_eq!(sent, 1, "{about}");
            proxy.stop();
        }
    }
    assert!(world.table().await == before);
}

/// The outcome is unknown; with a key the client can repeat the request.
#[tokio::test]
async fn a_key_replays_a_write_reported_as_unavailable() {
    let (world, proxy) = Faults::world(in_a_hurry()).await;
    for write in writes(&world).await {
        if write.method != Method::POST {
            continue;
        }
        let send = || {
            let request = write.actor.request(Method::POST, &write.path);
            let request = request.header("idempotency-key", "k-1");
            write
                .actor
                .send(request.json(&write.body.clone().unwrap_or(json!({}))))
        };
        proxy.always(TRANSACTION, Fault::CutAfter);
        send().await.problem(503, "unavailable");
        proxy.stop();
        let done = world.table().await;
        let again = send().await.expect(write.status);
        assert_eq!(
            again.headers["idempotency-replayed"], "true",
            "{}",
            write.path
        );
        assert_eq!(world.table().await, done, "{}", write.path);
        invariants::check(&world.items().await);
    }
}

#[tokio::test]
async fn permanently_unprocessed_keys_return_throttled() {
    each_is_refused(&["BatchGetItem"], Fault::LeaveOut, 429, "throttled").await;
}

#[tokio::test]
async fn a_hanging_dynamodb_returns_unavailable_in_time() {
    let mut options = in_a_hurry();
    options.configure_client = Some(Arc::new(|config| {
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_millis(500))
            .operation_timeout(Duration::from_secs(1));
        config.timeout_config(timeouts.build())
    }));
    let (world, proxy) = Faults::world(options).await;
    let writes = writes(&world).await;
    for operation in ALL {
        let write = writes.iter().find(|write| write.calls(operation)).unwrap();
        proxy.always(operation, Fault::Delay(2 * BOUNDED));
        let started = Instant::now();
        let reply = write.send().await.problem(503, "unavailable");
        assert!(started.elapsed() < BOUNDED);
        assert_nothing_internal(&reply);
        proxy.stop();
    }
    invariants::check(&world.items().await);
}

/// With the waits of the deployed functions: within their 10 s.
#[tokio::test]
async fn retries_end_before_the_function_times_out() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    proxy.always("BatchGetItem", Fault::Delay(2 * BOUNDED));
    let started = Instant::now();
    ada.get(&format!("/organizations/{id}"))
        .await
        .problem(503, "unavailable");
    assert!(started.elapsed() < BOUNDED);
}

#[tokio::test]
async fn an_unreadable_row_returns_500_and_shows_nothing() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let emperor = || AttributeValue::S("emperor".to_owned());
    let organization = format!("/organizations/{id}");
    let partition = format!("TENANT#{ACME}#USER#ada");
    let before = ada.get("/users/me").await.expect(200);

    world
        .tamper(&partition, &format!("ORG#{id}"), "role", emperor())
        .await;
    let replies = [
        ada.get(&organization).await,
        ada.patch(&organization, json!({"name": "New"})).await,
        ada.get(&format!("{organization}/members")).await,
        ada.get("/users/me/organizations").await,
    ];
    for reply in replies {
        assert_nothing_internal(&reply.problem(500, "internal"));
    }

    world.tamper(&partition, "USER", "email", emperor()).await;
    assert_nothing_internal(&ada.get("/users/me").await.problem(500, "internal"));
    let pk = format!("TENANT#{ACME}#ORG#{id}");
    world.tamper(&pk, "ORG", "metadata", emperor()).await;
    let root = world.tenant_admin();
    assert_nothing_internal(&root.get(&organization).await.problem(500, "internal"));
    assert_nothing_internal(&root.get("/organizations").await.problem(500, "internal"));
    assert_eq!(before.status, 200);
}
