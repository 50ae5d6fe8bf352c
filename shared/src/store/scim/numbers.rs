//! How many users and groups a directory has, and where in the order of lists.
//!
//! A list has the order of the hashes of the names, which spread them evenly over buckets, and those of a bucket over
//! slots. The numbers of each are kept, so that a page is found without reading all names before it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;

use super::{ScimAction, ScimNamespace};
use crate::domain::ScimScope;
use crate::store::keys::{self, Key, ScimPlace};
use crate::store::table::{Condition, Item, ItemChange, Transaction};
use crate::store::{Error, Store, table};

/// Prefix of the attribute names. The number of the bucket or slot follows.
const ATTRIBUTE: &str = "n";

/// The numbers of users or groups in each bucket of a directory, or in each slot of a bucket.
#[derive(Debug, Default)]
pub(super) struct Numbers(BTreeMap<u8, usize>);

impl Numbers {
    fn from_item(item: &Item) -> Result<Self, table::Error> {
        let numbers = item.iter().filter_map(|(name, value)| {
            let place = u8::from_str_radix(name.strip_prefix(ATTRIBUTE)?, 16).ok()?;
            let AttributeValue::N(number) = value else {
                return None;
            };
            let number = number.parse().map_err(table::Error::unreadable);
            Some(number.map(|number| (place, number)))
        });
        Ok(Self(numbers.collect::<Result<_, _>>()?))
    }

    /// Returns the number of all.
    pub(super) fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Returns the bucket or slot with this position, which counts from 0, and the position in it.
    fn find(&self, mut position: usize) -> Option<(u8, usize)> {
        for (place, number) in &self.0 {
            if position < *number {
                return Some((*place, position));
            }
            position -= number;
        }
        None
    }
}

/// Adds to a transaction that a name takes the place of another one, if any, on the condition for a name that takes no
/// other's place that the directory is not being deleted.
pub(super) fn count(
    transaction: &mut Transaction<'_, ScimAction>,
    ScimNamespace { scope, prefix }: ScimNamespace<'_>,
    before: Option<&str>,
    after: Option<&str>,
) {
    let condition = match before {
        None => Condition::present(),
        Some(_) => Condition::none(),
    };
    let (before, after) = (before.map(keys::scim_place), after.map(keys::scim_place));
    let moves = || {
        before
            .map(|it| (it, -1))
            .into_iter()
            .chain(after.map(|it| (it, 1)))
    };
    let of_buckets = moves().map(|(place, by)| (place.bucket, by));
    let numbers = keys::scim_numbers(scope, prefix);
    add(transaction, &numbers, of_buckets, condition);
    let buckets: BTreeSet<u8> = moves().map(|(place, _)| place.bucket).collect();
    for bucket in buckets {
        let of_slots = moves().filter(|(place, _)| place.bucket == bucket);
        let of_slots = of_slots.map(|(place, by)| (place.slot, by));
        let slots = keys::scim_slots(scope, prefix, bucket);
        add(transaction, &slots, of_slots, Condition::none());
    }
}

/// Adds these numbers to those of an item, unless they add up to nothing.
fn add(
    transaction: &mut Transaction<'_, ScimAction>,
    key: &Key,
    moves: impl Iterator<Item = (u8, i32)>,
    condition: Condition,
) {
    let mut numbers = BTreeMap::<u8, i32>::new();
    for (place, by) in moves {
        *numbers.entry(place).or_default() += by;
    }
    numbers.retain(|_, by| *by != 0);
    if numbers.is_empty() {
        return;
    }
    let change = numbers
        .into_iter()
        .fold(ItemChange::new(), |change, (place, by)| {
            change.add(&format!("{ATTRIBUTE}{place:02x}"), by)
        });
    transaction.touch(ScimAction::Count, key, change, condition);
}

/// Returns the items that count the users and the groups of a new directory.
pub(in crate::store) fn number_rows(scope: &ScimScope) -> [Item; 2] {
    [keys::SCIM_USER_PREFIX, keys::SCIM_GROUP_PREFIX]
        .map(|prefix| keys::scim_numbers(scope, prefix).attributes())
}

impl Store {
    /// Returns the numbers of the users or groups of a directory. Makes one read.
    pub(super) async fn scim_numbers(
        &self,
        scope: &ScimScope,
        prefix: &str,
    ) -> Result<Numbers, Error> {
        self.numbers_at(&keys::scim_numbers(scope, prefix)).await
    }

    /// Returns a key after which the name at a position comes, and how many names come before it. Makes one read.
    pub(super) async fn scim_position(
        &self,
        ScimNamespace { scope, prefix }: ScimNamespace<'_>,
        numbers: &Numbers,
        position: usize,
    ) -> Result<Option<(Key, usize)>, Error> {
        let Some((bucket, position)) = numbers.find(position) else {
            return Ok(None);
        };
        let slots = keys::scim_slots(scope, prefix, bucket);
        let found = self.numbers_at(&slots).await?.find(position);
        // Without a slot, a request in between has changed the numbers.
        let (slot, position) = found.unwrap_or((0, position));
        let from = keys::scim_names_from(scope, prefix, ScimPlace { bucket, slot });
        Ok(Some((from, position)))
    }

    async fn numbers_at(&self, key: &Key) -> Result<Numbers, Error> {
        let item = self.table.get(key).await?.unwrap_or_default();
        Ok(Numbers::from_item(&item)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_in_the_first_place_that_has_room_for_it() {
        let numbers = Numbers(BTreeMap::from([(1, 2), (3, 0), (4, 1)]));
        let found = [0, 1, 2, 3].map(|position| numbers.find(position));
        assert_eq!(found, [Some((1, 0)), Some((1, 1)), Some((4, 0)), None]);
    }
}
