//! Measures the cost of the functions and writes `docs/results/performance.md`.
#![expect(
    clippy::print_stderr,
    reason = "a command line program prints to its user"
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
    part: BenchPart,
}

#[derive(Subcommand)]
enum BenchPart {
    /// Run all measurements and write the report.
    All,
    /// Measure `sam build` of all functions: from scratch, after a change, and unchanged.
    Builds,
    /// Measure size, start, first request, work and memory of each function.
    Functions {
        /// The folder with the binaries, as built by cargo or cargo-lambda.
        #[arg(long, default_value = builds::BINARIES)]
        binaries: PathBuf,
        /// The name to store the results under.
        #[arg(long, default_value = functions::RELEASE)]
        label: String,
    },
    /// Measure the time of a login against the number of groups.
    Logins {
        /// The folder with the binaries.
        #[arg(long, default_value = builds::BINARIES)]
        binaries: PathBuf,
    },
    /// Measure calls and units of an operation against the size of the table.
    Table {
        /// The maximum number of memberships.
        #[arg(long, default_value_t = 1_000_000)]
        up_to: usize,
    },
    /// Show where the instructions of a start and of a request go.
    Instructions,
    /// Compare release profiles: takes an hour, on an otherwise idle machine.
    Profiles {
        /// The names of the profiles, such as `off-s`; defaults to all.
        names: Vec<String>,
    },
    /// Write the documents from the last results.
    Report,
}

#[tokio::main]
async fn main() -> Result<()> {
    let binaries = root().join(builds::BINARIES);
    match Arguments::parse().part {
        BenchPart::All => {
            builds::measure()?;
            functions::measure(&binaries, functions::RELEASE).await?;
            instructions::measure().await?;
            logins::measure(&binaries).await?;
            table::measure(1_000_000).await?;
        }
        BenchPart::Builds => builds::measure()?,
        BenchPart::Functions { binaries, label } => {
            functions::measure(&root().join(binaries), &label).await?;
        }
        BenchPart::Logins { binaries } => logins::measure(&root().join(binaries)).await?,
        BenchPart::Table { up_to } => table::measure(up_to).await?,
        BenchPart::Instructions => instructions::measure().await?,
        BenchPart::Profiles { names } => return profiles::measure(&names).await,
        BenchPart::Report => profiles::write()?,
    }
    report::write()
}
