//! Reads that fail or are answered partially.

use std::time::Instant;

use muster_local::Options;
use serde_json::json;
use support::{Fault, Faults, Lines};

use super::{BOUNDED, assert_nothing_internal, in_a_hurry};

#[tokio::test]
async fn failed_reads_return_the_errors_of_writes() {
    let (world, proxy) = Faults::world(in_a_hurry()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let paths = [
        format!("/organizations/{id}"),
        format!("/organizations/{id}/members"),
        format!("/organizations/{id}/members/ada"),
        "/users/me/organizations".to_owned(),
        "/users/me".to_owned(),
    ];
    let faults = [
        (Fault::Throttle, 429, "throttled"),
        (Fault::Failure(500), 503, "unavailable"),
        (Fault::CutWithin, 503, "unavailable"),
    ];
    for (fault, status, code) in faults {
        for operation in ["BatchGetItem", "GetItem", "Query"] {
            let mut met = 0;
            for path in &paths {
                world.calls.take();
                proxy.always(operation, fault);
                let started = Instant::now();
                let reply = ada.get(path).await;
                assert!(started.elapsed() < BOUNDED);
                proxy.stop();
                if world.calls.operations().iter().any(|one| one == operation) {
                    met += 1;
                    let reply = reply.problem(status, code);
                    assert!(reply.headers.contains_key("retry-after"));
                    assert_nothing_internal(&reply);
                } else {
                    reply.expect(200);
                }
            }
            assert!(met > 0, "no read calls {operation}");
        }
    }
}

/// DynamoDB may answer a batch of reads partially.
#[tokio::test]
async fn unprocessed_keys_are_read_again() {
    const BATCH: &str = "BatchGetItem";
    let (options, lines) = Lines::collect(Options::default());
    let (world, proxy) = Faults::world(options).await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{organization}");
    let send = async || {
        world.calls.take();
        lines.take();
        let reply = ada.get(&path).await.expect(200);
        let line = lines.request();
        (
            reply.body,
            world.calls.operations(),
            line["Repeats"].clone(),
        )
    };
    let whole = send().await;
    assert_eq!((&whole.1, &whole.2), (&vec![BATCH.to_owned()], &json!(0)));

    // The last of the remaining keys each time.
    proxy.next(BATCH, &[Fault::LeaveOut, Fault::LeaveOut]);
    let in_parts = send().await;
    assert_eq!(proxy.stop(), 0);
    assert_eq!(in_parts, (whole.0, vec![BATCH.to_owned(); 3], json!(2)));
}
