//! `TransactWriteItems` with conditions, retries, and the labels of the conditions that failed.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::expression::{Condition, Expression, ItemChange, text};
use super::{Error, Item, Key, Table};

/// Makes DynamoDB return the items whose conditions failed, for [`Unmet`].
const ALL_OLD: ReturnValuesOnConditionCheckFailure = ReturnValuesOnConditionCheckFailure::AllOld;

/// Attribute with the id of the transaction that last wrote an item. Distinguishes a repeated write whose
/// response was lost from a conflict.
pub(in crate::store) const WRITE_ID: &str = "write_id";

/// A transaction under construction. `L` labels its actions, to identify the one whose condition failed.
pub(in crate::store) struct Transaction<'a, L> {
    table: &'a Table,
    id: String,
    actions: Vec<(ActionLabel<L>, TransactWriteItem)>,
    /// Error of an action that could not be built.
    unusable: Option<String>,
}

/// Label of an action.
#[derive(Clone, Copy, PartialEq)]
enum ActionLabel<L> {
    /// An action that its user names, to recognize it when its condition fails.
    Named(L),
    /// An item whose key is unique to the transaction.
    Appended,
    /// A condition that the whole transaction depends on.
    Guard,
}

/// The conditions that failed. Nothing was written.
pub(in crate::store) struct Unmet<L>(Vec<(ActionLabel<L>, Option<Item>)>);

impl<L: PartialEq> Unmet<L> {
    /// If the condition of this action failed, returns the item at that time, if there was one.
    #[expect(
        clippy::option_option,
        reason = "`None` if it held; otherwise the item, if there was one"
    )]
    pub(in crate::store) fn of(&self, label: &L) -> Option<Option<&Item>> {
        let found = self
            .0
            .iter()
            .find(|(unmet, _)| matches!(unmet, ActionLabel::Named(unmet) if unmet == label));
        found.map(|(_, item)| item.as_ref())
    }

    /// Returns whether no other condition failed.
    pub(in crate::store) fn only(&self, labels: &[L]) -> bool {
        self.0
            .iter()
            .all(|(unmet, _)| matches!(unmet, ActionLabel::Named(unmet) if labels.contains(unmet)))
    }

    fn has_guard(&self) -> bool {
        let mut unmet = self.0.iter();
        unmet.any(|(unmet, _)| matches!(unmet, ActionLabel::Guard))
    }
}

impl Table {
    /// Starts a transaction. The id must be unique: DynamoDB treats requests with the same id within ten
    /// minutes as one.
    pub(in crate::store) fn transaction<L: Copy + PartialEq>(
        &self,
        id: uuid::Uuid,
    ) -> Transaction<'_, L> {
        Transaction {
            table: self,
            id: id.to_string(),
            actions: Vec::new(),
            unusable: None,
        }
    }
}

/// Completes the builder of an action. The builders of the SDK share these methods, but no trait.
macro_rules! conditional {
    ($transaction:ident, $builder:expr, $expression:expr) => {{
        let Expression {
            text,
            names,
            values,
        } = $expression;
        $builder
            .table_name(&$transaction.table.name)
            .set_condition_expression((!text.is_empty()).then_some(text))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ALL_OLD)
            .build()
    }};
}

