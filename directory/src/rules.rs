//! Reads `DEFAULT_TEAM_PARAMS`, the only setting of the sync whose format in the environment is not that of the API.

use muster::domain::{Invalid, Json, JsonObject, Limits, LimitsPatch};
use muster::json::{Fields, FromFields, Violation};

/// Reads `DEFAULT_TEAM_PARAMS`, which has the format of `limits` in the HTTP contract. Rejects unknown keys,
/// because a misspelt key would leave something unlimited.
pub(super) fn limits(text: &str) -> Result<Limits, Invalid> {
    let mut fields = Fields::new(object(text)?);
    let patch = LimitsPatch::from_fields(&mut fields);
    if let Err(violations) = fields.finish() {
        let violations = Vec::<Violation>::from(violations)
            .into_iter()
            .map(|violation| {
                let key = violation.pointer.trim_start_matches('/');
                format!("{key} {}", violation.detail)
            });
        return Err(Invalid::new(violations.collect::<Vec<_>>().join("; ")));
    }
    Ok(patch.unwrap_or_default().apply(&Limits::default()))
}

/// Reads a JSON object. Drops the parser's error text: it could repeat the value, which may be a misplaced secret.
fn object(text: &str) -> Result<JsonObject, Invalid> {
    match Json::read(text.as_bytes()) {
        Ok(Json::Object(object)) => Ok(object),
        _ => Err(Invalid::new("must be a JSON object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn team_params_become_limits() {
        let read = limits(
            r#"{"max_budget": 100, "budget_duration": "30d", "models": ["a"], "tpm_limit": 10000,
                "rpm_limit": null}"#,
        )
        .unwrap();
        assert_eq!(read.max_budget.map(f64::from), Some(100.0));
        assert_eq!(read.models, ["a"]);
        assert_eq!((read.tpm_limit, read.rpm_limit), (Some(10_000), None));
        assert_eq!(limits("{}"), Ok(Limits::default()));
    }

    #[test]
    fn invalid_team_params_are_refused() {
        for bad in [
            r#"{"max_budgte": 1}"#,
            r#"{"max_budget": -1}"#,
            r#"{"max_budget": "1"}"#,
            r#"{"budget_duration": "1y"}"#,
            r#"{"models": "a"}"#,
            r#"{"models": [""]}"#,
            r#"{"tpm_limit": -1}"#,
            r#"{"rpm_limit": 1.5}"#,
            r#"{"rpm_limit": 9007199254740992}"#,
            "[]",
            "{",
        ] {
            assert!(limits(bad).is_err(), "{bad}");
        }
        assert_eq!(
            limits(r#"{"max_budgte": 1, "tpm_limit": -1}"#)
                .unwrap_err()
                .to_string(),
            "tpm_limit must be a whole number from 0 to 9007199254740991; \
             max_budgte is not a field that can be set here"
        );
    }
}
