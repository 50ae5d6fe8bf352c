//! Requests that add many items. Each item succeeds or fails alone, and the results are recorded for requests with the
//! same `Idempotency-Key`.

use serde::{Deserialize, Serialize};

use super::idempotency;
use super::table::{self, Transaction, Unmet};
use super::{Added, Context, Error, IdempotentOutcome, Refusal, Store};
use crate::domain::{IdempotencyKey, OrganizationId, Permission};
use crate::store::rows::Recorded;

/// The result of adding one item of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchResult<T> {
    /// The item.
    Added(Added<T>),
    /// The item was not added.
    Refused(RefusedItem),
}

/// An item of a batch that was not added, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedItem {
    /// The id or address as it was sent, if it was a string.
    pub name: Option<String>,
    /// The status of the error.
    pub status: u16,
    /// The code of the error.
    pub code: String,
    /// What went wrong and what to do.
    pub detail: String,
}

/// The record of a batch: its results, or `None` while they are not complete.
struct BatchRecord<T>(Option<Vec<BatchResult<T>>>);

#[derive(Serialize, Deserialize)]
enum ResultRow<R> {
    Added(Added<R>),
    Refused(RefusedItem),
}

impl<T: Recorded> Recorded for BatchRecord<T> {
    type Row = Option<Vec<ResultRow<T::Row>>>;

    fn to_recorded(&self) -> Self::Row {
        let row = |result: &BatchResult<T>| match result {
            BatchResult::Added(added) => ResultRow::Added(added.to_recorded()),
            BatchResult::Refused(refused) => ResultRow::Refused(refused.clone()),
        };
        let results = self.0.as_ref()?;
        Some(results.iter().map(row).collect())
    }

    fn from_recorded(row: Self::Row) -> Result<Self, table::Error> {
        let result = |row| match row {
            ResultRow::Added(row) => Added::from_recorded(row).map(BatchResult::Added),
            ResultRow::Refused(refused) => Ok(BatchResult::Refused(refused)),
        };
        let results = row.map(|rows| rows.into_iter().map(result).collect::<Result<_, _>>());
        Ok(Self(results.transpose()?))
    }
}

/// Returns the results in a record; `None` if they are not complete.
fn complete<T>(
    outcome: IdempotentOutcome<BatchRecord<T>>,
) -> Option<IdempotentOutcome<Vec<BatchResult<T>>>> {
    Some(match outcome {
        IdempotentOutcome::Fresh(BatchRecord(results)) => IdempotentOutcome::Fresh(results?),
        IdempotentOutcome::Replayed(BatchRecord(results)) => IdempotentOutcome::Replayed(results?),
        IdempotentOutcome::ReplayedAnswer(kept) => IdempotentOutcome::ReplayedAnswer(kept),
    })
}

/// Label of the record of a batch.
#[derive(Clone, Copy, PartialEq)]
struct OfBatch;

impl Context {
    /// Returns the context of one item of a batch. Its record shows, when the batch is repeated, that this key added
    /// the item.
    pub(super) fn of_item(&self, item: &str) -> Self {
        let key = self.idempotency_key.as_ref().map(|key| IdempotencyKey {
            route: format!("{}/{{item}}", key.route),
            // A key of a request has no blank.
            key: format!("{} {item}", key.key),
            fingerprint: key.fingerprint.clone(),
        });
        Self {
            idempotency_key: key,
            ..self.clone()
        }
    }
}

impl Store {
    /// Begins a batch that adds to an organization. Requires an owner or admin. Returns the results of the first request
    /// with the same `Idempotency-Key` if they are complete.
    ///
    /// The record of the key is put before the first item is added, so that no other batch can use the key.
    pub(super) async fn begin_batch<T: Recorded>(
        &self,
        cx: &Context,
        organization: &OrganizationId,
    ) -> Result<Option<IdempotentOutcome<Vec<BatchResult<T>>>>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let keys: Vec<_> = record.iter().map(|record| record.key()).collect();
        let view = self.view(caller, organization, &keys).await?;
        let begun = idempotency::found::<BatchRecord<T>>(record, &view)?;
        let is_begun = begun.is_some();
        if let Some(first) = begun.and_then(complete) {
            return Ok(Some(first));
        }
        view.organization(caller, organization, cx.now)?;
        view.standing(caller, organization)?
            .require(Permission::ManageMembers)?;
        let Some(record) = record.filter(|_| !is_begun) else {
            return Ok(None);
        };
        let mut transaction = self.unrecorded();
        record.write(&mut transaction, OfBatch, &BatchRecord::<T>(None))?;
        match transaction.commit().await? {
            Ok(()) => Ok(None),
            Err(unmet) => {
                let first = record.replay::<BatchRecord<T>, _>(&unmet, &OfBatch)?;
                Ok(first.and_then(complete))
            }
        }
    }

    /// Stores the results of a batch for requests with the same `Idempotency-Key`, if it has one.
    pub(super) async fn finish_batch<T: Recorded>(
        &self,
        cx: &Context,
        results: Vec<BatchResult<T>>,
    ) -> Result<IdempotentOutcome<Vec<BatchResult<T>>>, Error> {
        let Some(record) = cx.record() else {
            return Ok(IdempotentOutcome::Fresh(results));
        };
        let value = BatchRecord(Some(results));
        let mut transaction = self.unrecorded();
        record.complete(&mut transaction, OfBatch, &BatchRecord(None), &value)?;
        let first = match transaction.commit().await? {
            Ok(()) => Some(IdempotentOutcome::Fresh(value)),
            // Another request with the same key has completed it.
            Err(unmet) => record.replay(&unmet, &OfBatch)?,
        };
        let first = first.and_then(complete);
        Ok(first.ok_or(table::Error::Conflict("finish_batch"))?)
    }
}

