//! Records of requests with an `Idempotency-Key`. A record is written together with the change, so of two
//! concurrent requests one makes the change and both return its result.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::access::View;
use super::keys::{self, Key};
use super::table::{self, Condition, Item, Transaction, Unmet, from_item, number, text, to_item};
use super::{Added, Context, Error, Refusal, Store};
use crate::domain::{TenantId, Timestamp, UserId};
use crate::store::rows::Recorded;

/// How long a record is kept. The API contract promises at least 24 hours.
const KEPT: Duration = Duration::from_hours(25);

/// Result of a write that may have an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq)]
pub enum IdempotentOutcome<T> {
    /// This request made the change.
    Fresh(T),
    /// An earlier request with the same key made the change. Holds the value at that time.
    Replayed(T),
    /// Like `Replayed`, from a record of the last release, which kept the HTTP response as JSON.
    ReplayedAnswer(String),
}

impl<M: Recorded> Recorded for Added<M> {
    type Row = Added<M::Row>;

    fn to_recorded(&self) -> Self::Row {
        match self {
            Self::New(value) => Added::New(value.to_recorded()),
            Self::Already(value) => Added::Already(value.to_recorded()),
        }
    }

    fn from_recorded(row: Self::Row) -> Result<Self, table::Error> {
        Ok(match row {
            Added::New(row) => Self::New(M::from_recorded(row)?),
            Added::Already(row) => Self::Already(M::from_recorded(row)?),
        })
    }
}

/// The record of one request.
#[derive(Clone, Debug)]
pub(super) struct IdempotencyRecord {
    key: Key,
    fingerprint: String,
    now: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct RecordRow {
    fingerprint: String,
    /// The value as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// The HTTP response as JSON, in records of the last release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    expires_at: i64,
}

impl Context {
    /// Returns the record of the request, if it has an `Idempotency-Key`.
    pub(super) fn record(&self) -> Option<IdempotencyRecord> {
        self.record_at(keys::idempotency)
    }

    /// Like [`Context::record`], for a request whose result is a secret. The record is protected like the secret.
    pub(super) fn record_of_secret(&self) -> Option<IdempotencyRecord> {
        self.record_at(keys::idempotency_of_secret)
    }

    fn record_at(
        &self,
        place: fn(&TenantId, &UserId, &str, &str) -> Key,
    ) -> Option<IdempotencyRecord> {
        let key = self.idempotency_key.as_ref()?;
        let (tenant, user) = (&self.caller.tenant_id, &self.caller.user_id);
        Some(IdempotencyRecord {
            key: place(tenant, user, &key.route, &key.key),
            fingerprint: key.fingerprint.clone(),
            now: self.now,
        })
    }
}

impl IdempotencyRecord {
    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Adds the record to the transaction, on the condition that no unexpired record exists.
    pub(super) fn write<L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<'_, L>,
        label: L,
        value: &impl Recorded,
    ) -> Result<(), Error> {
        let item = self.item(value_of(value)?)?;
        let condition = Condition::new("attribute_not_exists(#pk) OR #expires_at <= :now")
            .value(":now", number(self.now.as_second()));
        transaction.put(label, item, condition);
        Ok(())
    }

    /// Adds the final value of the record to the transaction, on the condition that it has the first value.
    pub(super) fn complete<T: Recorded, L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<'_, L>,
        label: L,
        first: &T,
        value: &T,
    ) -> Result<(), Error> {
        let condition = Condition::new("#fingerprint = :fingerprint AND #value = :first")
            .value(":fingerprint", text(self.fingerprint.clone()))
            .value(":first", text(value_of(first)?));
        transaction.put(label, self.item(value_of(value)?)?, condition);
        Ok(())
    }

    fn item(&self, value: String) -> Result<Item, table::Error> {
        let row = RecordRow {
            fingerprint: self.fingerprint.clone(),
            value: Some(value),
            answer: None,
            expires_at: self.now.after(KEPT).as_second(),
        };
        to_item(&row, [self.key.attributes(), Item::new()])
    }

    /// Returns the outcome of the earlier request whose record made the transaction fail.
    pub(super) fn replay<T: Recorded, L: PartialEq>(
        &self,
        unmet: &Unmet<L>,
        label: &L,
    ) -> Result<Option<IdempotentOutcome<T>>, Error> {
        match unmet.of(label) {
            Some(Some(item)) => self.outcome_in(item),
            _ => Ok(None),
        }
    }

    /// Returns the outcome in a record; `None` if the record has expired. Refuses if the record belongs to
    /// another request.
    fn outcome_in<T: Recorded>(&self, item: &Item) -> Result<Option<IdempotentOutcome<T>>, Error> {
        let row: RecordRow = from_item(item)?;
        if row.expires_at <= self.now.as_second() {
            return Ok(None);
        }
        if row.fingerprint != self.fingerprint {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        match (row.value, row.answer) {
            (Some(value), _) => {
                let row = serde_json::from_str(&value).map_err(table::Error::unreadable)?;
                Ok(Some(IdempotentOutcome::Replayed(T::from_recorded(row)?)))
            }
            (None, Some(answer)) => Ok(Some(IdempotentOutcome::ReplayedAnswer(answer))),
            (None, None) => Err(table::Error::defect("a record without a value").into()),
        }
    }
}

/// Returns the value as it is stored.
fn value_of(value: &impl Recorded) -> Result<String, table::Error> {
    serde_json::to_string(&value.to_recorded()).map_err(table::Error::defect)
}

impl Store {
    /// Returns the outcome of the earlier request with the same `Idempotency-Key`, if there is one. Makes one read if
    /// the request has a key.
    pub(super) async fn first_result<T: Recorded>(
        &self,
        record: Option<&IdempotencyRecord>,
    ) -> Result<Option<IdempotentOutcome<T>>, Error> {
        let Some(record) = record else {
            return Ok(None);
        };
        match self.table.get(&record.key).await? {
            Some(item) => record.outcome_in(&item),
            None => Ok(None),
        }
    }
}

/// Returns the outcome of the earlier request if its record is among the items read.
pub(super) fn found<T: Recorded>(
    record: Option<&IdempotencyRecord>,
    view: &View,
) -> Result<Option<IdempotentOutcome<T>>, Error> {
    let Some(record) = record else {
        return Ok(None);
    };
    match view.item(&record.key) {
        Some(item) => record.outcome_in(item),
        None => Ok(None),
    }
}

/// Records a request that found nothing to change, on the conditions added by `hold` that the data read is
/// unchanged. Returns `None` if it has changed. Without this check, of two concurrent requests with one key,
/// the other could have been answered from a later state.
pub(super) async fn unchanged<T: Recorded, L: Copy + PartialEq>(
    store: &Store,
    record: Option<&IdempotencyRecord>,
    label: L,
    hold: impl FnOnce(&mut Transaction<'_, L>),
    value: T,
) -> Result<Option<IdempotentOutcome<T>>, Error> {
    let Some(record) = record else {
        return Ok(Some(IdempotentOutcome::Fresh(value)));
    };
    let mut transaction = store.unrecorded();
    hold(&mut transaction);
    record.write(&mut transaction, label, &value)?;
    let Err(unmet) = transaction.commit().await? else {
        return Ok(Some(IdempotentOutcome::Fresh(value)));
    };
    record.replay(&unmet, &label)
}

/// The record's item with this value.
#[cfg(test)]
pub(super) fn item_of(record: &IdempotencyRecord, value: &impl Recorded) -> Item {
    record.item(value_of(value).unwrap()).unwrap()
}
