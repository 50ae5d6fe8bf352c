//! Pages of events as CSV and as lines of JSON.

use muster::domain::{Caller, Event, Page};
use muster::http::{self, Answer, ApiRequest, Export, MediaType, Problem};
use serde_json::Value;

use crate::endpoint::{Paged, RequestPart};

/// The columns of a CSV export.
const COLUMNS: [&str; 15] = [
    "id",
    "type",
    "occurred_at",
    "tenant_id",
    "organization_id",
    "actor_type",
    "actor_id",
    "actor_name",
    "targets",
    "changes",
    "request_id",
    "operation",
    "source_ip",
    "user_agent",
    "resource_version",
];

/// The form of a page, from the header `Accept`. Defaults to JSON.
pub(crate) struct Format {
    media_type: MediaType,
    /// The query of the page, without its cursor.
    query: String,
}

impl RequestPart for Format {
    fn read(_: &Caller, request: &ApiRequest) -> Result<Self, Problem> {
        Ok(Self {
            media_type: request.accepted(),
            query: request.query_without("cursor"),
        })
    }
}

impl Format {
    /// 200, with the page in this form.
    pub(crate) fn answer<T>(&self, page: &Paged<T>, found: Page<Event>) -> Result<Answer, Problem> {
        if self.media_type == MediaType::Json {
            return Ok(page.answer(found, http::json).by_accept());
        }
        let next = page.cursor_of(&found).map(|cursor| {
            let separator = if self.query.is_empty() { "" } else { "&" };
            format!("?{}{separator}cursor={cursor}", self.query)
        });
        let text = match self.media_type {
            MediaType::Csv => csv(&found.items)?,
            _ => lines(&found.items),
        };
        Ok(Answer::export(Export {
            media_type: self.media_type,
            text,
            next,
        })
        .by_accept())
    }
}

fn lines(events: &[Event]) -> String {
    let lines = events.iter().map(http::json);
    lines.fold(String::new(), |text, line| text + line.get() + "\n")
}

fn csv(events: &[Event]) -> Result<String, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS).map_err(Problem::internal)?;
    for event in events {
        let event = serde_json::to_value(event).map_err(Problem::internal)?;
        let cells = COLUMNS.map(|column| guarded(cell(&event, column)));
        writer.write_record(&cells).map_err(Problem::internal)?;
    }
    let bytes = writer.into_inner().map_err(|error| {
        // Writing to memory cannot fail.
        Problem::internal(error.to_string())
    })?;
    String::from_utf8(bytes).map_err(Problem::internal)
}

/// The text of a column.
fn cell(event: &Value, column: &str) -> String {
    let value = match column {
        "actor_type" => event.pointer("/actor/type"),
        "actor_id" => event.pointer("/actor/id"),
        "actor_name" => event.pointer("/actor/name"),
        "request_id" | "operation" | "source_ip" | "user_agent" => {
            event.pointer(&format!("/context/{column}"))
        }
        column => event.get(column),
    };
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Prevents a spreadsheet from reading a cell as a formula.
fn guarded(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        return format!("'{cell}");
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_look_like_formulas_are_guarded() {
        for (cell, shown) in [
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell.to_owned()), shown);
        }
    }
}
