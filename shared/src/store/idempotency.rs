//! Records of requests with an `Idempotency-Key`: written with the change itself, so that of two
//! requests at once one does it and both get the same answer.

use crate::store::table::{Condition, Item, Transaction, Unmet, from_item, number, to_item};
use crate::store::{Error, Refusal};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::access::View;
use super::keys::{self, Key};
use super::{Done, Store};
use crate::domain::{TenantId, Timestamp, UserId};

/// How long a first answer is kept: the contract says at least 24 hours.
const KEPT: Duration = Duration::from_hours(25);

/// A request that is to be done once.
#[derive(Clone, Debug)]
pub struct Once {
    key: Key,
    fingerprint: String,
    now: Timestamp,
}

/// The answer that the first request of its key got, as its maker wrote it down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstAnswer(pub String);

#[derive(Serialize, Deserialize)]
struct Row {
    fingerprint: String,
    answer: String,
    expires_at: i64,
}

impl Once {
    /// The request of this caller to this route with this key. The fingerprint tells its content
    /// from that of another request with the same key.
    pub fn new(
        (tenant, caller): (&TenantId, &UserId),
        route: &str,
        key: &str,
        fingerprint: String,
        now: Timestamp,
    ) -> Self {
        Self {
            key: keys::idempotency(tenant, caller, route, key),
            fingerprint,
            now,
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.key
    }

    /// Adds the record to the transaction, on the condition that there is none (that still counts).
    pub(super) fn record<L: Copy + PartialEq>(
        &self,
        transaction: &mut Transaction<'_, L>,
        label: L,
        answer: &FirstAnswer,
    ) -> Result<(), Error> {
        let row = Row {
            fingerprint: self.fingerprint.clone(),
            answer: answer.0.clone(),
            expires_at: self.now.after(KEPT).as_second(),
        };
        let item = to_item(&row, [self.key.attributes(), Item::new()])?;
        let condition = Condition::new("attribute_not_exists(#pk) OR #expires_at <= :now")
            .value(":now", number(self.now.as_second()));
        transaction.put(label, item, condition);
        Ok(())
    }

    /// The first answer, if the record was in the way of the transaction.
    pub(super) fn first_answer<L: PartialEq>(
        &self,
        unmet: &Unmet<L>,
        label: &L,
    ) -> Result<Option<FirstAnswer>, Error> {
        match unmet.of(label) {
            Some(Some(item)) => self.answer_in(item.clone()),
            _ => Ok(None),
        }
    }

    /// The first answer in a record that was found; refused when it is another request's.
    pub(super) fn answer_in(&self, item: Item) -> Result<Option<FirstAnswer>, Error> {
        let row: Row = from_item(item)?;
        if row.expires_at <= self.now.as_second() {
            return Ok(None);
        }
        if row.fingerprint != self.fingerprint {
            return Err(Refusal::IdempotencyMismatch.into());
        }
        Ok(Some(FirstAnswer(row.answer)))
    }
}

/// The first answer to the request, if its record is among what was read.
pub(super) fn found(once: Option<&Once>, view: &View) -> Result<Option<FirstAnswer>, Error> {
    let Some(once) = once else {
        return Ok(None);
    };
    match view.item(&once.key) {
        Some(item) => once.answer_in(item.clone()),
        None => Ok(None),
    }
}

/// Answers a request that had nothing to change, and keeps the answer: on the conditions that `hold` adds, which
/// are that all is still as it was read. `None` when it is not, and is to be read anew: of two requests with
/// one key at once, no other may have been answered from what came after.
pub(super) async fn unchanged<T, L: Copy + PartialEq>(
    store: &Store,
    (once, label): (Option<&Once>, L),
    hold: impl FnOnce(&mut Transaction<'_, L>),
    value: T,
    answer: impl Fn(&T) -> FirstAnswer,
) -> Result<Option<Done<T>>, Error> {
    let Some(once) = once else {
        return Ok(Some(Done::Now(value)));
    };
    let mut transaction = store.transaction();
    hold(&mut transaction);
    once.record(&mut transaction, label, &answer(&value))?;
    let Err(unmet) = transaction.commit().await? else {
        return Ok(Some(Done::Now(value)));
    };
    Ok(once.first_answer(&unmet, &label)?.map(Done::Before))
}
