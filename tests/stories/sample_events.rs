//! Sends the events of `events/` in order to one table and checks the responses that
//! `events/README.md` documents: from the compiled binaries under AWS's Runtime Interface Emulator,
//! and from the local stack with `cargo lambda invoke`.

mod cargo_lambda;
mod emulator;
mod table;

use std::fs;

use serde_json::Value;
use support::{has_curl, root, skipped, tool};

use cargo_lambda::CargoLambda;
use emulator::Emulator;

use crate::binaries::{built, given};

/// An event with its expected response from the README.
struct Promise {
    name: String,
    /// Status of the first and second response; `None` for a trigger, which returns an event.
    statuses: [Option<u64>; 2],
    /// A part of the first response.
    fragment: String,
}

/// A way to send an event to a function.
trait Invoke {
    /// The raw response of the function.
    async fn invoke(&mut self, event: &Value) -> Value;
}

/// The rows of the README, in order.
fn promises() -> Vec<Promise> {
    let readme = fs::read_to_string(root().join("events/README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let promises = rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let status = |cell: &str| (cell != "event").then(|| cell.parse().unwrap());
        Promise {
            name: cells[1].trim_matches('`').to_owned(),
            statuses: [status(cells[2]), status(cells[3])],
            fragment: cells[4].trim_matches('`').to_owned(),
        }
    });
    promises.collect()
}

fn event(name: &str) -> Value {
    let event = fs::read(root().join(format!("events/{name}.json"))).unwrap();
    serde_json::from_slice(&event).unwrap()
}

/// Sends the event twice and checks the responses.
async fn keeps(promise: &Promise, function: &mut impl Invoke) {
    let event = event(&promise.name);
    for (again, status) in promise.statuses.into_iter().enumerate() {
        let answer = function.invoke(&event).await;
        let what = format!("{}, {again}: {answer}", promise.name);
        assert_eq!(answer["statusCode"].as_u64(), status, "{what}");
        let body = answer["body"].as_str().map(str::to_owned);
        let body = body.unwrap_or_else(|| answer.to_string());
        if promise.name == "post-login" {
            assert_eq!(answer, event, "{what}");
        }
        match status {
            Some(204) => assert_eq!(body, "", "{what}"),
            Some(404 | 412) => assert!(body.contains("\"code\":"), "{what}"),
            _ => assert!(body.contains(&promise.fragment), "{what}"),
        }
    }
}

/// Sends an event without a documented response and checks that the function succeeds.
async fn is_answered(name: &str, function: &mut impl Invoke) {
    let answer = function.invoke(&event(name)).await;
    if ["recheck-domains", "schedule-reconciles"].contains(&name) {
        assert_eq!(answer["failed"], 0, "{answer}");
        return;
    }
    let status = answer["statusCode"].as_u64();
    assert!(status.is_some_and(|it| it < 500), "{name}: {answer}");
}

/// The functions without a row in the README, whose events have no order.
fn others() -> impl Iterator<Item = &'static str> {
    let rows: Vec<_> = promises().into_iter().map(|row| row.name).collect();
    let functions = muster_functions::functions().iter();
    functions
        .map(|function| function.name)
        .filter(move |name| !rows.iter().any(|row| row == name))
}

#[test]
fn the_readme_names_each_event_once() {
    let mut rows: Vec<_> = promises().into_iter().map(|row| row.name).collect();
    let count = rows.len();
    rows.sort();
    rows.dedup();
    assert_eq!(rows.len(), count);
    assert_eq!(
        count + others().count(),
        muster_functions::functions().len(),
        "a row of no function"
    );
}

#[cfg(target_os = "linux")] // for which there is an emulator
#[tokio::test]
async fn every_event_is_answered_by_its_binary() {
    let Some(program) = tool("rie", "python3").await else {
        return;
    };
    if !has_curl().await {
        return skipped("the items of the events", "curl");
    }
    let (binaries, world) = (built().await, table::with_what_the_events_name().await);
    for name in others() {
        let mut function = Emulator::start(&program, &binaries.join(name), &world).await;
        is_answered(name, &mut function).await;
    }
    for promise in promises() {
        let binary = binaries.join(&promise.name);
        if given().is_some() && !binary.is_file() {
            continue;
        }
        let mut function = Emulator::start(&program, &binary, &world).await;
        keeps(&promise, &mut function).await;
    }
}

#[tokio::test]
async fn every_event_is_answered_by_the_local_stack_to_cargo_lambda() {
    let Some(program) = tool("cargo-lambda", "python3").await else {
        return;
    };
    if !has_curl().await {
        return skipped("the items of the events", "curl");
    }
    let world = table::with_what_the_events_name().await;
    for name in others() {
        is_answered(name, &mut CargoLambda::new(&program, name, &world)).await;
    }
    for promise in promises() {
        let mut function = CargoLambda::new(&program, &promise.name, &world);
        keeps(&promise, &mut function).await;
    }
}
