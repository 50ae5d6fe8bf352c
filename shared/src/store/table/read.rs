use std::collections::HashMap;

use aws_sdk_dynamodb::types::{KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::expression::Expression;
use super::{Condition, Error, Item, Key, Table, key_of, text, text_of};

/// Maximum number of items that DynamoDB reads in one call.
const BATCH: usize = 100;
/// Maximum number of concurrent calls. Each may hold a few megabytes.
const BATCHES_AT_ONCE: usize = 16;

/// Some items of a partition.
pub(in crate::store) struct Page {
    /// The items; may be fewer than the limit, or none, before the end.
    pub(in crate::store) items: Vec<Item>,
    /// The sort key after which the next page starts; `None` at the end.
    pub(in crate::store) next: Option<String>,
}

impl Table {
    /// Reads one item. Strongly consistent.
    pub(in crate::store) async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        Ok(output.item)
    }

    /// Reads items by their keys. Strongly consistent. Leaves out items that do not exist. Makes one call per
    /// 100 keys, several concurrently.
    pub(in crate::store) async fn get_all(
        &self,
        keys: &[&Key],
    ) -> Result<HashMap<Key, Item>, Error> {
        self.get_batches(keys, true).await
    }

    /// Reads items by their keys. Eventually consistent, for half the units. Leaves out items that do not exist. Makes
    /// one call per 100 keys, several concurrently.
    pub(in crate::store) async fn get_all_eventually(
        &self,
        keys: &[&Key],
    ) -> Result<HashMap<Key, Item>, Error> {
        self.get_batches(keys, false).await
    }

    async fn get_batches(
        &self,
        keys: &[&Key],
        is_consistent: bool,
    ) -> Result<HashMap<Key, Item>, Error> {
        let mut wanted: Vec<&Key> = keys.to_vec();
        wanted.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        wanted.dedup();
        if wanted.len() <= BATCH {
            // Boxed, so that this future stays small.
            return Box::pin(self.get_batch(&wanted, is_consistent)).await;
        }
        let batches: Vec<_> = wanted
            .chunks(BATCH)
            .map(|some| self.get_batch(some, is_consistent))
            .collect();
        let found: Vec<_> = stream::iter(batches)
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Reads the items of at most 100 different keys.
    async fn get_batch(
        &self,
        keys: &[&Key],
        is_consistent: bool,
    ) -> Result<HashMap<Key, Item>, Error> {
        let mut asked: Vec<_> = keys.iter().map(|key| key.attributes()).collect();
        let mut found = HashMap::new();
        let mut backoff = self.backoff();
        while !asked.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(asked))
                .consistent_read(is_consistent)
                .build()
                .map_err(Error::defect)?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.name, request)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await?;
            for item in output
                .responses
                .into_iter()
                .flatten()
                .flat_map(|(_, items)| items)
            {
                found.insert(key_of(&item)?, item);
            }
            // DynamoDB may leave out some keys under load.
            let left = output
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.name);
            asked = left.map(|left| left.keys).unwrap_or_default();
            if !asked.is_empty() {
                let busy = "DynamoDB keeps leaving keys of a batch unprocessed";
                backoff.wait(Error::Throttled(busy.into())).await?;
            }
        }
        Ok(found)
    }

    /// Reads all items of the partition that meet the condition on their keys and the filter, in as many calls as they
    /// need. Sorted by the sort key, strongly consistent. For partitions whose size one user decides.
    pub(in crate::store) async fn query_all(
        &self,
        partition: &str,
        condition: Condition,
        filter: Option<Condition>,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let query = Query::on(None, condition.clone())
                .filter(filter.clone())
                .after(after);
            let page = self.query(query).await?;
            items.extend(page.items);
            let Some(last) = page.next else {
                return Ok(items);
            };
            after = Some(Key::new(partition.to_owned(), last).attributes());
        }
    }

    /// Reads a page of a partition, starting after the key `after`, sorted by the sort key.
    pub(in crate::store) async fn query(&self, query: Query<'_>) -> Result<Page, Error> {
        let Expression {
            text: condition,
            names,
            values,
        } = query.condition.into_expression();
        let mut names = names.unwrap_or_default();
        let mut values = values.unwrap_or_default();
        let filter = query.filter.map(|filter| {
            let filter = filter.into_expression();
            names.extend(filter.names.unwrap_or_default());
            values.extend(filter.values.unwrap_or_default());
            filter.text
        });
        let output = self
            .client
            .query()
            .table_name(&self.name)
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(condition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(query.after)
            .scan_index_forward(!query.is_backwards)
            // An index does not support consistent reads.
            .consistent_read(query.index.is_none())
            .limit(i32::try_from(query.limit).unwrap_or(i32::MAX))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        let sort_key = match query.index {
            Some(index) => format!("{index}sk"),
            None => "sk".to_owned(),
        };
        Ok(Page {
            next: match output.last_evaluated_key {
                Some(last) => Some(text_of(&last, &sort_key)?.to_owned()),
                None => None,
            },
            items: output.items.unwrap_or_default(),
        })
    }
}

