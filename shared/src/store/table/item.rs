use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use super::Error;

/// An item of the table.
pub(in crate::store) type Item = HashMap<String, AttributeValue>;

/// The key of one item.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::store) struct Key {
    /// Partition key.
    pub(in crate::store) pk: String,
    /// Sort key.
    pub(in crate::store) sk: String,
}

impl Key {
    pub(in crate::store) fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// Returns the key as the attributes `pk` and `sk`.
    pub(in crate::store) fn attributes(&self) -> Item {
        self.attributes_of("")
    }

    /// Returns the key as the key attributes of an index.
    pub(in crate::store) fn attributes_of(&self, index: &str) -> Item {
        HashMap::from([
            (format!("{index}pk"), AttributeValue::S(self.pk.clone())),
            (format!("{index}sk"), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// Returns a string attribute that every item has.
pub(in crate::store) fn text_of<'a>(item: &'a Item, attribute: &str) -> Result<&'a str, Error> {
    match item.get(attribute) {
        Some(AttributeValue::S(text)) => Ok(text),
        _ => Err(Error::defect(format!("an item without a text {attribute}"))),
    }
}

/// Returns the key of an item.
pub(in crate::store) fn key_of(item: &Item) -> Result<Key, Error> {
    Ok(Key {
        pk: text_of(item, "pk")?.to_owned(),
        sk: text_of(item, "sk")?.to_owned(),
    })
}

/// Writes a row as an item under its keys.
pub(in crate::store) fn to_item(row: &impl Serialize, keys: [Item; 2]) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(row).map_err(Error::defect)?;
    item.extend(keys.into_iter().flatten());
    Ok(item)
}
