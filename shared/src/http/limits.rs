//! The `limits` and the `metadata` of an organization or a team, as they come in a body.

use serde_json::{Map, Value};

use super::Fields;
use super::body::{object, text};
use crate::domain::{
    Budget, Invalid, LimitsPatch, MAX_MODEL_LENGTH, MAX_MODELS, MAX_RATE, Metadata, Patch,
};

/// Reads `limits`.
pub fn limits(fields: &mut Fields) -> Patch<LimitsPatch> {
    fields.nested("limits", |limits| LimitsPatch {
        models: limits.patch("models", models),
        max_budget: limits.patch("max_budget", budget),
        budget_duration: limits.patch("budget_duration", text),
        tpm_limit: limits.patch("tpm_limit", rate),
        rpm_limit: limits.patch("rpm_limit", rate),
    })
}

/// Reads metadata, or a patch of it: what is too much by itself is refused before anything is read.
pub fn metadata(value: Value) -> Result<Map<String, Value>, Invalid> {
    let object = object(value)?;
    Metadata::new(object.clone())?;
    Ok(object)
}

fn models(value: Value) -> Result<Vec<String>, Invalid> {
    let refused = || {
        Invalid::new(
            "must be a list of at most 1,000 strings of 1 to 255 characters without control characters",
        )
    };
    let Value::Array(items) = value else {
        return Err(refused());
    };
    if items.len() > MAX_MODELS {
        return Err(refused());
    }
    let name = |item| match item {
        Value::String(name)
            if (1..=MAX_MODEL_LENGTH).contains(&name.chars().count())
                && !name.chars().any(char::is_control) =>
        {
            Ok(name)
        }
        _ => Err(refused()),
    };
    items.into_iter().map(name).collect()
}

fn budget(value: Value) -> Result<Budget, Invalid> {
    match value.as_f64() {
        Some(amount) => Budget::try_from(amount),
        None => Err(Invalid::new("must be a number")),
    }
}

fn rate(value: Value) -> Result<u64, Invalid> {
    // JSON does not tell 100 from 100.0, and neither does its schema.
    let whole = |number: f64| {
        let digits = (number.fract() == 0.0).then(|| format!("{:.0}", number + 0.0))?;
        digits.parse().ok()
    };
    let rate = value.as_u64().or_else(|| value.as_f64().and_then(whole));
    rate.filter(|rate| *rate <= MAX_RATE).ok_or(Invalid::new(
        "must be a whole number from 0 to 9007199254740991",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_with_a_point() {
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
            assert_eq!(super::rate(written.clone()).ok(), rate, "{written}");
        }
    }
}
