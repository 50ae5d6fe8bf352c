use std::str::FromStr;

use super::violation::{Violations, escaped};
use crate::{Invalid, Json, JsonObject, Patch};

/// The fields of an object that have not been read yet. Collects violations until [`Fields::finish`], which also
/// refuses the fields that were not read.
#[derive(Debug)]
pub struct Fields {
    object: JsonObject,
    pointer: String,
    violations: Violations,
}

impl Fields {
    /// Creates the fields of a body.
    pub fn new(object: JsonObject) -> Self {
        Self {
            object,
            pointer: String::new(),
            violations: Violations::default(),
        }
    }

    /// Records that a field is invalid.
    pub fn violate(&mut self, field: &str, detail: impl ToString) {
        let pointer = format!("{}/{}", self.pointer, escaped(field));
        self.violations.add(pointer, detail);
    }

    /// Records that a field of an object in a list is invalid.
    pub fn violate_item(
        &mut self,
        list: &str,
        position: usize,
        field: &str,
        detail: impl ToString,
    ) {
        let (list, field) = (escaped(list), escaped(field));
        let pointer = format!("{}/{list}/{position}/{field}", self.pointer);
        self.violations.add(pointer, detail);
    }

    /// Reads a field that may be absent, set, or cleared with `null`.
    pub fn patch<T>(&mut self, field: &str, read: impl Fn(Json) -> Result<T, Invalid>) -> Patch<T> {
        match self.object.remove(field) {
            None => Patch::Keep,
            Some(Json::Null) => Patch::Clear,
            Some(value) => self
                .checked(field, read(value))
                .map_or(Patch::Keep, Patch::Set),
        }
    }

    /// Reads a field that may be absent, but not `null`.
    pub fn optional<T>(
        &mut self,
        field: &str,
        read: impl Fn(Json) -> Result<T, Invalid>,
    ) -> Option<T> {
        let value = self.object.remove(field)?;
        self.checked(field, read(value))
    }

    /// Reads a required field. Returns `None` if it is invalid, which [`Fields::finish`] reports.
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

    /// Reads a nested object, with `read` for its fields.
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

    /// Fails with all violations if a field was invalid or was not read.
    pub fn finish(mut self) -> Result<(), Violations> {
        self.refuse_the_rest();
        self.violations.finish()
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

/// Reads a string and parses it.
pub fn text<T: FromStr<Err = Invalid>>(value: Json) -> Result<T, Invalid> {
    match value {
        Json::String(text) => text.parse(),
        _ => Err(Invalid::new("must be a string")),
    }
}

/// Reads an object of any content.
pub(crate) fn object(value: Json) -> Result<JsonObject, Invalid> {
    match value {
        Json::Object(object) => Ok(object),
        _ => Err(Invalid::new("must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{Domain, Name};

    fn fields(body: Value) -> Fields {
        Fields::new(object(body.into()).unwrap())
    }

    #[test]
    fn every_violation_is_reported_with_its_pointer() {
        let mut fields = fields(json!({"domain": 7, "a/b": 1, "limits": {"x~y": 1, "models": 2}}));
        assert_eq!(fields.required("name", text::<Name>), None);
        assert_eq!(fields.patch("domain", text::<Domain>), Patch::Keep);
        fields.nested("limits", |limits| {
            limits.violate("models", "must be a list");
        });
        let violations = Vec::from(fields.finish().unwrap_err());
        let pointers: Vec<_> = violations.iter().map(|v| v.pointer.as_str()).collect();
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
    fn null_clears_only_patch_fields() {
        let mut fields = fields(json!({"domain": null, "name": null}));
        assert_eq!(fields.patch("domain", text::<Domain>), Patch::Clear);
        assert_eq!(fields.optional("name", text::<Name>), None);
        assert_eq!(Vec::from(fields.finish().unwrap_err()).len(), 1);
    }
}
