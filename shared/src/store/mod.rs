//! The DynamoDB table, through the real SDK.
//!
//! The check that a caller may do something is part of the transaction that does it. What must
//! show or build on what was there reads it first and then writes under the condition that it is
//! still so; nothing rests on the read alone. See `docs/DATA_MODEL.md` for the calls of each
//! operation.

mod access;
mod client;
mod error;
mod expression;
mod idempotency;
mod keys;
mod memberships;
mod meter;
mod organizations;
mod patience;
mod single;
mod sync;
mod team_members;
mod teams;
mod transaction;
mod users;

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use client::client;
pub use error::Error;
pub use idempotency::{FirstAnswer, Once};
pub use memberships::{MemberFilter, MembershipOfOrganization};
pub use meter::{Measure, metered};
pub use organizations::OrganizationFilter;
pub use sync::{
    FoundOrganization, FoundTeam, Holdings, MembershipMarks, Move, Profile, TeamMembershipMarks,
    Written,
};
pub use team_members::MembershipOfTeam;
pub use teams::TeamInOrganization;
pub use users::Registered;

use crate::domain::Clock;
use expression::{Condition, Expression, Item, text};
use keys::Key;
use patience::Patience;

/// How long a request keeps repeating what others are in the way of.
const PATIENCE: Duration = Duration::from_secs(3);

/// Items that DynamoDB reads in one call.
const BATCH: usize = 100;
/// Such calls under way at once: each may hold a few megabytes.
const BATCHES_AT_ONCE: usize = 16;

/// The table.
#[derive(Clone, Debug)]
pub struct Store {
    client: Client,
    table: String,
    clock: Clock,
    patience: Duration,
}

/// Some items of a list, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The items; fewer than asked for, or none, is possible before the end.
    pub items: Vec<T>,
    /// Where the next page begins; `None` at the end. Means nothing outside of its list.
    pub next: Option<String>,
}

/// What adding somebody came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Added<M> {
    /// They are in it now.
    New(M),
    /// They had been, or were invited, with the same role; this is the membership as it is now.
    Already(M),
}

/// What came of a write with an `Idempotency-Key`, or without.
#[derive(Clone, Debug, PartialEq)]
pub enum Done<T> {
    /// It was done now.
    Now(T),
    /// It had been done before, by the same request: this is the answer it got.
    Before(FirstAnswer),
}

impl Store {
    /// The table of this name.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
            clock: Clock::system(),
            patience: PATIENCE,
        }
    }

    /// With another clock than the machine's.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// With another patience than 3 s for what others are in the way of.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// One item, as it is now.
    async fn get(&self, key: &Key) -> Result<Option<Item>, Error> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        Ok(output.item)
    }

    /// Items as they are now, by their keys. Those that are not there are not in it. One call for
    /// each 100, several at once.
    async fn get_all(&self, keys: &[&Key]) -> Result<HashMap<Key, Item>, Error> {
        let mut wanted: Vec<&Key> = keys.to_vec();
        wanted.sort_by(|a, b| (&a.pk, &a.sk).cmp(&(&b.pk, &b.sk)));
        wanted.dedup();
        let batches: Vec<_> = wanted
            .chunks(BATCH)
            .map(|some| self.get_batch(some))
            .collect();
        let found: Vec<_> = stream::iter(batches)
            .buffer_unordered(BATCHES_AT_ONCE)
            .try_collect()
            .await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Items of at most 100 different keys.
    async fn get_batch(&self, keys: &[&Key]) -> Result<HashMap<Key, Item>, Error> {
        let mut asked: Vec<_> = keys.iter().map(|key| key.attributes()).collect();
        let mut found = HashMap::new();
        let mut patience = Patience::new(self.patience);
        while !asked.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(asked))
                .consistent_read(true)
                .build()
                .map_err(Error::defect)?;
            let output = self
                .client
                .batch_get_item()
                .request_items(&self.table, request)
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
            // DynamoDB may leave some out when it is busy.
            let left = output
                .unprocessed_keys
                .unwrap_or_default()
                .remove(&self.table);
            asked = left.map(|left| left.keys).unwrap_or_default();
            if !asked.is_empty() {
                let busy = "DynamoDB keeps leaving keys of a batch unprocessed";
                patience.wait(Error::Throttled(busy.into())).await?;
            }
        }
        Ok(found)
    }

    /// One stretch of a partition, from behind `after` on, in the order of the sort key.
    async fn query(&self, query: Query<'_>) -> Result<Page<Item>, Error> {
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
            .table_name(&self.table)
            .set_index_name(query.index.map(str::to_owned))
            .key_condition_expression(condition)
            .set_filter_expression(filter)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .set_exclusive_start_key(query.after)
            // An index cannot be read as it is now.
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

/// What part of the table, or of an index, to read.
struct Query<'a> {
    index: Option<&'a str>,
    condition: Condition,
    filter: Option<Condition>,
    after: Option<Item>,
    limit: usize,
}

/// All in a partition whose sort keys begin so.
fn in_partition(index: Option<&str>, partition: String, start: String) -> Condition {
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

/// A text attribute that every item has.
fn text_of<'a>(item: &'a Item, attribute: &str) -> Result<&'a str, Error> {
    match item.get(attribute) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Error::defect(format!("an item without a text {attribute}"))),
    }
}

fn key_of(item: &Item) -> Result<Key, Error> {
    Ok(Key {
        pk: text_of(item, "pk")?.to_owned(),
        sk: text_of(item, "sk")?.to_owned(),
    })
}

/// A row as an item under its key.
fn to_item(
    row: &impl Serialize,
    keys: [HashMap<String, AttributeValue>; 2],
) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(row).map_err(Error::defect)?;
    item.extend(keys.into_iter().flatten());
    Ok(item)
}

fn from_item<R: DeserializeOwned>(item: Item) -> Result<R, Error> {
    serde_dynamo::from_item(item).map_err(Error::unreadable)
}
