//! Paginated lists.

use serde_json::{Value, json};

use super::answer::EntraRefusal;
use super::circumstances::Circumstances;
use super::file::Directory;
use super::query::{Query, StartPosition, bad, expired};

/// A complete list.
pub(super) struct List<T> {
    pub(super) rows: Vec<T>,
    /// The text after `$metadata#`, without the selected properties.
    pub(super) context: String,
}

impl<T> List<T> {
    /// The requested page, with each row formatted by `show`.
    pub(super) fn page(
        self,
        directory: &Directory,
        about: &Circumstances<'_>,
        show: impl Fn(T) -> Value,
    ) -> Result<Value, EntraRefusal> {
        let (query, root, path) = (about.query, about.root, about.path);
        let from = query.from.unwrap_or(StartPosition {
            generation: about.generation,
            page: 1,
            offset: 0,
        });
        if from.generation != about.generation {
            return Err(expired());
        }
        let all = self.rows.len();
        let size = directory.page_size(query.top);
        let page = self.rows.into_iter().skip(from.offset).take(size);
        let rows = page.map(|row| {
            let mut row = show(row);
            select(&mut row, query);
            row
        });
        let selected = query.select.as_deref();
        let selected = selected.map_or(String::new(), |names| format!("({names})"));
        let mut body = json!({
            "@odata.context": format!("{root}/$metadata#{}{selected}", self.context),
            "value": rows.collect::<Vec<_>>(),
        });
        let next = from.offset + size;
        if let Some(body) = body.as_object_mut() {
            if query.count && from.page == 1 {
                body.insert("@odata.count".to_owned(), all.into());
            }
            if next < all {
                let token = format!("{}.{}.{next}", from.generation, from.page + 1);
                let link = format!("{root}/{path}?{}$skiptoken={token}", query.kept);
                body.insert("@odata.nextLink".to_owned(), link.into());
            }
        }
        Ok(body)
    }
}

/// Keeps the properties named in `$select`, and annotations.
pub(super) fn select(row: &mut Value, query: &Query) {
    if let (Some(row), Some(names)) = (row.as_object_mut(), &query.select) {
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        row.retain(|name, _| name.starts_with("@odata.") || names.contains(&name.as_str()));
    }
}

/// Rejects an advanced query without the header and parameter that advanced queries require.
/// <https://learn.microsoft.com/graph/aad-advanced-queries>
pub(super) fn advanced(about: &Circumstances<'_>, cast: bool) -> Result<(), EntraRefusal> {
    if about.query.count && !about.eventual {
        return Err(bad(
            "Request_BadRequest",
            "$count is not currently supported.",
        ));
    }
    if cast && !(about.query.count && about.eventual) {
        let what = "A cast wants the header ConsistencyLevel: eventual and $count=true.";
        return Err(bad("Request_UnsupportedQuery", what));
    }
    Ok(())
}
