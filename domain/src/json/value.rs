//! JSON values that keep their numbers exactly as they were sent.
//!
//! `serde_json::Value` stores a number in 64 bits: a longer number changes when it is read, and its text changes when
//! it is written. Its feature `arbitrary_precision` keeps the text, but breaks every library in the build that reads
//! numbers with `deserialize_any`.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The members of a JSON object, ordered by name.
pub type JsonObject = BTreeMap<String, Json>;

/// Maximum nesting depth. `serde_json` has the same limit.
const MAX_DEPTH: usize = 127;

/// A JSON value. Values are equal if they are written the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number in its original notation.
    Number(JsonNumber),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(JsonObject),
}

/// A JSON number in its original notation: `1`, `1.0` and `1e0` are different texts of the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonNumber(String);

impl JsonNumber {
    /// Returns the number in its original notation.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the number if a 64-bit float keeps all of its digits. A number of up to 15 digits always fits.
    pub fn as_f64(&self) -> Option<f64> {
        let number: f64 = self.0.parse().ok()?;
        let is_exact =
            number.is_finite() && Decimal::of(&format!("{number:e}"))? == self.decimal()?;
        is_exact.then_some(number)
    }

    /// Returns the number if it is whole and fits, in any notation: `100`, `100.0`, `1e2`.
    pub fn as_u64(&self) -> Option<u64> {
        let Decimal {
            is_negative,
            digits,
            exponent,
        } = self.decimal()?;
        if digits.is_empty() {
            return Some(0);
        }
        let zeros = usize::try_from(exponent).ok()?;
        // The largest `u64` has 20 digits.
        if is_negative || digits.len() + zeros > 20 {
            return None;
        }
        format!("{digits}{}", "0".repeat(zeros)).parse().ok()
    }

    fn decimal(&self) -> Option<Decimal> {
        Decimal::of(&self.0)
    }
}

/// A number in normal form: the digits without leading and trailing zeros, times a power of ten. Zero has no digits.
#[derive(PartialEq, Eq)]
struct Decimal {
    is_negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Reads the decimal of a JSON number.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Self {
                is_negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        let fraction = i64::try_from(fraction.len()).ok()?;
        Some(Self {
            is_negative: unsigned.len() != mantissa.len(),
            digits: digits.to_owned(),
            exponent: exponent.checked_add(zeros)?.checked_sub(fraction)?,
        })
    }
}

impl Json {
    /// Reads a JSON document. Fails where `serde_json` fails: on invalid syntax, nesting deeper than 127 levels, and
    /// numbers outside the range of a 64-bit float, which most JSON readers do not support.
    pub fn read(document: &[u8]) -> Result<Self, serde_json::Error> {
        // Checks the whole document, and reports the line and column of an error.
        serde_json::from_slice::<Value>(document)?;
        serde_json::from_slice(document)
    }
}

/// Reads one level, and then each of its values.
fn read_level(raw: &RawValue, depth: usize) -> Result<Json, serde_json::Error> {
    let text = raw.get();
    if depth > MAX_DEPTH {
        return Err(serde_json::Error::custom("recursion limit exceeded"));
    }
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
            let members = members.into_iter();
            let members = members.map(|(name, raw)| Ok((name, read_level(raw, depth + 1)?)));
            Json::Object(members.collect::<Result<_, serde_json::Error>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|raw| read_level(raw, depth + 1));
            Json::Array(items.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Json::String(serde_json::from_str(text)?),
        Some(b't' | b'f') => Json::Bool(serde_json::from_str(text)?),
        Some(b'n') => Json::Null,
        _ => Json::Number(JsonNumber(text.to_owned())),
    })
}

/// Supports `serde_json` only: no other format provides the text of a value.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        read_level(&raw, 1).map_err(D::Error::custom)
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(flag) => serializer.serialize_bool(*flag),
            Self::Number(number) => RawValue::from_string(number.0.clone())
                .map_err(serde::ser::Error::custom)?
                .serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => items.serialize(serializer),
            Self::Object(members) => members.serialize(serializer),
        }
    }
}

/// Numbers have the notation that `serde_json` writes.
impl From<Value> for Json {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(flag) => Self::Bool(flag),
            Value::Number(number) => Self::Number(JsonNumber(number.to_string())),
            Value::String(text) => Self::String(text),
            Value::Array(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Value::Object(members) => {
                let members = members.into_iter();
                Self::Object(members.map(|(name, value)| (name, value.into())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> JsonNumber {
        match Json::read(text.as_bytes()).unwrap() {
            Json::Number(number) => number,
            other => panic!("{other:?} is not a number"),
        }
    }

    #[test]
    fn document_round_trips_unchanged() {
        for document in [
            r#"{"a":[1,1.0,1e0,1E+5,-0,0.10,12345678901234567890123,4.488477270507554e40]}"#,
            r#"{"lat":1.5777777777770001,"none":null,"text":"\"ä","yes":true}"#,
            "[]",
            "0.1",
        ] {
            let json = Json::read(document.as_bytes()).unwrap();
            assert_eq!(serde_json::to_string(&json).unwrap(), document);
        }
    }

    #[test]
    fn each_kind_of_value_is_told_apart() {
        let one = Json::Number(number("1"));
        let read = |text: &str| Json::read(text.as_bytes()).unwrap();
        assert_eq!(
            read("[1,[]]"),
            Json::Array(vec![one.clone(), Json::Array(Vec::new())])
        );
        assert_eq!(
            read(r#"{"a":1}"#),
            Json::Object([("a".to_owned(), one)].into())
        );
        assert_eq!(read("null"), Json::Null);
        assert_eq!(read("true"), Json::Bool(true));
        assert_eq!(read(r#""1""#), Json::String("1".to_owned()));
    }

    #[test]
    fn document_unreadable_by_other_parsers_is_refused() {
        let deep = format!("{}{}", "[".repeat(128), "]".repeat(128));
        for document in ["", "{", "01", "1e400", "[1,]", r#""\ud800""#, &deep] {
            assert!(Json::read(document.as_bytes()).is_err(), "{document}");
        }
        let deepest = format!("{}{}", "[".repeat(127), "]".repeat(127));
        assert!(Json::read(deepest.as_bytes()).is_ok());
    }

    #[test]
    fn float_is_none_if_it_would_lose_digits() {
        for (text, float) in [
            ("0", Some(0.0)),
            ("-0.0", Some(-0.0)),
            ("100", Some(100.0)),
            ("1.10", Some(1.1)),
            ("1e2", Some(100.0)),
            ("999999999999999.9", Some(999_999_999_999_999.9)),
            ("9007199254740993", None),
            ("0.12345678901234567890", None),
            ("12345678901234567890123", None),
        ] {
            assert_eq!(number(text).as_f64(), float, "{text}");
        }
    }

    #[test]
    fn whole_number_may_use_any_notation() {
        for (text, whole) in [
            ("0", Some(0)),
            ("-0.0", Some(0)),
            ("317.0", Some(317)),
            ("1e6", Some(1_000_000)),
            ("1230e-1", Some(123)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("9007199254740991.5", None),
            ("-1", None),
            ("0.5", None),
            ("1e300", None),
        ] {
            assert_eq!(number(text).as_u64(), whole, "{text}");
        }
    }
}
