//! Writing an event in the transaction of its change.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{EventRow, partition_of};
use crate::domain::{Event, EventDraft, EventId, Origin, PersonalDetails, Timestamp};
use crate::store::keys::{self, GSI1, Key};
use crate::store::table::{Item, Transaction, number, text, to_item};
use crate::store::{Store, table};

impl Store {
    /// Starts the transaction of a change, with its events. Their ids and time are taken here, after everything that
    /// the change depends on has been read.
    pub(in crate::store) fn transaction<L: Copy + PartialEq>(
        &self,
        origin: &Origin,
        events: impl IntoIterator<Item = EventDraft>,
    ) -> Result<Transaction<'_, L>, table::Error> {
        let mut transaction = self.unrecorded();
        let (now, random) = (self.clock.now(), self.clock.new_id());
        for (position, draft) in (0_u8..).zip(events) {
            let id = EventId::new(now, random, position);
            let event = draft.record(id, now, origin);
            transaction.append(self.event_row(event, now)?);
        }
        Ok(transaction)
    }

    /// Starts a transaction that makes no change an event would record.
    pub(in crate::store) fn unrecorded<L: Copy + PartialEq>(&self) -> Transaction<'_, L> {
        self.table.transaction(self.clock.new_id())
    }

    /// Returns the item of an event.
    fn event_row(&self, mut event: Event, now: Timestamp) -> Result<Item, table::Error> {
        let personal = PersonalDetails::take_from(&mut event);
        let has_personal = personal != PersonalDetails::default();
        let json = |error| table::Error::defect(error);
        let row = EventRow {
            record: serde_json::to_string(&event).map_err(json)?,
            personal: has_personal
                .then(|| serde_json::to_string(&personal).map_err(json))
                .transpose()?,
        };
        let tenant = &event.tenant_id;
        let mut in_organization = Item::new();
        if let Some(organization) = &event.organization_id {
            let pk = keys::events_of_organization(tenant, organization);
            in_organization = Key::new(pk, event.id.to_string()).attributes_of(GSI1);
        }
        let key = keys::event(tenant, partition_of(event.id), event.id);
        let mut item = to_item(&row, [key.attributes(), in_organization])?;
        item.insert("type".to_owned(), text(event.event_type.as_str()));
        item.insert("actor_id".to_owned(), text(event.actor.id.clone()));
        let users: Vec<_> = event.users().map(text).collect();
        if !users.is_empty() {
            item.insert("user_ids".to_owned(), AttributeValue::L(users));
        }
        if let Some(retention) = self.event_retention {
            let expires_at = number(now.after(retention).as_second());
            item.insert("expires_at".to_owned(), expires_at);
        }
        Ok(item)
    }
}
