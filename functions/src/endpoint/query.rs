//! Query parameters. The type of each reads and describes it.

use std::str::FromStr;

use muster::domain::{
    Caller, Domain, Invalid, MAX_NAME_LENGTH, Name, Role, SearchPrefix, Status, UserStatus,
};
use muster::http::{self, Answer, ApiRequest, PageRequest, Problem};
use muster::store::Page;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use strum::VariantArray;

use super::parts::RequestPart;
use crate::openapi::Operation;

/// The parameters of a query, declared with `query!`.
pub(crate) trait QueryParameters: Sized + Send + 'static {
    /// Reads them. Errors are recorded in the query.
    fn read(query: &mut http::Query<'_>) -> Self;

    /// Adds them to the operation.
    fn describe(operation: Operation) -> Operation;
}

/// No parameters.
impl QueryParameters for () {
    fn read(_: &mut http::Query<'_>) -> Self {}

    fn describe(operation: Operation) -> Operation {
        operation
    }
}

/// One parameter.
pub(crate) trait Parameter: Sized {
    /// Reads the parameter of this name.
    fn read(query: &mut http::Query<'_>, name: &'static str) -> Self;

    /// Its schema.
    fn schema() -> Value;
}

/// The value of a parameter that filters a list. A cursor is valid only with the filters of its
/// list.
pub(crate) trait Filter: Sized {
    /// Reads the value.
    fn parse(text: &str) -> Result<Self, Invalid>;

    /// Its schema.
    fn schema() -> Value;
}

/// An optional filter.
impl<T: Filter> Parameter for Option<T> {
    fn read(query: &mut http::Query<'_>, name: &'static str) -> Self {
        query.filter(name, T::parse)
    }

    fn schema() -> Value {
        T::schema()
    }
}

impl Filter for Name {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}

impl Filter for Domain {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}

impl Filter for Role {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::VARIANTS})
    }
}

impl Filter for SearchPrefix {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH})
    }
}

/// A status that filters a list.
pub(crate) trait ListedStatus: FromStr<Err = Invalid> + Serialize + VariantArray {
    /// The status of what a list shows without the parameter.
    const DEFAULT: Self;
}

/// `?status=`: one status, or `all`, which is `None`.
pub(crate) struct StatusFilter<S>(pub(crate) Option<S>);

impl<S: ListedStatus> StatusFilter<S> {
    fn values() -> Vec<Value> {
        let all = S::VARIANTS.iter().map(|status| json!(status));
        all.chain([json!("all")]).collect()
    }
}

impl<S: ListedStatus> Parameter for StatusFilter<S> {
    fn read(query: &mut http::Query<'_>, name: &'static str) -> Self {
        let read = |status: &str| match status {
            "all" => Ok(None),
            status => status.parse().map(Some).map_err(|_| {
                let values = Self::values();
                let values: Vec<_> = values.iter().filter_map(Value::as_str).collect();
                Invalid::new(format!("must be one of {}", values.join(", ")))
            }),
        };
        Self(query.filter(name, read).unwrap_or(Some(S::DEFAULT)))
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::values(), "default": S::DEFAULT})
    }
}

impl ListedStatus for Status {
    const DEFAULT: Self = Self::Active;
}

impl ListedStatus for UserStatus {
    const DEFAULT: Self = Self::Enabled;
}

/// `true` or `false`; defaults to `false`.
impl Parameter for bool {
    fn read(query: &mut http::Query<'_>, name: &'static str) -> Self {
        query.flag(name)
    }

    fn schema() -> Value {
        json!({"type": "boolean", "default": false})
    }
}

/// The parameter of a field, which may be a raw identifier.
pub(crate) const fn parameter_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

/// Declares the parameters of a query: a struct whose fields are [`Parameter`]s, each with its description.
macro_rules! query {
    (
        $(#[doc = $about:literal])*
        $visibility:vis struct $Query:ident {
            $($(#[doc = $line:literal])+ $field:ident: $Type:ty,)+
        }
    ) => {
        $(#[doc = $about])*
        $visibility struct $Query {
            $($(#[doc = $line])+ $visibility $field: $Type,)+
        }

        impl $crate::endpoint::QueryParameters for $Query {
            fn read(query: &mut muster::http::Query<'_>) -> Self {
                $(
                    let name = $crate::endpoint::parameter_name(stringify!($field));
                    let $field = $crate::endpoint::Parameter::read(query, name);
                )+
                Self { $($field,)+ }
            }

            fn describe(operation: $crate::openapi::Operation) -> $crate::openapi::Operation {
                operation
                    $(.query(
                        $crate::endpoint::parameter_name(stringify!($field)),
                        concat!($($line),+).trim(),
                        <$Type as $crate::endpoint::Parameter>::schema(),
                    ))+
            }
        }
    };
}
pub(crate) use query;

/// The query of an operation that does not return a list.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: QueryParameters> RequestPart for Query<T> {
    const READS_QUERY: bool = true;

    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        let mut query = request.query();
        let parameters = T::read(&mut query);
        query.finish()?;
        Ok(Self(parameters))
    }

    fn describe(operation: Operation) -> Operation {
        T::describe(operation)
    }
}

/// The query of a list: filters, `limit` and `cursor`.
pub(crate) struct Paged<T = ()> {
    pub(crate) filters: T,
    page: PageRequest,
}

impl<T> Paged<T> {
    /// The position in the list before the page.
    pub(crate) fn after(&self) -> Option<&str> {
        self.page.after.as_deref()
    }

    /// The maximum number of items in the page.
    pub(crate) fn limit(&self) -> usize {
        self.page.limit
    }

    /// The cursor of the page after this one, if there is one.
    pub(crate) fn cursor_of<Item>(&self, found: &Page<Item>) -> Option<String> {
        let place = found.next.as_deref()?;
        Some(self.page.cursor.seal(place))
    }

    /// 200 with the page and the cursor of the next one. `show` creates the JSON of an item.
    pub(crate) fn answer<Item>(
        &self,
        found: Page<Item>,
        show: impl Fn(&Item) -> Box<RawValue>,
    ) -> Answer {
        let cursor = self.cursor_of(&found);
        Answer::page(found, show, cursor)
    }
}

impl<T: QueryParameters> RequestPart for Paged<T> {
    const READS_QUERY: bool = true;

    fn read(caller: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        let mut query = request.query();
        let filters = T::read(&mut query);
        let page = query.page(caller)?;
        Ok(Self { filters, page })
    }

    fn describe(operation: Operation) -> Operation {
        T::describe(operation).pagination()
    }
}

query! {
    /// The query of an operation that removes a membership.
    pub(crate) struct Force {
        /// `true` also removes a membership that a directory manages. Requires a tenant admin.
        force: bool,
    }
}
