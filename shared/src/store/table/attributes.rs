//! Deserializes rows from attributes in place. `serde_dynamo` takes ownership of the item, so that one that is needed
//! later has to be copied, and first moves it into a map of its own, which costs as much as reading the row.

use std::borrow::Borrow;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor, value};
use serde::forward_to_deserialize_any;

use super::Error;
use super::item::Item;

/// Reads a row from an item.
pub(in crate::store) fn from_item<R: DeserializeOwned>(
    item: impl Borrow<Item>,
) -> Result<R, Error> {
    read(item.borrow()).map_err(Error::unreadable)
}

fn read<'de, R: Deserialize<'de>>(item: &'de Item) -> Result<R, value::Error> {
    R::deserialize(map(item))
}

fn map(
    item: &Item,
) -> MapDeserializer<'_, impl Iterator<Item = (&str, Attribute<'_>)>, value::Error> {
    MapDeserializer::new(item.iter().map(|(name, it)| (name.as_str(), Attribute(it))))
}

struct Attribute<'de>(&'de AttributeValue);

impl<'de> IntoDeserializer<'de, value::Error> for Attribute<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Attribute<'de> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        match self.0 {
            AttributeValue::S(text) => visitor.visit_borrowed_str(text),
            AttributeValue::N(number) => {
                if let Ok(number) = number.parse::<u64>() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = number.parse::<i64>() {
                    visitor.visit_i64(number)
                } else if let Ok(number) = number.parse::<f64>() {
                    visitor.visit_f64(number)
                } else {
                    Err(value::Error::invalid_value(
                        Unexpected::Other("a number that is none"),
                        &visitor,
                    ))
                }
            }
            AttributeValue::Bool(flag) => visitor.visit_bool(*flag),
            AttributeValue::Null(_) => visitor.visit_unit(),
            AttributeValue::L(list) => {
                SeqDeserializer::new(list.iter().map(Attribute)).deserialize_any(visitor)
            }
            AttributeValue::Ss(texts) => {
                SeqDeserializer::new(texts.iter().map(String::as_str)).deserialize_any(visitor)
            }
            AttributeValue::M(members) => map(members).deserialize_any(visitor),
            _ => Err(value::Error::custom(
                "an attribute of a type that no row has",
            )),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, value::Error> {
        match self.0 {
            AttributeValue::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Reads a unit variant from its name. No row has any other kind of variant.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        match self.0 {
            AttributeValue::S(name) => visitor.visit_enum(name.as_str().into_deserializer()),
            _ => Err(value::Error::custom("a name is not a text")),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(
        self,
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap};

    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        SomeKind,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Id(String);

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        text: String,
        id: Id,
        kind: Kind,
        flag: bool,
        version: u64,
        least: i64,
        spend: f64,
        whole: f64,
        list: Vec<String>,
        members: BTreeMap<String, Id>,
        some: Option<u64>,
        null: Option<u64>,
        #[serde(default)]
        absent: Option<Kind>,
    }

    #[test]
    fn rows_written_by_serde_dynamo_are_read_back() {
        let row = Row {
            text: "é".to_owned(),
            id: Id("i".to_owned()),
            kind: Kind::SomeKind,
            flag: true,
            version: u64::MAX,
            least: i64::MIN,
            spend: 0.1,
            whole: 100.0,
            list: vec!["a".to_owned(), "b".to_owned()],
            members: BTreeMap::from([("m".to_owned(), Id("n".to_owned()))]),
            some: Some(7),
            null: None,
            absent: None,
        };
        let mut item: Item = serde_dynamo::to_item(&row).unwrap();
        item.insert(
            "not_a_field".to_owned(),
            AttributeValue::Ns(vec!["1".to_owned()]),
        );
        item.remove("absent");
        let set = AttributeValue::Ss(row.list.clone());
        item.insert("another".to_owned(), AttributeValue::M(HashMap::new()));
        assert_eq!(read::<Row>(&item).unwrap(), row);
        item.insert("list".to_owned(), set);
        assert_eq!(read::<Row>(&item).unwrap(), row);
    }

    #[test]
    fn a_null_in_a_value_of_any_shape_is_read_back() {
        #[derive(Debug, PartialEq, Serialize, Deserialize)]
        struct Row {
            any: serde_json::Value,
        }

        let any = serde_json::json!({"null": null, "list": [null, 1, "a"]});
        let row = Row { any };
        let item: Item = serde_dynamo::to_item(&row).unwrap();
        assert_eq!(read::<Row>(&item).unwrap(), row);
    }

    #[test]
    fn a_mismatching_attribute_is_an_error() {
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only deserialization is tested")]
        struct Row {
            version: u64,
        }

        for value in [
            AttributeValue::S("7".to_owned()),
            AttributeValue::N("-1".to_owned()),
            AttributeValue::N("x".to_owned()),
            AttributeValue::Bool(true),
            AttributeValue::Null(true),
            AttributeValue::L(Vec::new()),
        ] {
            let item = Item::from([("version".to_owned(), value)]);
            assert!(read::<Row>(&item).is_err());
        }
        assert!(read::<Row>(&Item::new()).is_err());
    }
}
