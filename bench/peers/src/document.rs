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
        "| loads | {} rounds of at most {} requests each, cut off after 20 s, every load on one service after the other; each round \
         with services started and filled anew, and another one first |",
        results.rounds, results.requests
    )?;
    Ok(text)
}

const INTRODUCTION: &str = "# Beside what you would use instead

<!-- Made by `cargo xtask peers`; do not edit. -->

The same work in one run on one machine: Muster's local stack; [a service of FastAPI and
SQLAlchemy](../bench/peers/fastapi/services.py) on SQLite, as one writes it; and the organization plugin of
[better-auth](../bench/peers/better-auth/server.mjs) on SQLite. `cargo xtask peers` builds and installs all three, measures
them and writes this page. What exactly is compared, and what is not, stands [below](#what-is-compared).

What a function of Muster itself takes is in [Performance](PERFORMANCE.md), and what a year costs in [the price of a
year](COST.md): this is about what one would put in its place.
";

const COMPARED: &str = "
## What is compared

- **Muster's local stack** is one process that plays all of AWS that Muster needs: API Gateway, the check of the token
  (RS256), an event as JSON for the real handler, and the SDK over HTTP to an emulated DynamoDB, which keeps its table in
  SQLite. In the cloud these are services of their own. So its figures are those of the laptop, and no statement about
  Lambda and DynamoDB. It writes a log line for each request, as in the cloud.
- **FastAPI + SQLAlchemy** is the smallest service with these endpoints: models, schemas, repositories, services and a router;
  sessions of SQLAlchemy in threads; RS256 tokens; a unique index for memberships, and a count of owners before one
  goes. It has a process for each core. It has no idempotency keys, versions, audit fields, or log of requests.
- **better-auth** is called by its own routes: `create`, `get-full-organization` (members and invitations come along),
  `invite-member`, `list-members`. Its caller is a session in the database, read at each request, as it comes. Adding a
  member without an invitation has no route; an application's own calls `auth.api.addMember`, and so does this one. It has a
  process for each core.
- The two SQLite files are where the last table says, with a write-ahead log and `synchronous = NORMAL`; in `/dev/shm` they are in
  memory, as is the table of the local stack, so that nobody waits for a disk.
- Each round begins with empty tables. Within it they grow: a load finds what those before it wrote.
- Organizations are created by 200 people in turn: better-auth reads all that its caller has before it makes another.
- Memory counts what processes share once. That of the local stack has its whole table in it; the files of the others are not counted.
- A start is that of a service whose tables are there, but for the local stack, which makes its own.
- The load comes from the same machine and takes its share of it. Each client waits for its answer before it sends
  again. A failed request counts as failed and not as answered; the time until its answer counts in p50 and p99.
- In a race, two people who own an organization send one request each at the same moment, eight such pairs at a time.
  Afterwards somebody looks who is in it.
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
        "\n## At a glance\n\nRequests a second with {clients} clients at once, the median of the rounds.\n"
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
        "\nAn invitation is a membership that waits in the first two, and a row of its own for an address in better-auth."
    )?;
    writeln!(
        text,
        "\n![Milliseconds of 99 in 100 requests against clients at once, for each operation](peers.svg)"
    )?;
    Ok(())
}

fn races(text: &mut String, results: &Results) -> Result<()> {
    writeln!(
        text,
        "\n## Races\n\nOf so many races, how many left behind what must not be.\n"
    )?;
    head(text, &["", "must not be"])?;
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
                write!(text, " ({} came to nothing)", ended.neither)?;
            }
            write!(text, " |")?;
        }
        writeln!(text)?;
    }
    writeln!(
        text,
        "\nHow the two requests were answered, and how often:\n"
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
        "\n## Start and memory\n\nWith all processes of a service; the median of the starts, and in brackets the least and the most.\n"
    )?;
    head(text, &[""])?;
    let all = peers(results)?;
    let starts = all.iter().map(|(_, service)| {
        let (median, least, most) = spread(service.starts.iter().copied());
        format!("{median:.0} ({least:.0} to {most:.0})")
    });
    row(text, "first answer, ms after its start", starts)?;
    let filled = all
        .iter()
        .map(|(_, service)| format!("{:.0}", service.memory.0));
    row(text, "memory when filled, MB", filled)?;
    let ended = all
        .iter()
        .map(|(_, service)| format!("{:.0}", service.memory.1));
    row(text, "memory at most, after any load, MB", ended)?;
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
        "\n## Every load\n\nMedian of the rounds, and in brackets the least and the most. p50 and p99 are milliseconds within which 50 and \
         99 in 100 requests were answered."
    )?;
    for operation in Operation::ALL {
        writeln!(text, "\n### {}\n", operation.name())?;
        writeln!(
            text,
            "| clients | | requests a second | p50 | p99 | failed |\n|---:|---|---:|---:|---:|---:|"
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
