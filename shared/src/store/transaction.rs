//! Writes that hold together or not at all: `TransactWriteItems` with its conditions, its repeats,
//! and what it says when a condition does not hold.

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{
    ConditionCheck, Delete, Put, ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure,
    TransactWriteItem, Update,
};

use super::expression::{Condition, Expression, Item, text};
use super::{Error, Store, keys::Key, patience::Patience};

/// Attribute that names the transaction that last wrote an item. By it a repeat of a write whose
/// answer was lost is told from a conflict.
pub(super) const WRITE_ID: &str = "write_id";

/// A transaction being put together. `L` names its actions, so that the one whose condition does
/// not hold can be told.
pub(super) struct Transaction<L> {
    id: String,
    actions: Vec<(L, TransactWriteItem)>,
    /// Why one of its actions could not be made.
    unusable: Option<String>,
}

/// The conditions that did not hold. Nothing was written.
pub(super) struct Unmet<L>(Vec<(L, Option<Item>)>);

impl<L: PartialEq> Unmet<L> {
    /// Whether the condition of this action did not hold, and if so the item as it was then:
    /// `None` when there was none.
    #[allow(clippy::option_option)] // held, or did not and this was there (if anything)
    pub(super) fn of(&self, label: &L) -> Option<Option<&Item>> {
        let found = self.0.iter().find(|(unmet, _)| unmet == label);
        found.map(|(_, item)| item.as_ref())
    }

    /// Whether the condition of this action is the only one that did not hold.
    pub(super) fn only(&self, label: &L) -> bool {
        self.0.iter().all(|(unmet, _)| unmet == label)
    }
}

impl<L: Copy + PartialEq> Transaction<L> {
    /// An empty one. `id` is unlike any other's: DynamoDB takes a repeat with the same id within
    /// ten minutes as one.
    pub(super) fn new(id: uuid::Uuid) -> Self {
        Self {
            id: id.to_string(),
            actions: Vec::new(),
            unusable: None,
        }
    }

    /// Writes an item, over one that is there if the condition allows.
    pub(super) fn put(&mut self, store: &Store, label: L, item: Item, condition: Condition) {
        let mut item = item;
        item.insert(WRITE_ID.to_owned(), text(&self.id));
        let Expression {
            text,
            names,
            values,
        } = condition.into_expression();
        let put = Put::builder()
            .table_name(&store.table)
            .set_item(Some(item))
            .condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.push(
            label,
            put.build()
                .map(|put| TransactWriteItem::builder().put(put).build()),
        );
    }

    /// Changes an item and marks it as written by this transaction.
    pub(super) fn update(
        &mut self,
        store: &Store,
        label: L,
        key: &Key,
        change: super::expression::Change,
        condition: Condition,
    ) {
        let change = change.set(WRITE_ID, text(&self.id));
        self.touch(store, label, key, change, condition);
    }

    /// Changes an item by the way, without claiming it as what this transaction is about.
    pub(super) fn touch(
        &mut self,
        store: &Store,
        label: L,
        key: &Key,
        change: super::expression::Change,
        condition: Condition,
    ) {
        let (
            update,
            Expression {
                text,
                names,
                values,
            },
        ) = change.with(condition);
        let update = Update::builder()
            .table_name(&store.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .set_condition_expression((!text.is_empty()).then_some(text))
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.push(
            label,
            update
                .build()
                .map(|update| TransactWriteItem::builder().update(update).build()),
        );
    }

    /// Takes an item away.
    pub(super) fn delete(&mut self, store: &Store, label: L, key: &Key, condition: Condition) {
        let Expression {
            text,
            names,
            values,
        } = condition.into_expression();
        let delete = Delete::builder()
            .table_name(&store.table)
            .set_key(Some(key.attributes()))
            .condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.push(
            label,
            delete
                .build()
                .map(|delete| TransactWriteItem::builder().delete(delete).build()),
        );
    }

    /// Leaves an item as it is, and the transaction undone if it is not as it should be.
    pub(super) fn check(&mut self, store: &Store, label: L, key: &Key, condition: Condition) {
        let Expression {
            text,
            names,
            values,
        } = condition.into_expression();
        let check = ConditionCheck::builder()
            .table_name(&store.table)
            .set_key(Some(key.attributes()))
            .condition_expression(text)
            .set_expression_attribute_names(names)
            .set_expression_attribute_values(values)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        self.push(
            label,
            check
                .build()
                .map(|check| TransactWriteItem::builder().condition_check(check).build()),
        );
    }

    fn push(&mut self, label: L, action: Result<TransactWriteItem, BuildError>) {
        match action {
            Ok(action) => self.actions.push((label, action)),
            // Without this action the others must not be applied.
            Err(error) => self.unusable = Some(error.to_string()),
        }
    }

    /// Applies all of it, or nothing and tells which conditions did not hold. Conflicts with other
    /// transactions are retried while there is patience.
    pub(super) async fn commit(&self, store: &Store) -> Result<Result<(), Unmet<L>>, Error> {
        if let Some(problem) = &self.unusable {
            return Err(Error::defect(problem.clone()));
        }
        let mut patience = Patience::new(store.patience);
        loop {
            let actions = self
                .actions
                .iter()
                .map(|(_, action)| action.clone())
                .collect();
            let sent = store
                .client
                .transact_write_items()
                .set_transact_items(Some(actions))
                .client_request_token(&self.id)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = sent else {
                return Ok(Ok(()));
            };
            match self.cancellation(error) {
                Cancellation::Unmet(unmet) if self.wrote(&unmet) => return Ok(Ok(())),
                Cancellation::Unmet(unmet) => return Ok(Err(unmet)),
                Cancellation::Passing(error) => patience.wait(error).await?,
                Cancellation::Failed(error) => return Err(error),
            }
        }
    }

    /// Whether a condition did not hold because this very transaction had been applied before, and
    /// only its answer was lost.
    fn wrote(&self, unmet: &Unmet<L>) -> bool {
        let ours = text(&self.id);
        let items = unmet.0.iter().filter_map(|(_, item)| item.as_ref());
        items
            .into_iter()
            .any(|item| item.get(WRITE_ID) == Some(&ours))
    }

    fn cancellation(
        &self,
        error: aws_sdk_dynamodb::error::SdkError<TransactWriteItemsError>,
    ) -> Cancellation<L> {
        let (reasons, passing) = match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
                (cancelled.cancellation_reasons(), true)
            }
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => (&[][..], true),
            _ => (&[][..], false),
        };
        if !passing {
            return Cancellation::Failed(error.into());
        }
        let mut unmet = Vec::new();
        let mut throttled = false;
        let mut refused = false;
        for ((label, _), reason) in self.actions.iter().zip(reasons) {
            match reason.code() {
                Some("ConditionalCheckFailed") => unmet.push((*label, reason.item.clone())),
                Some("ThrottlingError" | "ProvisionedThroughputExceeded") => throttled = true,
                Some("ValidationError" | "ItemCollectionSizeLimitExceeded") => refused = true,
                _ => {}
            }
        }
        if !unmet.is_empty() {
            Cancellation::Unmet(Unmet(unmet))
        } else if refused {
            Cancellation::Failed(Error::Defect(error.into()))
        } else if throttled {
            Cancellation::Passing(Error::Throttled(error.into()))
        } else {
            Cancellation::Passing(Error::Unavailable(error.into()))
        }
    }
}

enum Cancellation<L> {
    /// Conditions did not hold.
    Unmet(Unmet<L>),
    /// Others were in the way, for now.
    Passing(Error),
    /// It will not do.
    Failed(Error),
}
