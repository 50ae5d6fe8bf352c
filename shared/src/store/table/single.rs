//! Conditional writes of one item. Retries while a transaction on the same item is in progress: DynamoDB then
//! rejects the write, and the SDK does not retry it.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    DeleteRequest, ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
    WriteRequest,
};

use super::expression::{Condition, Expression, ItemChange};
use super::{Error, Item, Key, Table};

/// Result of a conditional update.
pub(in crate::store) enum Updated {
    /// The write was applied. Holds the item as requested by `returned`.
    Done(Option<Item>),
    /// The condition failed. Holds the existing item, if there is one.
    Unmet(Option<Item>),
}

impl Table {
    /// Changes an item if the condition holds. `returned` selects what to return of it.
    pub(in crate::store) async fn update_and_return(
        &self,
        key: &Key,
        change: ItemChange,
        condition: Condition,
        returned: ReturnValue,
    ) -> Result<Updated, Error> {
        let (update, expression) = change.with(condition);
        let mut backoff = self.backoff();
        loop {
            let Expression {
                text,
                names,
                values,
            } = expression.clone();
            let changed = self
                .client
                .update_item()
                .table_name(&self.name)
                .set_key(Some(key.attributes()))
                .update_expression(&update)
                .set_condition_expression((!text.is_empty()).then_some(text))
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_values(returned.clone())
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let error = match changed {
                Ok(output) => return Ok(Updated::Done(output.attributes)),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    return Ok(Updated::Unmet(failed.item().cloned()));
                }
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    backoff.wait(error.into()).await?;
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Changes an item if the condition holds. Returns whether it was changed.
    pub(in crate::store) async fn update(
        &self,
        key: &Key,
        change: ItemChange,
        condition: Condition,
    ) -> Result<bool, Error> {
        let updated = self.update_and_return(key, change, condition, ReturnValue::None);
        Ok(matches!(updated.await?, Updated::Done(_)))
    }

    /// Deletes an item if the condition holds. Returns whether the condition held.
    pub(in crate::store) async fn delete(
        &self,
        key: &Key,
        condition: Condition,
    ) -> Result<bool, Error> {
        let condition = condition.into_expression();
        let mut backoff = self.backoff();
        loop {
            let Expression {
                text,
                names,
                values,
            } = condition.clone();
            let deleted = self
                .client
                .delete_item()
                .table_name(&self.name)
                .set_key(Some(key.attributes()))
                .set_condition_expression((!text.is_empty()).then_some(text))
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = deleted else {
                return Ok(true);
            };
            match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => {
                    return Ok(false);
                }
                Some(DeleteItemError::TransactionConflictException(_)) => {
                    backoff.wait(error.into()).await?;
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Deletes up to 25 items in one call, without a condition. DynamoDB may leave some of them undeleted.
    pub(in crate::store) async fn delete_batch(&self, keys: &[Key]) -> Result<(), Error> {
        let deletes = keys.iter().filter_map(|key| {
            let delete = DeleteRequest::builder().set_key(Some(key.attributes()));
            let delete = delete.build().ok()?;
            Some(WriteRequest::builder().delete_request(delete).build())
        });
        let deletes: Vec<_> = deletes.collect();
        if deletes.is_empty() {
            return Ok(());
        }
        self.client
            .batch_write_item()
            .request_items(&self.name, deletes)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::fake::{Failure, Fake};
    use crate::store::table::{Condition, Key};

    #[tokio::test]
    async fn an_item_that_a_transaction_writes_is_deleted_after_it() {
        let conflict = Failure::Code("TransactionConflictException");
        let fake = Fake::default().fail(conflict);
        let key = Key::new("p".to_owned(), "s");
        let deleted = fake.table();
        let deleted = deleted.delete(&key, Condition::none());
        assert!(deleted.await.unwrap());
        assert_eq!(fake.calls("DeleteItem").len(), 2);
    }
}