/// An item with its place in the batch.
pub(super) type Placed<'a, T> = (usize, &'a T);

/// The result of each item of a batch, at its place.
pub(super) struct Results<T>(Vec<Option<Result<Added<T>, Refusal>>>);

/// The outcome for one item of a transaction whose conditions failed.
pub(super) enum ItemOutcome<T> {
    Settled(Box<Result<Added<T>, Refusal>>),
    /// Needs a transaction of its own.
    Alone,
    /// Its conditions held.
    Pending,
}

impl<T> ItemOutcome<T> {
    pub(super) fn settled(result: Result<Added<T>, Refusal>) -> Self {
        Self::Settled(Box::new(result))
    }
}

impl<T: Recorded + Clone> Results<T> {
    pub(super) fn of(items: &[T]) -> Self {
        Self(items.iter().map(|_| None).collect())
    }

    /// Sets the result of an item.
    pub(super) fn settle(&mut self, place: usize, result: Result<Added<T>, Refusal>) {
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some(result);
        }
    }

    /// Sets the result of an item that had a transaction of its own. Returns the errors that are of the whole batch.
    pub(super) fn settle_alone(
        &mut self,
        place: usize,
        result: Result<IdempotentOutcome<Added<T>>, Error>,
    ) -> Result<(), Error> {
        let result = match result {
            Ok(IdempotentOutcome::Fresh(added) | IdempotentOutcome::Replayed(added)) => Ok(added),
            Ok(IdempotentOutcome::ReplayedAnswer(_)) => {
                return Err(table::Error::defect("a record of no batch").into());
            }
            Err(Error::Refused(refusal)) if !is_of_batch(&refusal) => Err(refusal),
            Err(error) => return Err(error),
        };
        self.settle(place, result);
        Ok(())
    }

    /// Adds items in one transaction, and the others without those whose conditions fail. Returns those that have to be
    /// added alone.
    pub(super) async fn add_together<'a, 's, L: Copy + PartialEq>(
        &mut self,
        mut pending: Vec<Placed<'a, T>>,
        begin: impl Fn(&[Placed<'a, T>]) -> Result<Transaction<'s, L>, Error>,
        outcome_of: impl Fn(&Unmet<L>, Placed<'a, T>) -> Result<ItemOutcome<T>, Error>,
    ) -> Result<Vec<Placed<'a, T>>, Error> {
        let mut alone = Vec::new();
        while !pending.is_empty() {
            let Err(unmet) = begin(&pending)?.commit().await? else {
                for (place, item) in pending {
                    self.settle(place, Ok(Added::New(item.clone())));
                }
                break;
            };
            let mut rest = Vec::new();
            let asked = pending.len();
            for (place, item) in pending {
                match outcome_of(&unmet, (place, item))? {
                    ItemOutcome::Settled(result) => self.settle(place, *result),
                    ItemOutcome::Alone => alone.push((place, item)),
                    ItemOutcome::Pending => rest.push((place, item)),
                }
            }
            if rest.len() == asked {
                return Err(table::Error::Conflict("add_together").into());
            }
            pending = rest;
        }
        Ok(alone)
    }

    /// Returns the results, one for each item.
    pub(super) fn complete(self) -> Result<Vec<Result<Added<T>, Refusal>>, Error> {
        let results = self.0.into_iter();
        let missing = || table::Error::defect("an item of a batch without a result").into();
        results.map(|result| result.ok_or_else(missing)).collect()
    }
}

/// Returns the outcome of an item whose record made the transaction fail: an earlier request added it.
pub(super) fn replayed<T: Recorded, L: PartialEq>(
    cx: &Context,
    unmet: &Unmet<L>,
    label: &L,
) -> Result<Option<ItemOutcome<T>>, Error> {
    let Some(record) = cx.record() else {
        return Ok(None);
    };
    Ok(record.replay(unmet, label)?.map(|first| match first {
        IdempotentOutcome::Fresh(added) | IdempotentOutcome::Replayed(added) => {
            ItemOutcome::settled(Ok(added))
        }
        IdempotentOutcome::ReplayedAnswer(_) => ItemOutcome::Alone,
    }))
}

/// Whether the refusal is of the whole batch.
fn is_of_batch(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::IdempotencyMismatch | Refusal::UserDisabled
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Membership, Role, Status};
    use crate::store::idempotency::item_of;
    use crate::store::samples::{self, request_of_admin, with_key};

    fn membership() -> Membership {
        samples::membership("ada", Role::Member, Status::Active)
    }

    #[test]
    fn errors_of_the_whole_batch_are_no_results_of_an_item() {
        let mut results = Results::of(&[membership()]);
        for refusal in [Refusal::IdempotencyMismatch, Refusal::UserDisabled] {
            assert!(results.settle_alone(0, Err(refusal.into())).is_err());
        }
        let refused = Err(Refusal::AlreadyMember.into());
        results.settle_alone(0, refused).unwrap();
        let results = results.complete().unwrap();
        assert!(matches!(results[..], [Err(Refusal::AlreadyMember)]));
    }

    #[test]
    fn an_item_that_the_first_request_added_is_not_added_again() {
        let cx = with_key(request_of_admin());
        let added = Added::New(membership());
        let item = item_of(&cx.record().unwrap(), &added);
        let found = replayed(&cx, &Unmet::one((), Some(item)), &()).unwrap();
        let Some(ItemOutcome::Settled(result)) = found else {
            panic!("not settled");
        };
        assert_eq!(result.unwrap(), added);
    }
}