impl<L: Copy + PartialEq> Transaction<'_, L> {
    /// Writes an item, and replaces an existing one if the condition allows.
    pub(in crate::store) fn put(&mut self, label: L, item: Item, condition: Condition) {
        self.put_item(ActionLabel::Named(label), item, condition);
    }

    /// Writes a new item whose key is unique to this transaction. Fails if the item exists, which only happens if this
    /// transaction has been applied before.
    pub(in crate::store) fn append(&mut self, item: Item) {
        self.put_item(ActionLabel::Appended, item, Condition::absent());
    }

    fn put_item(&mut self, label: ActionLabel<L>, mut item: Item, condition: Condition) {
        item.insert(WRITE_ID.to_owned(), text(&self.id));
        let put = Put::builder().set_item(Some(item));
        let put = conditional!(self, put, condition.into_expression());
        self.push(label, put, |put| {
            TransactWriteItem::builder().put(put).build()
        });
    }

    /// Changes an item and marks it as written by this transaction.
    pub(in crate::store) fn update(
        &mut self,
        label: L,
        key: &Key,
        change: ItemChange,
        condition: Condition,
    ) {
        let change = change.set(WRITE_ID, text(&self.id));
        self.touch(label, key, change, condition);
    }

    /// Changes an item without marking it as written by this transaction, because the item is only secondary to
    /// it.
    pub(in crate::store) fn touch(
        &mut self,
        label: L,
        key: &Key,
        change: ItemChange,
        condition: Condition,
    ) {
        let (update, expression) = change.with(condition);
        let update = Update::builder()
            .set_key(Some(key.attributes()))
            .update_expression(update);
        let update = conditional!(self, update, expression);
        self.push(ActionLabel::Named(label), update, |update| {
            TransactWriteItem::builder().update(update).build()
        });
    }

    /// Deletes an item.
    pub(in crate::store) fn delete(&mut self, label: L, key: &Key, condition: Condition) {
        let delete = Delete::builder().set_key(Some(key.attributes()));
        let delete = conditional!(self, delete, condition.into_expression());
        self.push(ActionLabel::Named(label), delete, |delete| {
            TransactWriteItem::builder().delete(delete).build()
        });
    }

    /// Fails the transaction if the condition fails. Does not change the item.
    pub(in crate::store) fn check(&mut self, label: L, key: &Key, condition: Condition) {
        self.check_item(ActionLabel::Named(label), key, condition);
    }

    /// Fails the transaction with [`Error::GuardFailed`] if the condition fails, whichever other conditions fail. The
    /// item must not be the subject of another action.
    pub(in crate::store) fn guard(&mut self, key: &Key, condition: Condition) {
        self.check_item(ActionLabel::Guard, key, condition);
    }

    fn check_item(&mut self, label: ActionLabel<L>, key: &Key, condition: Condition) {
        let check = ConditionCheck::builder().set_key(Some(key.attributes()));
        let check = conditional!(self, check, condition.into_expression());
        self.push(label, check, |check| {
            TransactWriteItem::builder().condition_check(check).build()
        });
    }

    fn push<A>(
        &mut self,
        label: ActionLabel<L>,
        action: Result<A, BuildError>,
        item: impl FnOnce(A) -> TransactWriteItem,
    ) {
        match action {
            Ok(action) => self.actions.push((label, item(action))),
            // The other actions must not be applied without this one.
            Err(error) => self.unusable = Some(error.to_string()),
        }
    }

    /// Applies all actions, or applies none and returns the conditions that failed. Retries conflicts with
    /// other transactions within the retry budget. Returns [`Error::GuardFailed`] if a guard failed.
    pub(in crate::store) async fn commit(&self) -> Result<Result<(), Unmet<L>>, Error> {
        if let Some(problem) = &self.unusable {
            return Err(Error::defect(problem.clone()));
        }
        let mut backoff = self.table.backoff();
        loop {
            let actions = self.actions.iter().map(|(_, action)| action.clone());
            let sent = self
                .table
                .client
                .transact_write_items()
                .set_transact_items(Some(actions.collect()))
                .client_request_token(&self.id)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(Ok(()));
            };
            match self.cancellation(error) {
                Cancellation::Unmet(unmet) if self.wrote(&unmet) => return Ok(Ok(())),
                Cancellation::Unmet(unmet) if unmet.has_guard() => return Err(Error::GuardFailed),
                Cancellation::Unmet(unmet) => return Ok(Err(unmet)),
                Cancellation::Passing(error) => backoff.wait(error).await?,
                Cancellation::Failed(error) => return Err(error),
            }
        }
    }

    /// Returns whether a condition failed only because this transaction had already been applied, and its
    /// response was lost.
    fn wrote(&self, unmet: &Unmet<L>) -> bool {
        let own = text(&self.id);
        let mut items = unmet.0.iter().filter_map(|(_, item)| item.as_ref());
        items.any(|item| item.get(WRITE_ID) == Some(&own))
    }

    fn cancellation(&self, error: SdkError<TransactWriteItemsError>) -> Cancellation<L> {
        let (reasons, mut conflicting) = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                (cancelled.cancellation_reasons(), false)
            }
            // The same transaction, sent before, is still being applied.
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => (&[][..], true),
            _ => return Cancellation::Failed(error.into()),
        };
        let mut unmet = Vec::new();
        let mut throttled = false;
        for ((label, _), reason) in self.actions.iter().zip(reasons) {
            match reason.code() {
                Some("ConditionalCheckFailed") => unmet.push((*label, reason.item.clone())),
                Some("ThrottlingError" | "ProvisionedThroughputExceeded") => throttled = true,
                // Another transaction is writing the item.
                Some("TransactionConflict") => conflicting = true,
                _ => {}
            }
        }
        if !unmet.is_empty() {
            Cancellation::Unmet(Unmet(unmet))
        } else if reasons.iter().any(|reason| is_rejected(reason.code())) {
            Cancellation::Failed(Error::Defect(error.into()))
        } else if throttled {
            Cancellation::Passing(Error::Throttled(error.into()))
        } else if conflicting {
            Cancellation::Passing(Error::Unavailable(error.into()))
        } else {
            Cancellation::Failed(Error::Unavailable(error.into()))
        }
    }
}

