//! Measurements of stories, from their snapshots: the cost of each operation, and of the runs of a large directory.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Output;
use crate::results::Results;

/// A snapshot, and the document that has its rows.
struct Measured {
    snapshot: &'static str,
    results: Results,
}

const COMMAND: &str = "cargo xtask generate";
const ALL: [Measured; 3] = [
    Measured {
        snapshot: "tests/stories/snapshots/stories__round_trips__costs.snap",
        results: Results {
            name: "round-trips",
            title: "Round trips and capacity units",
            command: COMMAND,
            explained: "the [data model](../DATA_MODEL.md#round-trips-and-capacity-units)",
        },
    },
    Measured {
        snapshot: "tests/stories/snapshots/stories__round_trips__writes.snap",
        results: Results {
            name: "writes",
            title: "The writes of each operation and their conditions",
            command: COMMAND,
            explained: "the [data model](../DATA_MODEL.md#conditions-of-writes)",
        },
    },
    Measured {
        snapshot: "tests/stories/directories/runs/snapshots/stories__directories__runs__large__the_cost_of_runs.snap",
        results: Results {
            name: "runs",
            title: "Runs of a directory of 5,000 users in 200 groups",
            command: COMMAND,
            explained: "the [directories of tenants](../ENTRA.md#without-a-login)",
        },
    },
];

/// The documents with the rows of the snapshots.
pub(super) fn outputs(root: &Path) -> Result<Vec<Output>> {
    let outputs = ALL.iter().map(|Measured { snapshot, results }| {
        let text = fs::read_to_string(root.join(snapshot)).context(*snapshot)?;
        let rows = rows(&text).with_context(|| format!("no rows in {snapshot}"))?;
        Ok(Output {
            path: results.path(Path::new("")),
            content: Some(results.text(&format!("```text\n{rows}\n```"))),
        })
    });
    outputs.collect()
}

/// Returns the text after the header of the snapshot.
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
