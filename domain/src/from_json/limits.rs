//! Reads the `limits` and the `metadata` of an organization or a team.

use crate::{Budget, Invalid, Json, JsonObject, MAX_MODEL_LENGTH, MAX_MODELS, MAX_RATE, Metadata};

/// Reads metadata, or a patch of it. Fails if it exceeds the limits by itself.
pub(super) fn metadata(object: JsonObject) -> Result<JsonObject, Invalid> {
    Metadata::new(object.clone())?;
    Ok(object)
}

pub(super) fn models(value: Json) -> Result<Vec<String>, Invalid> {
    let refused = || {
        Invalid::new(
            "must be a list of at most 1,000 strings of 1 to 255 characters without control characters",
        )
    };
    let Json::Array(items) = value else {
        return Err(refused());
    };
    if items.len() > MAX_MODELS {
        return Err(refused());
    }
    let name = |item| match item {
        Json::String(name)
            if (1..=MAX_MODEL_LENGTH).contains(&name.chars().count())
                && !name.chars().any(char::is_control) =>
        {
            Ok(name)
        }
        _ => Err(refused()),
    };
    items.into_iter().map(name).collect()
}

pub(super) fn budget(value: Json) -> Result<Budget, Invalid> {
    match value {
        Json::Number(number) => Budget::exactly(&number),
        _ => Err(Invalid::new("must be a number")),
    }
}

pub(super) fn rate(value: Json) -> Result<u64, Invalid> {
    let rate = match value {
        Json::Number(number) => number.as_u64(),
        _ => None,
    };
    rate.filter(|rate| *rate <= MAX_RATE).ok_or(Invalid::new(
        "must be a whole number from 0 to 9007199254740991",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_have_a_decimal_point() {
        for (written, rate) in [
            (json!(0), Some(0)),
            (json!(-0.0), Some(0)),
            (json!(317.0), Some(317)),
            (json!(1e6), Some(1_000_000)),
            (json!(MAX_RATE), Some(MAX_RATE)),
            (json!(MAX_RATE + 1), None),
            (json!(-1), None),
            (json!(0.5), None),
            (json!(1e300), None),
            (json!("1"), None),
        ] {
            assert_eq!(super::rate(written.clone().into()).ok(), rate, "{written}");
        }
    }

    #[test]
    fn budget_that_would_lose_digits_is_refused() {
        let read = |text: &str| budget(Json::read(text.as_bytes()).unwrap());
        for (sent, shown) in [
            ("999999999999999.9", "999999999999999.9"),
            ("0.1", "0.1"),
            ("1000", "1000"),
            ("1e15", "1000000000000000"),
            ("-0", "0"),
        ] {
            let budget = read(sent).unwrap();
            assert_eq!(serde_json::to_string(&budget).unwrap(), shown);
        }
        for refused in [
            "0.12345678901234567890",
            "999999999999999.99999",
            "-1",
            "\"1\"",
        ] {
            assert!(read(refused).is_err(), "{refused}");
        }
    }
}
