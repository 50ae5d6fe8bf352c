//! The head and the rows of a table.

use std::fmt::Write as _;

use anyhow::Result;

use crate::data::Data;

/// The head of a table with a column per usage profile.
pub(super) fn head(text: &mut String, data: &Data, first: &str) -> Result<()> {
    let names = data.habits.shapes.iter().map(|shape| shape.name.as_str());
    let names: Vec<_> = names.collect();
    writeln!(text, "| {first} | {} |", names.join(" | "))?;
    writeln!(text, "|---|{}", "---:|".repeat(names.len()))?;
    Ok(())
}

pub(super) fn row(
    text: &mut String,
    first: &str,
    cells: impl Iterator<Item = String>,
) -> Result<()> {
    let cells: Vec<_> = cells.collect();
    writeln!(text, "| {first} | {} |", cells.join(" | "))?;
    Ok(())
}
