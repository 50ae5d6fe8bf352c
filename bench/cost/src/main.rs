//! Writes the cost of a year: `docs/results/cost.md` and its chart.

fn main() -> anyhow::Result<()> {
    for (path, text) in muster_cost::documents(&muster_cost::root())? {
        std::fs::write(muster_cost::root().join(path), text)?;
    }
    Ok(())
}
