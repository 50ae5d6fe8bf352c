//! Calculates the cost of a year on AWS: from the usage that a story measures, public prices and
//! usage profiles to `docs/results/cost.md`. The document has no hand-typed figures; a test fails
//! if it differs from this output.

mod bill;
mod cause;
mod chart;
mod data;
mod document;
mod numbers;
mod usage;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub use bill::{Bill, Line};
pub use cause::Cause;
pub use data::{Batch, Data, Price, Shape, Step, Template};
pub use usage::Assumed;

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The generated files, by path in the checkout.
pub fn documents(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let data = Data::read(root)?;
    let usual = data.assumed(&std::collections::BTreeMap::new());
    let bills = data
        .habits
        .shapes
        .iter()
        .map(|shape| data.bill(shape, &usual));
    let bills = bills.collect::<Result<Vec<_>>>()?;
    Ok(vec![
        ("docs/results/cost.md", document::document(&data, &bills)?),
        ("docs/results/cost.svg", chart::chart(&data, &bills)?),
    ])
}
