use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// Maximum number of violations in one response.
const MAX_VIOLATIONS: usize = 100;

/// One violation of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Violation {
    /// A JSON pointer (RFC 6901) into the body, or the name of the parameter after a slash.
    pub pointer: String,
    /// What is wrong, and what is allowed.
    pub detail: String,
}

/// All violations in a value, in the order in which they were found. Only the first 100 are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds a violation of the value at this pointer.
    pub fn add(&mut self, pointer: String, detail: impl ToString) {
        if self.0.len() < MAX_VIOLATIONS {
            self.0.push(Violation {
                pointer,
                detail: detail.to_string(),
            });
        }
    }

    /// Fails with the violations if there are any.
    pub fn finish(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

impl From<Violations> for Vec<Violation> {
    fn from(violations: Violations) -> Self {
        violations.0
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let violations = self
            .0
            .iter()
            .map(|it| format!("{} {}", it.pointer, it.detail));
        formatter.write_str(&violations.collect::<Vec<_>>().join("; "))
    }
}

impl std::error::Error for Violations {}

/// Returns the JSON pointer to a member of the request, or to a parameter by its name.
pub fn pointer_to(name: &str) -> String {
    format!("/{}", escaped(name))
}

/// Escapes a name for a JSON pointer (RFC 6901, section 3).
pub(super) fn escaped(field: &str) -> String {
    field.replace('~', "~0").replace('/', "~1")
}
