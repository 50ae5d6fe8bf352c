//! Writes `docs/results/performance.md` from the stored results. Its figures are never typed by
//! hand.

mod goals;
mod sections;

use std::fs;

use anyhow::Result;

use crate::builds::Builds;
use crate::figures::{Machine, kept, root};
use crate::functions::Functions;
use crate::instructions::{Counted, INSTRUCTIONS};
use crate::logins::Logins;
use crate::plot::thousands;
use crate::table::Table;
use goals::Goals;

/// The sources of the report; a part without results is omitted.
pub(crate) struct Results {
    functions: Option<Functions>,
    instructions: Option<Counted>,
    builds: Option<Builds>,
    logins: Option<Logins>,
    table: Option<Table>,
}

/// The documents: paths from the root, and texts.
pub(crate) type Documents = Vec<(&'static str, String)>;

impl Results {
    /// The last stored results.
    pub(crate) fn kept() -> Result<Self> {
        Ok(Self {
            functions: kept("functions-release")?,
            instructions: kept(INSTRUCTIONS)?,
            builds: kept("builds")?,
            logins: kept("logins")?,
            table: kept("table")?,
        })
    }

    /// The documents from these results.
    pub(crate) fn documents(&self) -> Result<Documents> {
        let mut text = HEAD.to_owned();
        text += &self.goals()?;
        let mut machines = String::new();
        let mut documents = Vec::new();
        if let Some(functions) = &self.functions {
            text += &sections::sizes_and_times(functions);
            machines += &machine_line("functions", &functions.machine);
        }
        if let Some(counted) = &self.instructions {
            text += &sections::instructions(counted);
            machines += &machine_line(INSTRUCTIONS, &counted.machine);
        }
        if let Some(builds) = &self.builds {
            text += &sections::build_times(builds);
            machines += &machine_line("builds", &builds.machine);
        }
        if let Some(logins) = &self.logins {
            text += &sections::login_times(logins);
            machines += &machine_line("logins", &logins.machine);
            documents.push(("docs/results/logins.svg", sections::plot_of_logins(logins)?));
        }
        if let Some(table) = &self.table {
            text += &sections::table_costs(table);
            machines += &machine_line("table", &table.machine);
            documents.push((
                "docs/results/table.svg",
                sections::plot_of_the_table(table)?,
            ));
        }
        text += "\n## The machine\n\n";
        text += &machines;
        documents.push(("docs/results/performance.md", text));
        Ok(documents)
    }

    fn goals(&self) -> Result<String> {
        let mut goals = Goals(GOALS.to_owned());
        match &self.functions {
            Some(functions) => {
                goals::of_functions(functions, &mut goals)?;
                goals::of_instructions(functions, &mut goals);
            }
            None => goals.missing("functions"),
        }
        match &self.builds {
            Some(builds) => goals::of_builds(builds, &mut goals),
            None => goals.missing("builds"),
        }
        goals.text_row(
            "Round trips and units of each operation",
            "as in the data model",
            "[counted](../DATA_MODEL.md#round-trips-and-capacity-units)",
            "checked by a test",
        );
        match &self.logins {
            Some(logins) => goals::of_logins(logins, self.functions.as_ref(), &mut goals)?,
            None => goals.missing("logins"),
        }
        match &self.table {
            Some(table) => goals::of_the_table(table, &mut goals),
            None => goals.missing("table"),
        }
        Ok(goals.0)
    }
}

/// A count with thousands separators.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn count(number: usize) -> String {
    thousands(number as f64)
}

/// Writes the documents.
pub(crate) fn write() -> Result<()> {
    for (path, text) in Results::kept()?.documents()? {
        let path = root().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

fn machine_line(part: &str, machine: &Machine) -> String {
    let Machine {
        day,
        commit,
        architecture,
        cpu,
        cores,
        memory_gib,
        kernel,
        load,
        versions,
    } = machine;
    let versions: Vec<_> = versions
        .iter()
        .map(|(name, it)| format!("{name} {it}"))
        .collect();
    let versions = versions.join(", ").replace("rustc rustc", "rustc");
    format!(
        "- **{part}**, {day}, commit {commit}: {cores} cores of {cpu} ({architecture}), {memory_gib} GiB, Linux {kernel}; \
         load {load:.1} at the end; {versions}.\n"
    )
}

const HEAD: &str = "# Performance: the last results

<!-- Written by `cargo xtask bench`; do not edit. -->

Explained in [Performance](../PERFORMANCE.md). Each figure is the median of the rounds, with minimum and maximum in parentheses.
";
const GOALS: &str = "
## Goals

| What | Goal | Measured | Met |
|---|---|---|---|
";
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_performance_documents_are_up_to_date() {
        for (path, text) in Results::kept().unwrap().documents().unwrap() {
            let there = fs::read_to_string(root().join(path)).unwrap();
            assert!(there == text, "{path} is stale: cargo xtask bench report");
        }
    }
}
