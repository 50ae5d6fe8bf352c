//! Shows with callgrind which parts of a start and of a request take the instructions, to find what
//! slows a function down.

use std::process::Command;

use anyhow::{Result, bail};
use serde::{Deserialize, Serialize};

use crate::builds::build;
use crate::callgrind::{self, Instructions};
use crate::figures::{Machine, keep, root};
use crate::setting::{GET_ITEM, LIST_MEMBERS, QUERY, Surroundings, surroundings};

/// The name of the results.
pub(crate) const INSTRUCTIONS: &str = "instructions";
/// Parts of a program: a description, and the function with all its callees; of several between
/// `|`, the most expensive.
type Parts = [(&'static str, &'static str)];
const START: &Parts = &[
    (
        "the dynamic loader, relocating the program",
        "_dl_relocate_object",
    ),
    (
        "the SDK, building its client",
        "aws_sdk_dynamodb::client::Client::from_conf",
    ),
    (
        "of that: the endpoint rules, with the JSON of all partitions and its regular expressions",
        "config::endpoint::DefaultResolver::new",
    ),
    (
        "of that: TLS, with the root certificates",
        "create_rustls_client_config",
    ),
    (
        "setting up logging",
        "tracing_subscriber::fmt::SubscriberBuilder",
    ),
    ("the standard library, before `main`", "pthread_getattr_np"),
    (
        "`lambda_runtime`, up to its first poll",
        "lambda_runtime::run|lambda_http::run",
    ),
];
const REQUEST: &Parts = &[
    (
        "reading the event",
        "http::event::read_event|serde_json::de::from_str",
    ),
    (
        "the endpoint's own work",
        "endpoint::handler::run::{{closure}}|bare_get_item::main::{{closure}}::{{closure}}",
    ),
    (
        "of that: the SDK's call to DynamoDB",
        "orchestrator::invoke_with_stop_point",
    ),
    ("part of the call: the signature", "SigV4Signer"),
    (
        "part of the call: parsing DynamoDB's response, four items or one",
        "deserialize_nonstreaming_with_config",
    ),
    (
        "of that: parsing the organization from its item",
        "View::any_organization",
    ),
    (
        "of that: the caller's standing from their membership's item",
        "View::standing",
    ),
    ("the log line, with its metrics", "Telemetry::write"),
    ("the response, with its headers", "runtime::render"),
    (
        "the response as JSON",
        "for lambda_http::response::LambdaResponse>::serialize",
    ),
];
const PAGE: &Parts = &[
    (
        "the endpoint's own work",
        "endpoint::handler::run::{{closure}}|bare_query::main::{{closure}}::{{closure}}",
    ),
    (
        "of that: parsing DynamoDB's response",
        "operation::query::QueryResponseDeserializer",
    ),
    (
        "of that: parsing the memberships from their items",
        "rows::members::from_row|serde_dynamo::de::from_items",
    ),
    (
        "of that: the JSON of the page",
        "Answer::page|serde_json::ser::to_string",
    ),
    (
        "of that: who may see it, which needs the organization and the caller's membership",
        "Store>::view::{{closure}}",
    ),
    (
        "the response as JSON",
        "for lambda_http::response::LambdaResponse>::serialize",
    ),
];
/// A function, and the bare one with the same client: package and binary.
const PROGRAMS: [(&str, &str); 2] = [
    ("muster-functions", "get-organization"),
    ("muster-bare", GET_ITEM),
];
/// A function that shows a page, and the bare one that does the same query.
const PAGES: [(&str, &str); 2] = [("muster-functions", LIST_MEMBERS), ("muster-bare", QUERY)];

/// The results.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counted {
    pub(crate) machine: Machine,
    /// From the first instruction of the process to its first poll.
    pub(crate) start: Vec<Program>,
    /// One more request of a warm function.
    pub(crate) request: Vec<Program>,
    /// One more page of a warm function.
    #[serde(default)]
    pub(crate) page: Vec<Program>,
}

/// A program, and how many instructions it takes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// Instructions.
    pub(crate) total: u64,
    pub(crate) parts: Vec<ProgramPart>,
}

/// A part of a program, and what it takes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProgramPart {
    pub(crate) what: String,
    /// `None` if the program has no such part.
    pub(crate) instructions: Option<u64>,
}

/// Builds the programs again with symbols, and counts.
pub(crate) async fn measure() -> Result<()> {
    let target = root().join("target/symbols");
    for (package, name) in PROGRAMS.into_iter().chain(PAGES) {
        let mut cargo = Command::new("cargo");
        cargo
            .args(["build", "--release", "--quiet", "--package", package])
            .args(["--bin", name])
            .current_dir(root())
            .env("CARGO_TARGET_DIR", &target)
            .env("CARGO_PROFILE_RELEASE_STRIP", "false");
        build(&mut cargo)?;
    }
    let Surroundings { world, setting } = surroundings(&target.join("release")).await?;
    let counting = tokio::task::spawn_blocking(move || {
        let (mut start, mut request, mut page) = (Vec::new(), Vec::new(), Vec::new());
        for (_, name) in PROGRAMS {
            eprintln!("instructions: {name}");
            let counted = callgrind::of_a_start(&setting.program(name)?)?;
            start.push(profile(name, START, &counted)?);
            let counted = callgrind::of_a_request(&setting, name)?;
            request.push(profile(name, REQUEST, &counted)?);
        }
        for (_, name) in PAGES {
            eprintln!("instructions: {name}");
            let counted = callgrind::of_a_request(&setting, name)?;
            page.push(profile(name, PAGE, &counted)?);
        }
        Ok::<_, anyhow::Error>((start, request, page))
    });
    let (start, request, page) = counting.await??;
    drop(world);
    let machine = Machine::here()?;
    let counted = Counted {
        machine,
        start,
        request,
        page,
    };
    keep(INSTRUCTIONS, &counted)
}

fn profile(name: &str, parts: &Parts, counted: &Instructions) -> Result<Program> {
    let parts = parts.iter().map(|(what, function)| ProgramPart {
        what: (*what).to_owned(),
        instructions: function.split('|').filter_map(|it| counted.of(it)).max(),
    });
    let parts: Vec<_> = parts.collect();
    // The bare one has only some of the parts.
    let unnamed = parts.iter().find(|part| part.instructions.is_none());
    if let Some(part) = unnamed.filter(|_| ![GET_ITEM, QUERY].contains(&name)) {
        bail!("{name}: {} has been renamed", part.what);
    }
    Ok(Program {
        name: name.to_owned(),
        total: counted.total()?,
        parts,
    })
}
