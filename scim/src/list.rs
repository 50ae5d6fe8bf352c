//! Lists: what is asked for, and the response.

use serde_json::{Value, json};

use crate::error::invalid_value;
use crate::error::{Error, ScimType};
use crate::filter::Filter;
use crate::projection::Projection;

/// Number of resources in a page if the client gives none.
pub const DEFAULT_COUNT: usize = 100;
/// Maximum number of resources in a page.
pub const MAX_COUNT: usize = 200;

/// Parameters of a list or search request. Sorting is not supported and ignored.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// The condition.
    pub filter: Option<Filter>,
    /// The attributes to return.
    pub projection: Projection,
    /// The position of the first resource, from 1.
    pub start_index: usize,
    /// The number of resources, at most [`MAX_COUNT`]. 0 asks for `totalResults` only.
    pub count: usize,
}

/// A number as it is used: what is negative is 0.
fn clamped(number: i64) -> usize {
    usize::try_from(number.max(0)).unwrap_or(usize::MAX)
}

impl ListQuery {
    fn new(
        filter: Option<&str>,
        projection: Projection,
        start_index: Option<i64>,
        count: Option<i64>,
    ) -> Result<Self, Error> {
        Ok(Self {
            filter: filter.map(Filter::parse).transpose()?,
            projection,
            start_index: start_index.map_or(1, clamped).max(1),
            count: count.map_or(DEFAULT_COUNT, clamped).min(MAX_COUNT),
        })
    }

    /// Reads the query string of a GET, as it is in the URL. Unknown parameters are ignored.
    pub fn from_query(query: &str) -> Result<Self, Error> {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
        let get = |name: &str| {
            let mut pairs = pairs.iter();
            pairs
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_ref())
        };
        let number = |name: &str| {
            let value = get(name).map(|text| text.trim().parse::<i64>());
            value
                .transpose()
                .map_err(|_| invalid_value(format!("{name} must be an integer.")))
        };
        let projection = Projection::parse(get("attributes"), get("excludedAttributes"))?;
        Self::new(
            get("filter"),
            projection,
            number("startIndex")?,
            number("count")?,
        )
    }

    /// Reads the body of `POST /.search`.
    pub fn from_search(body: &Value) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::of(
                ScimType::InvalidSyntax,
                "The body must be an object.",
            ));
        };
        let get = |name: &str| crate::filter::get(body, name).filter(|value| !value.is_null());
        let number = |name: &str| {
            let value = get(name).map(|value| value.as_i64().ok_or(()));
            value
                .transpose()
                .map_err(|()| invalid_value(format!("{name} must be an integer.")))
        };
        let filter = get("filter").map(|filter| {
            let text = filter.as_str();
            text.ok_or_else(|| Error::of(ScimType::InvalidFilter, "The filter must be a string."))
        });
        let projection = Projection::from_json(get("attributes"), get("excludedAttributes"))?;
        Self::new(
            filter.transpose()?,
            projection,
            number("startIndex")?,
            number("count")?,
        )
    }

    /// The page of all matches, which have a stable order.
    pub fn page<'a, T>(&self, matches: &'a [T]) -> &'a [T] {
        let rest = matches.get(self.start_index - 1..).unwrap_or_default();
        rest.get(..self.count).unwrap_or(rest)
    }
}

/// The response of a list. `total` counts all matches, `resources` are the page.
pub fn list_response(total: usize, start_index: usize, resources: Vec<Value>) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}
