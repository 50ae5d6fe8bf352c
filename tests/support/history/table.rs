//! A number as formatted in a document.

use std::fmt::Write as _;

use super::Counts;

impl Counts {
    /// The results of these histories, in Markdown.
    pub fn table(&self, histories: u64, first: u64, wrong: &[u64]) -> String {
        let mut table = String::new();
        let last = first + histories - 1;
        let _ = writeln!(
            table,
            "{histories} histories, seeds {first} to {last}: {}.\n",
            verdict(wrong)
        );
        let requests: u64 = self.operations.values().sum();
        let faults: u64 = self.faults.values().sum();
        let _ = writeln!(
            table,
            "{requests} requests made {} calls to DynamoDB: {} of them ran while a call of another request \
             waited, and {faults} met a fault.\n",
            self.calls, self.overtaking
        );
        for (heading, rows) in [
            ("Request", rows(&self.operations)),
            ("Fault", rows(&self.faults)),
            ("Response", rows(&self.outcomes)),
        ] {
            let _ = writeln!(table, "| {heading} | |\n|---|---|");
            for (name, count) in rows {
                let _ = writeln!(table, "| {name} | {count} |");
            }
            table.push('\n');
        }
        table
    }
}

/// In bold and with the seeds if anything is wrong.
fn verdict(wrong: &[u64]) -> String {
    if wrong.is_empty() {
        "no violations".to_owned()
    } else {
        format!("**wrong: {wrong:?}**")
    }
}

fn rows<K: AsRef<str>>(counts: &std::collections::BTreeMap<K, u64>) -> Vec<(&str, u64)> {
    let rows = counts.iter();
    rows.map(|(name, count)| (name.as_ref(), *count)).collect()
}
