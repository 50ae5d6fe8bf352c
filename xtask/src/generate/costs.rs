//! The measured cost of each operation, from the snapshot of the story that measures it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Output;
use crate::results::Results;

const SNAPSHOT: &str =
    "tests/stories/snapshots/stories__round_trips__the_cost_of_every_operation.snap";
const RESULTS: Results = Results {
    name: "round-trips",
    title: "Round trips and capacity units",
    command: "cargo xtask generate",
    explained: "the [data model](../DATA_MODEL.md#round-trips-and-capacity-units)",
};

/// The document with the rows of the snapshot.
pub(super) fn output(root: &Path) -> Result<Output> {
    let snapshot = fs::read_to_string(root.join(SNAPSHOT)).context(SNAPSHOT)?;
    let rows = rows(&snapshot).with_context(|| format!("no rows in {SNAPSHOT}"))?;
    Ok(Output {
        path: RESULTS.path(Path::new("")),
        content: Some(RESULTS.text(&format!("```text\n{rows}\n```"))),
    })
}

/// What follows the header of the snapshot.
fn rows(snapshot: &str) -> Option<&str> {
    let (_, rows) = snapshot.strip_prefix("---\n")?.split_once("---\n")?;
    Some(rows.trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_header_is_skipped() {
        let snapshot =
            "---\nsource: a.rs\nexpression: rows\n---\nget team 200 2\nlist teams 200 3\n";
        assert_eq!(rows(snapshot), Some("get team 200 2\nlist teams 200 3"));
        assert_eq!(rows("get team 200 2"), None);
    }
}
