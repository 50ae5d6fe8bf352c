//! What is done to the repository rather than by the product, above all `cargo xtask check`.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command line program speaks to whoever started it"
)]

mod api;
mod arm64;
mod check;
mod cloud;
mod command;
mod fuzz;
mod generate;
mod moto;
mod mutants;
mod proofs;
mod results;
mod step;
mod system;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

use crate::generate::Mode;
use crate::proofs::Part;
use crate::step::Step;
use crate::tools::Tool;

/// The chores of the repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Check everything: what must pass before a change is merged.
    ///
    /// Runs every step whatever became of those before it, and lists the failures at the end. Tools
    /// that are missing are put into .tools/, once.
    Check {
        /// Run this step only (may be given several times).
        #[arg(long, value_name = "STEP")]
        only: Vec<Step>,
        /// Run the fast steps only: format, generated, lint and test.
        #[arg(long, conflicts_with = "only")]
        fast: bool,
        /// Show the steps and run none.
        #[arg(long)]
        list: bool,
    },
    /// Install a tool if it is not there, and print where it is.
    Tool {
        /// Which one.
        tool: Tool,
    },
    /// Write what follows from the declarations of the endpoints: modules, registry, binaries, their blocks in
    /// template.yaml, docs/openapi.json, and missing example events.
    Generate {
        /// Write nothing, and fail if a file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Reckon what a year on AWS costs, and write it to docs/results/cost.md.
    Cost,
    /// Break the code in small ways, look whether a test notices, and write the outcome to
    /// docs/results/.
    Mutants {
        /// What is broken.
        part: mutants::Part,
        #[command(flatten)]
        extent: mutants::Extent,
    },
    /// Run the stories that depend on the database on moto, a second DynamoDB.
    Moto {
        /// Run those that cannot pass there, and fail when one of them passes.
        #[arg(long)]
        left_out: bool,
    },
    /// Deploy the template into an emulator of AWS, and go through a story with tokens of its user pool.
    Cloud {
        /// Upgrade a release to this code instead, and roll it back; the last release by default.
        #[arg(long, value_name = "COMMIT", num_args = 0..=1, default_missing_value = cloud::LAST_RELEASE)]
        upgrade: Option<String>,
    },
    /// Build functions for arm64 with `sam build`, as the template says, and test them.
    Arm64 {
        /// All functions, not only a sample. It takes long.
        #[arg(long)]
        all: bool,
    },
    /// Search the state machine at length, make thousands of random histories, of requests and of
    /// logins, and write the outcome to docs/results/.
    Proofs {
        /// These parts only.
        parts: Vec<Part>,
        /// How many histories of requests.
        #[arg(long, default_value_t = 5000)]
        histories: u64,
        /// How many histories of logins.
        #[arg(long, default_value_t = 2000)]
        logins: u64,
        /// The first seed. Any by default.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Run the fuzz targets, and write the outcome to docs/results/.
    Fuzz {
        /// These targets only.
        targets: Vec<String>,
        /// How long each runs.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Measure what the functions cost, and write docs/results/performance.md.
    Bench {
        /// A part and its options; `--help` tells which there are.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        part: Vec<String>,
    },
    /// Measure Muster beside what one would use instead, and write it to docs/results/peers.md.
    Peers {
        /// For the program that measures, such as --write or --help; behind --.
        #[arg(last = true)]
        options: Vec<String>,
    },
}

fn main() -> ExitCode {
    match Arguments::parse().chore {
        Chore::Check { list: true, .. } => {
            eprint!("{}", step::list());
            ExitCode::SUCCESS
        }
        Chore::Check { only, fast, .. } => {
            let steps = match (fast, only.is_empty()) {
                (true, _) => &step::FAST[..],
                (false, true) => step::all(),
                (false, false) => &only,
            };
            check::run(steps, &root())
        }
        Chore::Tool { tool } => done(tool.program(&root()).map(|program| {
            println!("{}", program.display());
        })),
        Chore::Generate { check: false } => done(generate::generate(&root(), Mode::Write)),
        Chore::Generate { check: true } => done(generate::generate(&root(), Mode::Check)),
        Chore::Cost => done(cost(&root())),
        Chore::Proofs {
            parts,
            histories,
            logins,
            seed,
        } => done(proofs::proofs(&root(), &parts, [histories, logins], seed)),
        Chore::Fuzz { targets, seconds } => done(fuzz::fuzz(&root(), &targets, seconds)),
        Chore::Mutants { part, extent } => done(mutants::mutants(&root(), part, &extent)),
        Chore::Moto { left_out: false } => done(moto::check(&root())),
        Chore::Moto { left_out: true } => done(moto::check_left_out(&root())),
        Chore::Cloud { upgrade: None } => done(cloud::check(&root())),
        Chore::Cloud {
            upgrade: Some(release),
        } => done(cloud::upgrade(&root(), &release)),
        Chore::Arm64 { all } => done(arm64::check(&root(), all)),
        Chore::Bench { part } => done(command::run(measuring(&root(), "muster-bench").args(part))),
        Chore::Peers { options } => done(command::run(
            measuring(&root(), "muster-peers").args(options),
        )),
    }
}

/// A program of its own, so that what checks is built without it.
fn cost(root: &Path) -> anyhow::Result<()> {
    command::run(command::cargo(root).args(["run", "--package", "muster-cost"]))
}

/// A program that measures, with a profile of its own: it must take little itself.
fn measuring(root: &Path, package: &str) -> Command {
    let mut run = command::cargo(root);
    run.args([
        "run",
        "--profile",
        "measure",
        "--quiet",
        "--package",
        package,
        "--",
    ]);
    run
}

fn done(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository, whatever folder the command is called from.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
