//! Bodies, read field by field: whatever is wrong with them is told at once.

use std::str::FromStr;

use super::{Problem, Violation};
use crate::domain::{Invalid, Json, JsonObject, Patch};

/// Most violations that one answer names.
const MAX_VIOLATIONS: usize = 100;

/// The fields of an object that are still to be read. What is wrong is collected, and comes out
/// with [`Fields::finish`]; what is left unread then is wrong too.
#[derive(Debug)]
pub struct Fields {
    object: JsonObject,
    pointer: String,
    violations: Vec<Violation>,
}

impl Fields {
    /// The fields of a body.
    pub fn new(object: JsonObject) -> Self {
        Self {
            object,
            pointer: String::new(),
            violations: Vec::new(),
        }
    }

    /// Says that a field is wrong.
    pub fn violate(&mut self, field: &str, detail: impl ToString) {
        if self.violations.len() < MAX_VIOLATIONS {
            self.violations.push(Violation {
                pointer: format!("{}/{}", self.pointer, escaped(field)),
                detail: detail.to_string(),
            });
        }
    }

    /// A field that may be absent, set, or cleared with `null`.
    pub fn patch<T>(&mut self, field: &str, read: impl Fn(Json) -> Result<T, Invalid>) -> Patch<T> {
        match self.object.remove(field) {
            None => Patch::Keep,
            Some(Json::Null) => Patch::Clear,
            Some(value) => self
                .checked(field, read(value))
                .map_or(Patch::Keep, Patch::Set),
        }
    }

    /// A field that may be absent, but not `null`.
    pub fn optional<T>(
        &mut self,
        field: &str,
        read: impl Fn(Json) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.object.remove(field)?;
        self.checked(field, read(value))
    }

    /// A field that must be there. `None` when it is wrong, which [`Fields::finish`] tells.
    pub fn required<T>(
        &mut self,
        field: &str,
        read: impl Fn(Json) -> Result<T, Invalid>,
    ) -> Option<T> {
        if !self.object.contains_key(field) {
            self.violate(field, "is required");
        }
        self.optional(field, read)
    }

    /// An object of its own, whose fields are read by `read`.
    pub fn nested<T>(&mut self, field: &str, read: impl FnOnce(&mut Self) -> T) -> Patch<T> {
        let object = match self.patch(field, object) {
            Patch::Keep => return Patch::Keep,
            Patch::Clear => return Patch::Clear,
            Patch::Set(object) => object,
        };
        let mut inner = Self {
            object,
            pointer: format!("{}/{}", self.pointer, escaped(field)),
            violations: std::mem::take(&mut self.violations),
        };
        let value = read(&mut inner);
        inner.refuse_the_rest();
        self.violations = inner.violations;
        Patch::Set(value)
    }

    /// The end: refused when anything was wrong, or is left.
    pub fn finish(mut self) -> Result<(), Problem> {
        self.refuse_the_rest();
        if self.violations.is_empty() {
            Ok(())
        } else {
            Err(Problem::invalid(self.violations))
        }
    }

    fn refuse_the_rest(&mut self) {
        for field in std::mem::take(&mut self.object).keys() {
            self.violate(field, "is not a field that can be set here");
        }
    }

    fn checked<T>(&mut self, field: &str, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|invalid| self.violate(field, invalid)).ok()
    }
}

/// The JSON pointer to a member of the request, or to a parameter by its name.
pub(super) fn pointer_to(name: &str) -> String {
    format!("/{}", escaped(name))
}

/// A name as part of a JSON pointer (RFC 6901, section 3).
fn escaped(field: &str) -> String {
    field.replace('~', "~0").replace('/', "~1")
}

/// A text with a rule.
pub fn text<T: FromStr<Err = Invalid>>(value: Json) -> Result<T, Invalid> {
    match value {
        Json::String(text) => text.parse(),
        _ => Err(Invalid::new("must be a string")),
    }
}

/// An object of any content.
pub(super) fn object(value: Json) -> Result<JsonObject, Invalid> {
    match value {
        Json::Object(object) => Ok(object),
        _ => Err(Invalid::new("must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::{Domain, Name};

    fn fields(body: Value) -> Fields {
        Fields::new(object(body.into()).unwrap())
    }

    #[test]
    fn all_that_is_wrong_comes_at_once_each_with_its_pointer() {
        let mut fields = fields(json!({"domain": 7, "a/b": 1, "limits": {"x~y": 1, "models": 2}}));
        assert_eq!(fields.required("name", text::<Name>), None);
        assert_eq!(fields.patch("domain", text::<Domain>), Patch::Keep);
        fields.nested("limits", |limits| {
            limits.violate("models", "must be a list");
        });
        let problem = fields.finish().unwrap_err();
        let pointers: Vec<_> = problem
            .violations
            .iter()
            .map(|v| v.pointer.as_str())
            .collect();
        assert_eq!(
            pointers,
            [
                "/name",
                "/domain",
                "/limits/models",
                "/limits/models",
                "/limits/x~0y",
                "/a~1b"
            ]
        );
    }

    #[test]
    fn null_clears_what_may_be_cleared_and_nothing_else() {
        let mut fields = fields(json!({"domain": null, "name": null}));
        assert_eq!(fields.patch("domain", text::<Domain>), Patch::Clear);
        assert_eq!(fields.optional("name", text::<Name>), None);
        assert_eq!(fields.finish().unwrap_err().violations.len(), 1);
    }
}
