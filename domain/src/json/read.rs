//! Types that are read from JSON: from a value, a field, or all fields of an object.

use super::Fields;
use crate::{Invalid, Json, Patch};

/// A type that is read from one JSON value.
pub trait FromJson: Sized {
    /// Reads the value, or returns the rule that it breaks.
    fn from_json(value: Json) -> Result<Self, Invalid>;
}

/// A type that is read from one field of an object. The type determines whether the field is required:
///
/// - `T` is required,
/// - `Option<T>` may be absent, but not `null`,
/// - `Patch<T>` may be absent, and `null` clears it.
pub trait Field: Sized {
    /// Reads the field. Returns `None` if it is required and invalid, which the fields report.
    fn read(fields: &mut Fields, name: &str) -> Option<Self>;
}

impl<T: FromJson> Field for T {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        fields.required(name, T::from_json)
    }
}

impl<T: FromJson> Field for Option<T> {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        Some(fields.optional(name, T::from_json))
    }
}

impl<T: FromJson> Field for Patch<T> {
    fn read(fields: &mut Fields, name: &str) -> Option<Self> {
        Some(fields.patch(name, T::from_json))
    }
}

/// A type that is read from the fields of an object. Implemented with [`from_fields!`](crate::from_fields).
pub trait FromFields: Sized {
    /// Reads all fields. Returns `None` if a required one is invalid, which the fields report.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// Reads a struct from the fields of an object: every field of the struct by its own name and type. Omitting a field
/// of the struct does not compile. `..change` reads the fields that are left with the type of the field `change`.
#[macro_export]
macro_rules! from_fields {
    ($Type:ident { $($field:ident),+ $(, ..$rest:ident)? $(,)? }) => {
        impl $crate::json::FromFields for $Type {
            fn from_fields(fields: &mut $crate::json::Fields) -> Option<Self> {
                $(let $field = $crate::json::Field::read(fields, stringify!($field));)+
                $(let $rest = $crate::json::FromFields::from_fields(fields);)?
                Some(Self { $($field: $field?,)+ $($rest: $rest?,)? })
            }
        }
    };
}
