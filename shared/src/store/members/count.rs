//! The number of active members of an organization, counted from its events.
//!
//! Events arrive late, in any order, and more than once. Each counted event leaves a mark in the transaction that
//! counts it, on the condition that there is none, so that it counts exactly once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::domain::{Event, EventId, OrganizationId, Status, TenantId};
use crate::store::keys::{self, GSI1, Key, USER_PREFIX};
use crate::store::rows::organizations;
use crate::store::table::{Condition, Item, ItemChange, Query, number, text, text_of};
use crate::store::{Error, SETTLE_TIME, Store, table};

/// Attribute: the number of active members. Below zero while the event of a removal was counted before others.
const MEMBER_COUNT: &str = "member_count";
/// Attribute: the id of the first event to count. What happened before is in the number already. Absent if all events
/// of the organization count.
const COUNTED_FROM: &str = "counted_from";

/// How long the mark of a counted event is kept: twice as long as a stream keeps a record.
const MARK_RETENTION: Duration = Duration::from_hours(48);
/// Number of events that one transaction counts. DynamoDB takes 100 actions.
const EVENTS_AT_ONCE: usize = 90;

/// The changes of the number, by event.
type Changes = BTreeMap<EventId, i32>;

/// Labels of the actions in a transaction that counts.
#[derive(Clone, Copy, Debug, PartialEq)]
enum MemberCountAction {
    Count,
    Mark(EventId),
}

/// Returns the number in an item. `None` until the members have been counted.
pub(in crate::store) fn member_count(item: Option<&Item>) -> Result<Option<u64>, table::Error> {
    let Some(count) = item.and_then(|item| item.get(MEMBER_COUNT)) else {
        return Ok(None);
    };
    let count = count.as_n().ok().and_then(|count| count.parse().ok());
    let count: i64 = count.ok_or_else(|| table::Error::unreadable("member_count is no number"))?;
    Ok(Some(u64::try_from(count).unwrap_or_default()))
}

impl Store {
    /// Counts events of an organization: each one once, however often it is passed. For a function behind the stream.
    pub async fn count_members(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
        events: &[&Event],
    ) -> Result<(), Error> {
        let changes = events
            .iter()
            .map(|event| (event.id, event.active_members()));
        let changes: Vec<_> = changes.filter(|(_, change)| *change != 0).collect();
        for changes in changes.chunks(EVENTS_AT_ONCE) {
            let changes = changes.iter().copied().collect();
            self.count_changes(tenant, organization, changes).await?;
        }
        Ok(())
    }

    async fn count_changes(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
        mut left: Changes,
    ) -> Result<(), Error> {
        let key = keys::member_count(tenant, organization);
        let mut is_first = false;
        // Each round learns of marks, or of the number, so there is a last one.
        while let Some((first, _)) = left.first_key_value() {
            let mut transaction = self.unrecorded();
            let change = ItemChange::new().add(MEMBER_COUNT, left.values().sum());
            let condition = if is_first {
                Condition::absent()
            } else {
                counts_from(*first)
            };
            transaction.update(MemberCountAction::Count, &key, change, condition);
            for event in left.keys() {
                let mark = self.mark(tenant, organization, *event);
                transaction.put(MemberCountAction::Mark(*event), mark, Condition::absent());
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(());
            };
            left.retain(|event, _| unmet.of(&MemberCountAction::Mark(*event)).is_none());
            match unmet.of(&MemberCountAction::Count) {
                None => {}
                Some(Some(item)) if item.contains_key(MEMBER_COUNT) => {
                    is_first = false;
                    let from = item.get(COUNTED_FROM).and_then(|from| from.as_s().ok());
                    left.retain(|event, _| from.is_none_or(|from| event.to_string() >= *from));
                }
                Some(None) if self.counts_from_start(tenant, organization).await? => {
                    is_first = true;
                }
                Some(_) => {
                    is_first = false;
                    self.start_count(tenant, organization).await?;
                }
            }
        }
        Ok(())
    }

    /// Returns the mark of a counted event.
    fn mark(&self, tenant: &TenantId, organization: &OrganizationId, event: EventId) -> Item {
        let key = keys::counted_event(tenant, organization, event);
        let mut mark = key.attributes();
        let expires_at = self.clock.now().after(MARK_RETENTION).as_second();
        mark.insert("expires_at".to_owned(), number(expires_at));
        mark
    }

    /// Returns whether all members of an organization have events, because it was created by a release that records
    /// them.
    async fn counts_from_start(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
    ) -> Result<bool, table::Error> {
        let organization = keys::organization(tenant, organization);
        let item = self.table.get(&organization).await?;
        Ok(item.is_some_and(|item| item.contains_key(organizations::COUNTS_FROM_START)))
    }

