//! `docs/PEERS.md`

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::load::{Ran, spread};
use crate::peer::{Kind, Operation};
use crate::races::Race;
use crate::results::{Results, Service};

/// The document, of the results of a run.
pub(crate) fn document(results: &Results) -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    at_a_glance(&mut text, results)?;
    races(&mut text, results)?;
    processes(&mut text, results)?;
    loads(&mut text, results)?;
    text.push_str(COMPARED);
    writeln!(
        text,
        "\n## The run\n\n| | |\n|---|---|\n| date | {} |",
        results.date
    )?;
    for (name, value) in &results.machine {
        writeln!(text, "| {name} | {value} |")?;
    }
    writeln!(
        text,
        "| loads | {} rounds of at most {} requests each, cut off after 20 s, each load on one service after the other; each round \
         with newly started and filled services, in a different order |",
        results.rounds, results.requests
    )?;
    Ok(text)
}

const INTRODUCTION: &str = "# Comparison with alternatives

<!-- Made by `cargo xtask peers`; do not edit. -->

This page compares three services under the same load, in one run on one machine: Muster's local stack; a typical [FastAPI and
SQLAlchemy service](../bench/peers/fastapi/services.py) on SQLite; and the organization plugin of
[better-auth](../bench/peers/better-auth/server.mjs) on SQLite. `cargo xtask peers` builds and installs all three, measures
them and writes this page. See [what is compared](#what-is-compared), and what is not.

For the performance of a Muster function, see [Performance](PERFORMANCE.md). For the cost, see [what a year
costs](COST.md).
";

const COMPARED: &str = "
## What is compared

- **Muster's local stack** is one process that emulates all AWS services that Muster needs: API Gateway, token validation
  (RS256), a JSON event for the real handler, and the SDK over HTTP to an emulated DynamoDB, which stores its table in
  SQLite. In the cloud, these are separate services. Therefore the figures apply to a laptop, and not to
  Lambda and DynamoDB. The local stack writes a log line for each request, as in the cloud.
- **FastAPI + SQLAlchemy** is a minimal service with these endpoints: models, schemas, repositories, services and a router;
  SQLAlchemy sessions in threads; RS256 tokens; a unique index for memberships, and a count of owners before an owner
  is removed. It has one process per core. It has no idempotency keys, versions, audit fields, or request log.
- **better-auth** is called on its own routes: `create`, `get-full-organization` (includes members and invitations),
  `invite-member`, `list-members`. The caller has a session in the database, which is read at each request, the default. There
  is no route that adds a member without an invitation; a route of the application calls `auth.api.addMember`. It has one
  process per core.
- The last table names the folder of the two SQLite files. They use a write-ahead log and `synchronous = NORMAL`. In `/dev/shm`
  they are in memory, like the table of the local stack, so that no service waits for a disk.
- Each round starts with empty tables. They grow within the round, because each load keeps the data of the loads before it.
- 200 users create organizations in turn, because better-auth reads all organizations of its caller before it creates another.
- Memory shared by several processes is counted once. The memory of the local stack includes its table; the files of the others
  are not counted.
- The start is measured with existing tables, except for the local stack, which creates its own.
- The load generator runs on the same machine and uses part of it. Each client waits for a response before it sends
  the next request. A failed request is counted as failed, and its response time is included in p50 and p99.
- In a race, two owners of an organization send one request each at the same moment, with eight such pairs at a time.
  Afterwards the members of the organization are checked.
";

fn peers(results: &Results) -> Result<Vec<(Kind, &Service)>> {
    let of = |kind: Kind| {
        let service = results.peers.get(kind.name());
        Ok((
            kind,
            service.with_context(|| format!("{kind:?} was not measured"))?,
        ))
    };
    Kind::ALL.into_iter().map(of).collect()
}

fn rounds(service: &Service, operation: Operation, clients: usize) -> Result<&[Ran]> {
    let loads = service
        .loads
        .get(operation.name())
        .context("an operation was not measured")?;
    Ok(loads.get(&clients).context("clients were not measured")?)
}

fn head(text: &mut String, first: &[&str]) -> Result<()> {
    let names = Kind::ALL.map(Kind::name).join(" | ");
    writeln!(text, "| {} | {names} |", first.join(" | "))?;
    writeln!(
        text,
        "|{}{}",
        "---|".repeat(first.len()),
        "---:|".repeat(Kind::ALL.len())
    )?;
    Ok(())
}

fn at_a_glance(text: &mut String, results: &Results) -> Result<()> {
    let clients = results
        .clients
        .get(results.clients.len() / 2)
        .copied()
        .unwrap_or(1);
    writeln!(
        text,
        "\n## At a glance\n\nRequests per second with {clients} concurrent clients, median of the rounds.\n"
    )?;
    head(text, &[""])?;
    for operation in Operation::ALL {
        write!(text, "| {} |", operation.name())?;
        for (_, service) in peers(results)? {
            let all = rounds(service, operation, clients)?;
            let (median, _, _) = spread(all.iter().map(|ran| ran.throughput));
            let failed: usize = all.iter().map(|ran| ran.failed).sum();
            write!(text, " {median:.0}")?;
            if failed > 0 {
                write!(text, " ({failed} failed)")?;
            }
            write!(text, " |")?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "\nIn the first two, an invitation is a pending membership. In better-auth, it is a separate row for an email address."
    )?;
    writeln!(
        text,
        "\n![p99 latency in milliseconds against concurrent clients, for each operation](peers.svg)"
    )?;
    Ok(())
}

fn races(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "\n## Races\n\nNumber of races that ended in a state that must not occur.\n"
    )?;
    head(text, &["", "must not occur"])?;
    for race in Race::ALL {
        write!(text, "| {} | {} |", race.name(), race.broken())?;
        for (_, service) in peers(results)? {
            let ended = service
                .races
                .get(race.name())
                .context("a race was not run")?;
            let bold = if ended.broken > 0 { "**" } else { "" };
            write!(text, " {bold}{} of {}{bold}", ended.broken, ended.run)?;
            if ended.neither > 0 {
                write!(text, " ({} had no effect)", ended.neither)?;
            }
            write!(text, " |")?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "\nStatuses of the two requests, and how often each combination occurred:\n"
    )?;
    head(text, &[""])?;
    for race in Race::ALL {
        write!(text, "| {} |", race.name())?;
        for (_, service) in peers(results)? {
            let ended = service
                .races
                .get(race.name())
                .context("a race was not run")?;
            let answers = ended
                .statuses
                .iter()
                .map(|(statuses, times)| format!("{statuses}: {times}"));
            write!(text, " {} |", answers.collect::<Vec<_>>().join("; "))?;
        }
        writeln!(text)?;
    }
    Ok(())
}

fn processes(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "\n## Start and memory\n\nIncludes all processes of a service. Starts: the median, with minimum and maximum in parentheses.\n"
    )?;
    head(text, &[""])?;
    let all = peers(results)?;
    let starts = all.iter().map(|(_, service)| {
        let (median, least, most) = spread(service.starts.iter().copied());
        format!("{median:.0} ({least:.0} to {most:.0})")
    });
    row(text, "first response, ms after the start", starts)?;
    let filled = all
        .iter()
        .map(|(_, service)| format!("{:.0}", service.memory.0));
    row(text, "memory after the tables are filled, MB", filled)?;
    let ended = all
        .iter()
        .map(|(_, service)| format!("{:.0}", service.memory.1));
    row(text, "highest memory after a load, MB", ended)?;
    Ok(())
}

fn row(text: &mut String, first: &str, cells: impl Iterator<Item = String>) -> Result<()> {
    writeln!(
        text,
        "| {first} | {} |",
        cells.collect::<Vec<_>>().join(" | ")
    )?;
    Ok(())
}

fn loads(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "\n## Every load\n\nMedian of the rounds, with minimum and maximum in parentheses. p50 and p99 are latencies in milliseconds."
    )?;
    for operation in Operation::ALL {
        writeln!(text, "\n### {}\n", operation.name())?;
        writeln!(
            text,
            "| clients | | requests per second | p50 | p99 | failed |\n|---:|---|---:|---:|---:|---:|"
        )?;
        for clients in results.clients.iter().copied() {
            for (kind, service) in peers(results)? {
                let all = rounds(service, operation, clients)?;
                let told = |of: fn(&Ran) -> f64, digits: usize| {
                    let (median, least, most) = spread(all.iter().map(of));
                    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
                };
                let failed: usize = all.iter().map(|ran| ran.failed).sum();
                let sent = failed + all.iter().map(|ran| ran.answered).sum::<usize>();
                writeln!(
                    text,
                    "| {clients} | {} | {} | {} | {} | {failed} of {sent} |",
                    kind.name(),
                    told(|ran| ran.throughput, 0),
                    told(|ran| ran.p50, 1),
                    told(|ran| ran.p99, 1),
                )?;
            }
        }
    }
    Ok(())
}