/// A range of the table or of an index to read.
pub(in crate::store) struct Query<'a> {
    index: Option<&'a str>,
    condition: Condition,
    filter: Option<Condition>,
    pub(in crate::store) after: Option<Item>,
    limit: usize,
    is_backwards: bool,
}

impl<'a> Query<'a> {
    /// Reads the items of a partition whose sort keys start with `start`.
    pub(in crate::store) fn in_partition(
        index: Option<&'a str>,
        partition: String,
        start: impl Into<String>,
    ) -> Self {
        Self::on(index, in_partition(index, partition, start.into()))
    }

    /// Reads the items of a partition whose sort keys are in a range, which includes both ends.
    pub(in crate::store) fn between(
        index: Option<&'a str>,
        partition: String,
        first: String,
        last: String,
    ) -> Self {
        Self::on(index, between(index, partition, first, last))
    }

    fn on(index: Option<&'a str>, condition: Condition) -> Self {
        Self {
            index,
            condition,
            filter: None,
            after: None,
            limit: usize::MAX,
            is_backwards: false,
        }
    }

    /// Leaves out the items that do not meet the condition, if there is one. They count towards the limit.
    pub(in crate::store) fn filter(self, filter: Option<Condition>) -> Self {
        Self { filter, ..self }
    }

    /// Starts after the item with this key. Starts at the first one by default.
    pub(in crate::store) fn after(self, after: Option<Item>) -> Self {
        Self { after, ..self }
    }

    /// Reads at most this number of items. Reads as many as one call returns by default.
    pub(in crate::store) fn limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Reads from the last sort key to the first, if `is_backwards`.
    pub(in crate::store) fn backwards(self, is_backwards: bool) -> Self {
        Self {
            is_backwards,
            ..self
        }
    }
}

/// Returns the condition for the items of a partition whose sort keys are in a range, which includes both ends.
pub(in crate::store) fn between(
    index: Option<&str>,
    partition: String,
    first: String,
    last: String,
) -> Condition {
    let index = index.unwrap_or_default();
    Condition::new(format!(
        "#{index}pk = :pk AND #{index}sk BETWEEN :first AND :last"
    ))
    .value(":pk", text(partition))
    .value(":first", text(first))
    .value(":last", text(last))
}

/// Returns the condition for the items of a partition whose sort keys start with `start`.
pub(in crate::store) fn in_partition(
    index: Option<&str>,
    partition: String,
    start: String,
) -> Condition {
    let index = index.unwrap_or_default();
    let condition = if start.is_empty() {
        Condition::new(format!("#{index}pk = :pk"))
    } else {
        Condition::new(format!(
            "#{index}pk = :pk AND begins_with(#{index}sk, :start)"
        ))
        .value(":start", text(start))
    };
    condition.value(":pk", text(partition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::fake::Fake;

    #[tokio::test]
    async fn a_call_reads_at_most_100_keys() {
        for (count, sizes) in [
            (0, &[][..]),
            (BATCH, &[BATCH]),
            (BATCH + 1, &[1, BATCH]),
            (2 * BATCH, &[BATCH, BATCH]),
        ] {
            let fake = Fake::default();
            let keys = (0..count).map(|n| Key::new(format!("p{n}"), "s"));
            let keys: Vec<_> = keys.collect();
            let keys: Vec<_> = keys.iter().collect();
            fake.table().get_all(&keys).await.unwrap();
            let mut read: Vec<_> = fake.keys_read().iter().map(|it| it.0.len()).collect();
            read.sort_unstable();
            assert_eq!(read, sizes, "{count}");
        }
    }
}