    /// Counts the members in the index, unless they have been counted. The number is that of one minute ago, together
    /// with later events that were counted before.
    async fn start_count(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let from = EventId::first_at(self.clock.now().before(SETTLE_TIME));
        let mut active = self.active_members(tenant, organization).await?;
        // After the members, strongly consistent: what the index may have or not have is among these events.
        let events = self.membership_events(tenant, organization, from).await?;
        let marks = events
            .iter()
            .map(|event| keys::counted_event(tenant, organization, event.id));
        let marks: Vec<Key> = marks.collect();
        let counted = self
            .table
            .get_all(&marks.iter().collect::<Vec<_>>())
            .await?;

        let mut changed = HashSet::new();
        let mut later = 0;
        for (event, mark) in events.iter().zip(&marks) {
            let change = event.active_members();
            let Some(user) = event.users().next().filter(|_| change != 0) else {
                continue;
            };
            // The first change says what was before.
            if changed.insert(user) {
                if change.is_negative() {
                    active.insert(user.to_owned());
                } else {
                    active.remove(user);
                }
            }
            if counted.contains_key(mark) {
                later += change;
            }
        }
        let count = i128::try_from(active.len()).map_err(table::Error::defect)? + i128::from(later);
        let change = ItemChange::new()
            .set(MEMBER_COUNT, number(count))
            .set(COUNTED_FROM, text(from.to_string()));
        let uncounted = Condition::new("attribute_not_exists(#member_count)");
        let key = keys::member_count(tenant, organization);
        self.table.update(&key, change, uncounted).await?;
        Ok(())
    }

    /// Returns the ids of the active members, as the index has them.
    async fn active_members(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
    ) -> Result<HashSet<String>, Error> {
        let partition = keys::organization_partition(tenant, organization);
        let mut users = HashSet::new();
        let mut after = None;
        loop {
            let active = Condition::new("#status = :active");
            let page = self
                .table
                .query(
                    Query::in_partition(Some(GSI1), partition.clone(), USER_PREFIX)
                        .filter(Some(active.value(":active", text(Status::Active.as_str()))))
                        .after(after),
                )
                .await?;
            for item in &page.items {
                users.insert(text_of(item, "user_id")?.to_owned());
            }
            let Some(place) = page.next else {
                return Ok(users);
            };
            let user = keys::member_at(&place);
            let user = user.ok_or_else(|| table::Error::defect("a member without a user"))?;
            let mut key = keys::membership(tenant, &user, organization).attributes();
            key.extend(Key::new(partition.clone(), place).attributes_of(GSI1));
            after = Some(key);
        }
    }
}

/// Returns the condition that the members have been counted, and that the number lacks this event and all later ones.
fn counts_from(first: EventId) -> Condition {
    Condition::new(
        "attribute_exists(#member_count) AND (attribute_not_exists(#counted_from) OR #counted_from <= :first)",
    )
    .value(":first", text(first.to_string()))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::Timestamp;
    use crate::store::fake::{Fake, RecordedAction};
    use crate::store::samples::{now, organization_id, organization_row, tenant};

    #[tokio::test]
    async fn an_event_from_before_the_members_were_counted_does_not_count() {
        let (tenant, organization) = (tenant(), organization_id());
        let [before, first, after] = [Timestamp::EPOCH, now(), now().after(MARK_RETENTION)]
            .map(|at| EventId::new(at, Uuid::nil(), 0));
        let key = keys::member_count(&tenant, &organization);
        let counted = Item::from([
            (MEMBER_COUNT.to_owned(), number(7)),
            (COUNTED_FROM.to_owned(), text(first.to_string())),
        ]);
        let fake = Fake::default().unmet(key.clone(), Some(counted));
        let changes = Changes::from([(before, 1), (first, 1), (after, 1)]);
        let store = fake.store();
        let counted = store.count_changes(&tenant, &organization, changes);
        counted.await.unwrap();
        let write = fake.last_write_of(&key).unwrap();
        assert_eq!(write.value(MEMBER_COUNT), Some("2"));
        let is_marked = |event| fake.has(&keys::counted_event(&tenant, &organization, event));
        assert!(is_marked(first) && is_marked(after) && !is_marked(before));
    }

    #[tokio::test]
    async fn a_new_organization_is_counted_without_reading_its_members() {
        let (tenant, organization) = (tenant(), organization_id());
        let key = keys::member_count(&tenant, &organization);
        for (row, is_read) in [(organization_row(), false), (old_organization_row(), true)] {
            let fake = Fake::with([row]).unmet(key.clone(), None);
            let changes = Changes::from([(EventId::new(now(), Uuid::nil(), 0), 1)]);
            let store = fake.store();
            let counted = store.count_changes(&tenant, &organization, changes);
            counted.await.unwrap();
            assert_eq!(!fake.calls("Query").is_empty(), is_read);
            let writes = fake.writes();
            let of_count = writes.iter().flatten().filter(|action| action.key == key);
            let conditions: Vec<_> = of_count.map(RecordedAction::condition).collect();
            let is_first = conditions.contains(&"attribute_not_exists(#pk)");
            assert_eq!(is_first, !is_read, "{conditions:?}");
        }
    }

    /// Of a release that recorded no events of members.
    fn old_organization_row() -> Item {
        let mut row = organization_row();
        row.remove(organizations::COUNTS_FROM_START);
        row
    }
}
