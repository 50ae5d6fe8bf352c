//! Tests of lists of events and their pages.

use super::*;
use crate::domain::{ExpectedVersion, UserPatch};
use crate::store::fake::Fake;
use crate::store::samples::{organization_id, request_of_admin, tenant, user};
use crate::store::table::{CALL_TIMEOUT, RETRY_BUDGET};

#[test]
fn the_settle_time_exceeds_the_longest_commit() {
    let clocks_and_index = Duration::from_secs(50);
    let longest_commit = RETRY_BUDGET + CALL_TIMEOUT;
    assert!(longest_commit + clocks_and_index < SETTLE_TIME);
}

#[test]
fn a_list_with_a_filter_reads_more_events_than_a_page_has() {
    let all = EventFilter::default();
    assert_eq!(all.limit_to_read(20, 500), 20);
    for filter in [
        EventFilter {
            types: vec!["team.*".parse().unwrap()],
            ..EventFilter::default()
        },
        EventFilter {
            actor_id: Some("ada".to_owned()),
            ..EventFilter::default()
        },
        EventFilter {
            user_id: Some(user("ada")),
            ..EventFilter::default()
        },
    ] {
        assert_eq!(filter.limit_to_read(20, 500), 500, "{filter:?}");
        assert_eq!(filter.limit_to_read(600, 500), 600, "{filter:?}");
    }
}

#[tokio::test]
async fn a_page_of_a_tenant_reads_half_as_many_events_again() {
    let fake = Fake::default();
    let (store, cx) = (fake.store(), request_of_admin());
    for limit in [1, 20, 100] {
        let before = fake.calls("Query").len();
        let filter = EventFilter::default();
        let page = store.tenant_events(&cx, &filter, None, limit).await;
        page.unwrap();
        let queries = fake.calls("Query").split_off(before);
        assert_eq!(queries.len(), usize::from(PARTITIONS));
        let read = queries.iter().map(|query| query["Limit"].as_u64().unwrap());
        let (read, most) = (read.sum::<u64>(), 3 * u64::from(PARTITIONS));
        let enough = u64::try_from(limit).unwrap() * 3 / 2;
        assert!((enough..=enough + most).contains(&read), "{limit}: {read}");
    }
}

#[tokio::test]
async fn a_page_with_a_filter_reads_more_of_each_partition() {
    let fake = Fake::default();
    let (store, cx) = (fake.store(), request_of_admin());
    let filter = EventFilter {
        actor_id: Some("ada".to_owned()),
        ..EventFilter::default()
    };
    let page = store.tenant_events(&cx, &filter, None, 20).await;
    page.unwrap();
    let queries = fake.calls("Query");
    assert_eq!(queries.len(), usize::from(PARTITIONS));
    for query in queries {
        assert_eq!(query["Limit"], SIFTED / usize::from(PARTITIONS));
    }
}

#[tokio::test]
async fn members_are_counted_by_their_events_from_the_oldest_on() {
    let fake = Fake::default();
    let first = EventId::first_at(Timestamp::EPOCH);
    let (store, tenant, organization) = (fake.store(), tenant(), organization_id());
    let events = store.membership_events(&tenant, &organization, first);
    assert!(events.await.unwrap().is_empty());
    let queries = fake.calls("Query");
    assert_eq!(queries.len(), usize::from(PARTITIONS));
    for query in queries {
        let types = &query["ExpressionAttributeValues"][":type0"]["S"];
        assert_eq!(types, "membership.");
        assert_eq!(query["ScanIndexForward"], true);
    }
}

/// Returns the events of `count` changes.
async fn events(count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for number in 0..count {
        let fake = Fake::default();
        let (store, cx) = (fake.store(), request_of_admin());
        let id = user(&format!("u{number}"));
        let patch = UserPatch::default();
        let registered = store.register_user(&cx, &id, &patch, &ExpectedVersion::ANY);
        registered.await.unwrap();
        events.extend(fake.last_events());
    }
    events
}

#[tokio::test]
async fn a_full_page_of_the_last_events_has_no_next_one() {
    let filter = EventFilter::default();
    for (count, is_last) in [(1, true), (2, true), (3, false)] {
        let found = FoundEvents {
            events: events(count).await,
            read_up_to: None,
        };
        let page = filter.page(vec![found], None, 2);
        assert_eq!(page.items.len(), count.min(2));
        assert_eq!(page.next.is_none(), is_last, "{count}");
    }
}

#[test]
fn an_unknown_order_is_refused_with_the_known_ones() {
    let refused = "latest".parse::<EventOrder>().unwrap_err();
    assert_eq!(refused.to_string(), "must be newest or oldest");
}
