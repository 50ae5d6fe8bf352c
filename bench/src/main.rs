//! The figures: measures what the functions cost, and writes `docs/results/performance.md` from it.
#![allow(
    clippy::print_stderr,
    reason = "a command line program speaks to whoever started it"
)]

mod builds;
mod callgrind;
mod figures;
mod functions;
mod instructions;
mod logins;
mod plot;
mod process;
mod profiles;
mod report;
mod runtime_api;
mod setting;
mod slow;
mod table;
mod tls;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use figures::root;

/// Measures the functions.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Everything, one after the other, and the report.
    All,
    /// `sam build` of all functions: from nothing, after a change, and unchanged.
    Builds,
    /// Size, start, first request, work and memory of each function.
    Functions {
        /// The folder with the binaries, as cargo or cargo-lambda leaves them.
        #[arg(long, default_value = builds::BINARIES)]
        binaries: PathBuf,
        /// What these figures are kept under.
        #[arg(long, default_value = functions::RELEASE)]
        label: String,
    },
    /// Time of a login against the number of groups.
    Logins {
        /// The folder with the binaries.
        #[arg(long, default_value = builds::BINARIES)]
        binaries: PathBuf,
    },
    /// Calls and units of an operation against the size of the table.
    Table {
        /// The most memberships.
        #[arg(long, default_value_t = 1_000_000)]
        up_to: usize,
    },
    /// Where the instructions of a start and of a request go.
    Instructions,
    /// Release profiles side by side: an hour, on a machine that does nothing else.
    Profiles {
        /// The names of some of them, such as `off-s`; all without one.
        names: Vec<String>,
    },
    /// Write the documents from what was measured last.
    Report,
}

#[tokio::main]
async fn main() -> Result<()> {
    let binaries = root().join(builds::BINARIES);
    match Arguments::parse().part {
        Part::All => {
            builds::measure()?;
            functions::measure(&binaries, functions::RELEASE).await?;
            instructions::measure().await?;
            logins::measure(&binaries).await?;
            table::measure(1_000_000).await?;
        }
        Part::Builds => builds::measure()?,
        Part::Functions { binaries, label } => {
            functions::measure(&root().join(binaries), &label).await?;
        }
        Part::Logins { binaries } => logins::measure(&root().join(binaries)).await?,
        Part::Table { up_to } => table::measure(up_to).await?,
        Part::Instructions => instructions::measure().await?,
        Part::Profiles { names } => return profiles::measure(&names).await,
        Part::Report => profiles::write()?,
    }
    report::write()
}
