//! Conditional writes of one item, each repeated while a transaction on the same item is in the way:
//! DynamoDB then refuses the write, and the SDK does not repeat it.

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    ReturnConsumedCapacity, ReturnValue, ReturnValuesOnConditionCheckFailure,
};

use super::expression::{Change, Condition, Expression, Item};
use super::keys::Key;
use super::patience::Patience;
use super::{Error, Store, Written};

/// What became of an item that was to be changed.
pub(super) enum Changed {
    /// It is this now, if that was asked for.
    To(Option<Item>),
    /// The condition does not hold: this is what is there, if anything.
    Not(Option<Item>),
}

impl Store {
    /// Writes an item, if there is none.
    pub(super) async fn put_one(&self, item: Item) -> Result<Written, Error> {
        let condition = Condition::absent().into_expression();
        let mut patience = Patience::new(self.patience);
        loop {
            let Expression { text, names, .. } = condition.clone();
            let put = self
                .client
                .put_item()
                .table_name(&self.table)
                .set_item(Some(item.clone()))
                .condition_expression(text)
                .set_expression_attribute_names(names)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = put else {
                return Ok(Written::Done);
            };
            match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => {
                    return Ok(Written::AsItWas);
                }
                Some(PutItemError::TransactionConflictException(_)) => {
                    patience.wait(error.into()).await?;
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Changes an item, if the condition holds. `returned` is what is wanted of the item after it.
    pub(super) async fn change_and_return(
        &self,
        key: &Key,
        change: Change,
        condition: Condition,
        returned: ReturnValue,
    ) -> Result<Changed, Error> {
        let (update, expression) = change.with(condition);
        let mut patience = Patience::new(self.patience);
        loop {
            let Expression {
                text,
                names,
                values,
            } = expression.clone();
            let changed = self
                .client
                .update_item()
                .table_name(&self.table)
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
                Ok(output) => return Ok(Changed::To(output.attributes)),
                Err(error) => error,
            };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    return Ok(Changed::Not(failed.item().cloned()));
                }
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    patience.wait(error.into()).await?;
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Changes an item, if the condition holds.
    pub(super) async fn change_one(
        &self,
        key: &Key,
        change: Change,
        condition: Condition,
    ) -> Result<Written, Error> {
        let nothing = ReturnValue::None;
        let changed = self.change_and_return(key, change, condition, nothing);
        Ok(match changed.await? {
            Changed::To(_) => Written::Done,
            Changed::Not(_) => Written::AsItWas,
        })
    }

    /// Takes an item away, if the condition holds.
    pub(super) async fn delete_one(
        &self,
        key: &Key,
        condition: Condition,
    ) -> Result<Written, Error> {
        let condition = condition.into_expression();
        let mut patience = Patience::new(self.patience);
        loop {
            let Expression {
                text,
                names,
                values,
            } = condition.clone();
            let deleted = self
                .client
                .delete_item()
                .table_name(&self.table)
                .set_key(Some(key.attributes()))
                .condition_expression(text)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await;
            let Err(error) = deleted else {
                return Ok(Written::Done);
            };
            match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => {
                    return Ok(Written::AsItWas);
                }
                Some(DeleteItemError::TransactionConflictException(_)) => {
                    patience.wait(error.into()).await?;
                }
                _ => return Err(error.into()),
            }
        }
    }
}
