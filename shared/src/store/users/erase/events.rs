//! Removing the personal details of a user from events.

use futures_util::future::try_join_all;

use super::{ERASED_EVENTS, Removal};
use crate::domain::{EventId, TenantId, Timestamp, UserId};
use crate::store::events::{PARTITIONS, without_user};
use crate::store::keys::{self, Key};
use crate::store::rows::users::is_erasing;
use crate::store::table::{Condition, Item, ItemChange, Query, key_of, text, text_of};
use crate::store::{Error, Store, table};

/// Number of events that are changed at the same time.
const AT_ONCE: usize = 16;

impl Store {
    /// Removes the personal details of a user from the events of the tenant: a page of every partition at a time. Saves
    /// what is done after each, so that a repeated call continues there.
    pub(super) async fn erase_events(
        &self,
        removal: &Removal<'_>,
        profile: &Item,
    ) -> Result<(), Error> {
        let (tenant, user) = (removal.tenant, removal.user);
        let mut places: Vec<Option<String>> = match profile.get(ERASED_EVENTS) {
            None => vec![Some(String::new()); usize::from(PARTITIONS)],
            Some(_) => serde_json::from_str(text_of(profile, ERASED_EVENTS)?)
                .map_err(table::Error::unreadable)?,
        };
        while places.iter().any(Option::is_some) {
            let pages = (0..PARTITIONS).zip(&places).filter_map(|(digit, place)| {
                let place = place.as_ref()?;
                let partition = keys::events_partition(tenant, digit);
                Some(self.erase_page(user, partition, place))
            });
            let mut reached = try_join_all(pages).await?.into_iter();
            for place in places.iter_mut().filter(|place| place.is_some()) {
                *place = reached.next().flatten();
            }
            if places.iter().all(Option::is_none) {
                break;
            }
            let saved = serde_json::to_string(&places).map_err(table::Error::defect)?;
            let change = ItemChange::new().set(ERASED_EVENTS, text(saved));
            self.table
                .update(&keys::user(tenant, user), change, is_erasing())
                .await?;
        }
        Ok(())
    }

    /// Removes the personal details of a user from the events of a page. Returns the last event read, unless it was the
    /// last page.
    async fn erase_page(
        &self,
        user: &UserId,
        partition: String,
        place: &str,
    ) -> Result<Option<String>, Error> {
        let after = (!place.is_empty()).then(|| Key::new(partition.clone(), place).attributes());
        let about = Condition::new(
            "attribute_exists(#personal) AND (#actor_id = :user OR contains(#user_ids, :user))",
        );
        let page = self
            .table
            .query(
                Query::in_partition(None, partition, "")
                    .filter(Some(about.value(":user", text(user.as_str()))))
                    .after(after),
            )
            .await?;
        for items in page.items.chunks(AT_ONCE) {
            let writes = items.iter().map(|item| self.erase_event(user, item));
            try_join_all(writes).await?;
        }
        Ok(page.next)
    }

    /// Removes the personal details of a user from one event. It is the only change of an event.
    async fn erase_event(&self, user: &UserId, item: &Item) -> Result<(), Error> {
        let key = key_of(item)?;
        let mut found = item.clone();
        // An event without personal details has none of this user, and one that is gone neither.
        while found.contains_key("personal") {
            let personal = text_of(&found, "personal")?;
            let is_actor = found.get("actor_id") == Some(&text(user.as_str()));
            let Some(left) = without_user(personal, user, is_actor)? else {
                return Ok(());
            };
            let change = match left {
                Some(left) => ItemChange::new().set("personal", text(left)),
                None => ItemChange::new().remove("personal"),
            };
            let as_read = Condition::new("#personal = :read").value(":read", text(personal));
            if self.table.update(&key, change, as_read).await? {
                return Ok(());
            }
            // Another user whom the event names is erased at the same time.
            found = self.table.get(&key).await?.unwrap_or_default();
        }
        Ok(())
    }

    /// Removes the personal details of a user who has been erased from the events since a time: a login that was under way
    /// writes events after the erasure has read the log. Does nothing for a user who is known. For a function that follows
    /// the stream; it acts without a caller.
    pub async fn erase_late_events(
        &self,
        tenant: &TenantId,
        user: &UserId,
        since: Timestamp,
    ) -> Result<(), Error> {
        // While the user is being erased, the log is still to be read.
        if self.table.get(&keys::user(tenant, user)).await?.is_some() {
            return Ok(());
        }
        let first = EventId::first_at(since).to_string();
        let pages = (0..PARTITIONS).map(|digit| {
            let partition = keys::events_partition(tenant, digit);
            let mut place = Some(first.clone());
            async move {
                while let Some(reached) = place {
                    place = self.erase_page(user, partition.clone(), &reached).await?;
                }
                Ok::<_, Error>(())
            }
        });
        try_join_all(pages).await?;
        Ok(())
    }
}
