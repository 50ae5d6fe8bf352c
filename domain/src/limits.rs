//! Limits on the spending and usage of an organization or a team.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;

use super::{Invalid, JsonNumber};

/// Maximum number of models in a list.
pub const MAX_MODELS: usize = 1_000;
/// Maximum length of the name of a model, in characters.
pub const MAX_MODEL_LENGTH: usize = 255;
/// Maximum budget.
pub const MAX_BUDGET: f64 = 1e15;
/// Minimum budget that is not zero.
pub const MIN_BUDGET: f64 = 1e-9;
/// Maximum of tokens or requests per minute: the largest whole number that every JSON reader reads exactly.
pub const MAX_RATE: u64 = (1 << 53) - 1;

/// Limits of an organization or a team. `null` means not limited; in a team of an organization, limited as in the
/// organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limits {
    /// Models that may be used. Empty means all; in a team of an organization, all of the organization.
    #[schemars(schema_with = "models")]
    pub models: Vec<String>,
    /// Maximum amount that may be spent in one `budget_duration`, in a currency of your choice.
    pub max_budget: Option<Budget>,
    /// Period after which the budget is renewed.
    pub budget_duration: Option<BudgetDuration>,
    /// Maximum tokens per minute.
    #[schemars(range(max = MAX_RATE))]
    pub tpm_limit: Option<u64>,
    /// Maximum requests per minute.
    #[schemars(range(max = MAX_RATE))]
    pub rpm_limit: Option<u64>,
}

/// Returns the schema of a list of models.
fn models(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MAX_MODELS,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_MODEL_LENGTH,
            "pattern": r"^[^\x00-\x1f\x7f-\x9f]*$",
        },
    })
}

/// Returns the schema of a list of models in a patch.
pub(super) fn models_or_null(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = models(generator);
    schema.insert("type".to_owned(), json!(["array", "null"]));
    schema
}

/// An amount of money: 0, or 0.000000001 to 1e15.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Deserialize, JsonSchema)]
#[serde(try_from = "f64")]
#[schemars(with = "f64", extend("minimum" = 0, "maximum" = MAX_BUDGET, "anyOf" = [{"const": 0}, {"minimum": MIN_BUDGET}]))]
pub struct Budget(f64);

impl Budget {
    /// Converts a number. Fails if it would lose digits.
    pub fn exactly(number: &JsonNumber) -> Result<Self, Invalid> {
        let amount = number.as_f64().ok_or(Invalid::new(
            "must be 0, or a number from 0.000000001 to 1e15, with at most 15 significant digits",
        ))?;
        Self::try_from(amount)
    }
}

/// Writes a whole amount without a fraction, as clients usually send it.
impl Serialize for Budget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, not negative, and at most 1e15"
        )]
        let whole = self.0 as u64;
        if self.0.fract() == 0.0 {
            serializer.serialize_u64(whole)
        } else {
            serializer.serialize_f64(self.0)
        }
    }
}

impl TryFrom<f64> for Budget {
    type Error = Invalid;

    fn try_from(amount: f64) -> Result<Self, Invalid> {
        if amount == 0.0 || (MIN_BUDGET..=MAX_BUDGET).contains(&amount) {
            // Adding zero turns a negative zero into a positive one.
            return Ok(Self(amount + 0.0));
        }
        Err(Invalid::new(
            "must be 0, or a number from 0.000000001 to 1e15",
        ))
    }
}

impl From<Budget> for f64 {
    fn from(budget: Budget) -> f64 {
        budget.0
    }
}

/// Period after which a budget is renewed: a number and `s`, `m`, `h`, `d` or `mo` (`30s`, `5m`, `24h`, `30d`, `1mo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(extend("pattern" = r"^[1-9][0-9]{0,8}(s|m|h|d|mo)$"))]
pub struct BudgetDuration(String);

impl BudgetDuration {
    /// Returns the number of seconds. A month counts as 30 days.
    pub fn seconds(&self) -> u64 {
        const DAY: u64 = 24 * 60 * 60;
        let digits = self.0.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = match self.0.strip_prefix(digits) {
            Some("s") => 1,
            Some("m") => 60,
            Some("h") => 60 * 60,
            Some("d") => DAY,
            _ => 30 * DAY,
        };
        // It was parsed, so it is a number of at most nine digits.
        digits.parse::<u64>().unwrap_or_default() * unit
    }
}

impl FromStr for BudgetDuration {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = text.strip_prefix(digits).unwrap_or_default();
        let number_is_plain = (1..=9).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        if !number_is_plain || !["s", "m", "h", "d", "mo"].contains(&unit) {
            return Err(Invalid::new(
                "must be a number and s, m, h, d or mo, like 30s, 5m, 24h, 30d or 1mo",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for BudgetDuration {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<BudgetDuration> for String {
    fn from(duration: BudgetDuration) -> String {
        duration.0
    }
}

impl fmt::Display for BudgetDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for good in ["30s", "5m", "24h", "30d", "1mo"] {
            assert!(good.parse::<BudgetDuration>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "5",
            "m",
            "0d",
            "05m",
            "1.5h",
            "1y",
            "1 d",
            "-1d",
            "9999999999d",
            "1d1h",
            "１d",
        ] {
            assert!(bad.parse::<BudgetDuration>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_month_counts_as_thirty_days() {
        let seconds = |text: &str| text.parse::<BudgetDuration>().unwrap().seconds();
        let found = ["30s", "5m", "24h", "30d", "1mo", "999999999mo"].map(seconds);
        let day = 86_400;
        assert_eq!(
            found,
            [30, 300, day, 30 * day, 30 * day, 999_999_999 * 30 * day]
        );
    }

    #[test]
    fn budget_range_is_checked() {
        for good in [0.0, 1e-9, 12.5, 1e15] {
            assert!(Budget::try_from(good).is_ok(), "{good}");
        }
        for bad in [-1.0, 1e-10, 1e300, f64::NAN, f64::INFINITY] {
            assert!(Budget::try_from(bad).is_err(), "{bad}");
        }
    }
}
