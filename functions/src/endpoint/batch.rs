//! The items of a request that adds many, and their results.

use muster::domain::{Invalid, Json};
use muster::http::Problem;
use muster::json::{Fields, FromFields};
use muster::store::{Added, BatchResult, Refusal, RefusedItem};

/// Maximum number of items in a batch.
pub(crate) const MAX_ITEMS: usize = 100;

/// An item of a batch.
pub(crate) struct BatchItem<T> {
    /// The id or address, as it was sent, if it was a string.
    pub(crate) name: Option<String>,
    value: Result<T, Problem>,
}

/// Reads the items of a batch. The item is named by its field `name`. Reports no violation for an item that is not valid:
/// it fails alone.
pub(crate) fn read_items<T: FromFields>(
    fields: &mut Fields,
    name: &str,
) -> Option<Vec<BatchItem<T>>> {
    let items = fields.required("items", |value| match value {
        Json::Array(items) if (1..=MAX_ITEMS).contains(&items.len()) => Ok(items),
        _ => Err(Invalid::new("must be a list of 1 to 100 items")),
    })?;
    let items = items.into_iter();
    Some(items.map(|item| BatchItem::read(item, name)).collect())
}

impl<T: FromFields> BatchItem<T> {
    fn read(item: Json, name: &str) -> Self {
        let Json::Object(object) = item else {
            let value = Err(Problem::invalid_at("", "must be an object"));
            return Self { name: None, value };
        };
        let name = match object.get(name) {
            Some(Json::String(name)) => Some(name.clone()),
            _ => None,
        };
        let mut fields = Fields::new(object);
        let value = T::from_fields(&mut fields);
        let value = match fields.finish() {
            Ok(()) => {
                value.ok_or_else(|| Problem::internal("an item without a violation is not read"))
            }
            Err(violations) => Err(violations.into()),
        };
        Self { name, value }
    }
}

/// The name of an item, and what is wrong with it if it is not valid.
pub(crate) type CheckedItem = (Option<String>, Option<Problem>);

/// Returns the values of the valid items, and for each item its name, with the refusal of an item that is not valid.
pub(crate) fn split<T>(items: Vec<BatchItem<T>>) -> (Vec<T>, Vec<CheckedItem>) {
    let mut values = Vec::new();
    let places = items.into_iter().map(|item| match item.value {
        Ok(value) => {
            values.push(value);
            (item.name, None)
        }
        Err(problem) => (item.name, Some(problem)),
    });
    let places = places.collect();
    (values, places)
}

/// Returns the result of each item, from the results of the valid ones.
pub(crate) fn join<T>(
    places: Vec<CheckedItem>,
    added: Vec<Result<Added<T>, Refusal>>,
) -> Result<Vec<BatchResult<T>>, Problem> {
    let mut added = added.into_iter();
    let results = places.into_iter().map(|(name, problem)| {
        if let Some(problem) = problem {
            return Ok(refuse(name, problem));
        }
        match added.next() {
            Some(Ok(added)) => Ok(BatchResult::Added(added)),
            Some(Err(refusal)) => Ok(refuse(name, refusal.into())),
            None => Err(Problem::internal("an item of a batch without a result")),
        }
    });
    results.collect()
}

/// Returns the result of an item that is not added.
fn refuse<T>(name: Option<String>, problem: Problem) -> BatchResult<T> {
    let violations = problem.violations.iter().map(|violation| {
        let field = violation.pointer.trim_start_matches('/');
        format!("{field} {}", violation.detail)
            .trim_start()
            .to_owned()
    });
    let violations: Vec<_> = violations.collect();
    let detail = if violations.is_empty() {
        problem.detail
    } else {
        violations.join("; ")
    };
    BatchResult::Refused(RefusedItem {
        name,
        status: problem.code.status(),
        code: problem.code.as_str().to_owned(),
        detail,
    })
}
