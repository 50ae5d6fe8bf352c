//! Tests of the writes to endpoints and deliveries.

use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::domain::{Delivery, DeliveryStatus, EventId};
use crate::store::IdempotentOutcome;
use crate::store::fake::Fake;
use crate::store::samples::{now, request_of_admin, tenant, user, with_key};

fn endpoint(event_types: &[&str]) -> WebhookEndpoint {
    let patterns = event_types.iter().map(|it| it.parse().unwrap());
    WebhookEndpoint {
        id: WebhookEndpointId::parse("e").unwrap(),
        tenant_id: tenant(),
        organization_id: None,
        url: "https://hooks.acme.example/muster".parse().unwrap(),
        description: None,
        event_types: patterns.collect::<Vec<_>>().try_into().unwrap(),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        last_success_at: None,
        last_failure_at: None,
        failing_since: None,
        version: 4,
        created_by: user("root"),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

fn delivery() -> Delivery {
    Delivery {
        id: EventId::new(Timestamp::EPOCH, Uuid::nil(), 0),
        endpoint_id: endpoint(&["*"]).id,
        event_type: "team.created".to_owned(),
        status: DeliveryStatus::Failed,
        attempts: 8,
        last_attempt_at: Timestamp::EPOCH,
        response_status: Some(500),
        error: None,
        duration_ms: 5,
        next_attempt_at: None,
    }
}

#[tokio::test]
async fn a_delivery_on_the_queue_again_waits_for_its_next_attempt() {
    let fake = Fake::default();
    let (store, cx) = (fake.store(), with_key(request_of_admin()));
    assert!(store.first_webhook_retry(&cx).await.unwrap().is_none());
    let retry = store.record_webhook_retry(&cx, delivery()).await.unwrap();
    let waiting = Delivery {
        status: DeliveryStatus::Pending,
        next_attempt_at: Some(now()),
        ..delivery()
    };
    assert_eq!(retry, IdempotentOutcome::Fresh(waiting.clone()));
    let first = store.first_webhook_retry(&cx).await.unwrap();
    assert_eq!(first, Some(IdempotentOutcome::Replayed(waiting)));
}

#[tokio::test]
async fn a_delivery_of_an_endpoint_that_gets_no_more_messages_fails() {
    let fake = Fake::default();
    let one = delivery();
    let (store, tenant) = (fake.store(), tenant());
    let dropped = store.drop_delivery(&tenant, &one.endpoint_id, one.id);
    dropped.await.unwrap();
    let key = keys::webhook_delivery(&tenant, &one.endpoint_id, one.id);
    let write = fake.last_write_of(&key).unwrap();
    assert_eq!(write.value("status"), Some("failed"));
    assert_eq!(write.condition(), "#status = :pending");
}

#[tokio::test]
async fn a_replay_reads_only_what_the_endpoint_receives() {
    let (from, to) = (now().before(Duration::from_hours(1)), now());
    for (event_types, is_filtered) in [
        (&["team.*", "membership.added"][..], true),
        (&["*"][..], false),
        (&["team.*", "*"][..], false),
    ] {
        let one = endpoint(event_types);
        let fake = Fake::with([to_row(&one).unwrap()]);
        let (store, cx) = (fake.store(), request_of_admin());
        let events = store.webhook_events_to_replay(&cx, &one.id, from, to, None);
        events.await.unwrap();
        let queries = fake.calls("Query");
        assert!(!queries.is_empty());
        for query in queries {
            assert_eq!(query["FilterExpression"].is_string(), is_filtered);
            let value = |name: &str| query["ExpressionAttributeValues"][name]["S"].clone();
            let last = EventId::first_at(to).previous();
            assert_eq!(value(":first"), EventId::first_at(from).to_string());
            assert_eq!(value(":last"), last.to_string());
        }
    }
}

#[tokio::test]
async fn an_endpoint_is_disabled_by_the_delivery_of_a_message() {
    let one = endpoint(&["*"]);
    let fake = Fake::with([to_row(&one).unwrap()]);
    let (store, reason) = (fake.store(), DisabledReason::Gone);
    let disabled = store.disable_webhook_endpoint(&one, reason, "r1");
    assert!(disabled.await.unwrap());
    let events = fake.last_events();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].context.request_id, "r1");
    assert_eq!(events[0].context.operation, "deliverWebhook");
}

#[tokio::test]
async fn each_call_that_times_out_holds_messages_back_for_longer() {
    for (timeouts, seconds) in [(0, 30), (1, 60), (3, 240), (5, 900), (9, 900)] {
        let signing = SigningEndpoint {
            endpoint: endpoint(&["*"]),
            secrets: Vec::new(),
            held_until: None,
            timeouts,
        };
        let fake = Fake::default();
        let held = fake.store();
        let held = held.webhook_timed_out(&signing, now());
        held.await.unwrap();
        let key = keys::webhook_endpoint(&tenant(), &signing.endpoint.id);
        let write = fake.last_write_of(&key).unwrap();
        let until = now().after(Duration::from_secs(seconds)).to_string();
        assert_eq!(write.value("held_until"), Some(&*until));
        assert_eq!(write.value("timeouts"), Some("1"));
    }
}

#[tokio::test]
async fn a_success_is_recorded_once_a_minute_and_after_failures() {
    let fresh = Some(now());
    for (last_success_at, failing_since, timeouts, is_recorded) in [
        (fresh, None, 0, false),
        (fresh, fresh, 0, true),
        (fresh, None, 2, true),
        (Some(Timestamp::EPOCH), None, 0, true),
        (None, None, 0, true),
    ] {
        let signing = SigningEndpoint {
            endpoint: WebhookEndpoint {
                last_success_at,
                failing_since,
                ..endpoint(&["*"])
            },
            secrets: Vec::new(),
            held_until: None,
            timeouts,
        };
        let fake = Fake::default();
        let recorded = fake.store();
        let recorded = recorded.webhook_succeeded(&signing, now());
        recorded.await.unwrap();
        let case = (last_success_at, failing_since, timeouts);
        assert_eq!(!fake.writes().is_empty(), is_recorded, "{case:?}");
    }
}

#[tokio::test]
async fn the_last_page_of_deliveries_has_no_next_one() {
    let one = endpoint(&["*"]);
    let fake = Fake::with([to_row(&one).unwrap()]);
    let (store, cx) = (fake.store(), request_of_admin());
    for number in 1..=3 {
        let id = EventId::new(Timestamp::EPOCH, Uuid::from_u128(number), 0);
        let delivery = Delivery { id, ..delivery() };
        store.record_webhook_retry(&cx, delivery).await.unwrap();
    }
    let pending = Some(DeliveryStatus::Pending);
    for (limit, count, is_last) in [(2, 2, false), (3, 3, true), (4, 3, true)] {
        let page = store.webhook_deliveries(&cx, &one.id, pending, None, limit);
        let page = Box::pin(page).await.unwrap();
        assert_eq!(page.items.len(), count);
        assert_eq!(page.next.is_none(), is_last, "{limit}");
    }
}
