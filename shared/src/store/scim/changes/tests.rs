//! Recorded changes that others record or replace meanwhile.

use uuid::Uuid;

use super::*;
use crate::store::fake::Fake;
use crate::store::samples::{now, request_of_admin, scim_scope as scope};
use crate::store::scim::records::settings_row;

#[tokio::test]
async fn records_are_read_from_the_start_until_none_is_left() {
    let fake = Fake::with([settings_row(&scope(), "c").unwrap()]);
    let (store, origin, scope) = (fake.store(), request_of_admin().origin, scope());
    let finished = store.finish_scim_changes(&scope, &origin).await.unwrap();
    assert!(finished.failures.is_empty());
    let partition = keys::scim_pending_partition(&scope);
    let queries = fake.calls("Query").into_iter();
    let of_records = queries.filter(|query| {
        let read = &query["ExpressionAttributeValues"][":pk"]["S"];
        *read == *partition
    });
    let from_start = of_records.map(|query| query["ExclusiveStartKey"].is_null());
    assert_eq!(from_start.collect::<Vec<_>>(), [true, false, true]);
}

#[tokio::test]
async fn a_batch_of_a_replaced_change_is_not_carried_out() {
    let group: GroupId = Uuid::from_u128(1).into();
    for (work, change, is_over) in [
        (Work::Members, "own", false),
        (Work::Members, "other", true),
        (Work::Gone, "own", true),
        (Work::Gone, "other", true),
    ] {
        let record = PendingRow::new(group.as_str(), work, change);
        let fake = Fake::with([record.to_item(&scope()).unwrap()]);
        let store = fake.store();
        let batch = store.batch(&scope(), &group, "own", &[], now()).await;
        let batch = batch.unwrap_or(Batch::Done(Vec::new()));
        assert_eq!(matches!(batch, Batch::Over), is_over, "{work:?} {change}");
        assert_eq!(matches!(batch, Batch::AllDone { .. }), !is_over);
    }
}