/// Returns whether an action can never be applied.
fn is_rejected(code: Option<&str>) -> bool {
    matches!(
        code,
        Some("ValidationError" | "ItemCollectionSizeLimitExceeded")
    )
}

enum Cancellation<L> {
    /// Conditions failed.
    Unmet(Unmet<L>),
    /// Contention: can be retried.
    Passing(Error),
    /// Retrying would not help.
    Failed(Error),
}

#[cfg(test)]
impl<L> Unmet<L> {
    /// The failed condition of one action, and the item at that time.
    pub(in crate::store) fn one(label: L, item: Option<Item>) -> Self {
        Self(vec![(ActionLabel::Named(label), item)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::{Failure, Fake, RecordedAction};

    #[tokio::test]
    async fn a_throttled_transaction_is_sent_again() {
        for code in ["ThrottlingError", "ProvisionedThroughputExceeded"] {
            let fake = Fake::default().fail(Failure::Code(code));
            let table = fake.table();
            let mut transaction = table.transaction(uuid::Uuid::nil());
            let key = Key::new("p".to_owned(), "s");
            transaction.check((), &key, Condition::present());
            assert!(transaction.commit().await.unwrap().is_ok(), "{code}");
            assert_eq!(fake.writes().len(), 2, "{code}");
        }
    }

    fn key(pk: &str) -> Key {
        Key::new(pk.to_owned(), "s")
    }

    #[tokio::test]
    async fn a_condition_that_its_own_write_broke_is_a_lost_answer() {
        let id = uuid::Uuid::max();
        for (writer, is_own) in [(id, true), (uuid::Uuid::nil(), false)] {
            let written = Item::from([(WRITE_ID.to_owned(), text(writer.to_string()))]);
            let fake = Fake::default().unmet(key("p"), Some(written));
            let table = fake.table();
            let mut transaction = table.transaction(id);
            transaction.check("first", &key("p"), Condition::absent());
            let unmet = transaction.commit().await.unwrap().err();
            assert_eq!(unmet.is_none(), is_own, "{writer}");
            assert!(unmet.is_none_or(|unmet| unmet.of(&"first").is_some()));
        }
    }

    #[tokio::test]
    async fn a_guard_fails_a_transaction_beside_other_conditions() {
        let failed = vec![(key("p"), None), (key("guard"), None)];
        let fake = Fake::default().fail(Failure::Unmet(failed));
        let table = fake.table();
        let mut transaction = table.transaction(uuid::Uuid::nil());
        transaction.check((), &key("p"), Condition::present());
        transaction.guard(&key("guard"), Condition::absent());
        let failed = transaction.commit().await;
        assert!(matches!(failed, Err(Error::GuardFailed)));
        let writes = fake.writes();
        let conditions = writes
            .first()
            .unwrap()
            .iter()
            .map(RecordedAction::condition);
        let conditions: Vec<_> = conditions.collect();
        assert_eq!(
            conditions,
            ["attribute_exists(#pk)", "attribute_not_exists(#pk)"]
        );
    }

    #[test]
    fn an_action_that_is_too_large_or_invalid_is_rejected() {
        for code in ["ValidationError", "ItemCollectionSizeLimitExceeded"] {
            assert!(is_rejected(Some(code)), "{code}");
        }
        for code in [None, Some("None"), Some("TransactionConflict")] {
            assert!(!is_rejected(code), "{code:?}");
        }
    }
}
