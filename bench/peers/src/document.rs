//! `docs/results/peers.md`

use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use crate::load::{Ran, spread};
use crate::peer::{PeerKind, PeerOperation};
use crate::races::Race;
use crate::results::{Results, Service};

/// Writes the document from the results of a run.
pub(crate) fn document(results: &Results) -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    at_a_glance(&mut text, results)?;
    races(&mut text, results)?;
    processes(&mut text, results)?;
    loads(&mut text, results)?;
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

const INTRODUCTION: &str = "# Comparison with alternatives: the last results

<!-- Written by `cargo xtask peers`; do not edit. -->

Explained in [Comparison with alternatives](../PEERS.md): three services under the same load, in one run on one machine.
";

fn peers(results: &Results) -> Result<Vec<(PeerKind, &Service)>> {
    let of = |kind: PeerKind| {
        let service = results.peers.get(kind.name());
        Ok((
            kind,
            service.with_context(|| format!("{kind:?} was not measured"))?,
        ))
    };
    PeerKind::ALL.into_iter().map(of).collect()
}

fn rounds(service: &Service, operation: PeerOperation, clients: usize) -> Result<&[Ran]> {
    let loads = service
        .loads
        .get(operation.name())
        .context("an operation was not measured")?;
    Ok(loads.get(&clients).context("clients were not measured")?)
}

fn head(text: &mut String, first: &[&str]) -> Result<()> {
    let names = PeerKind::ALL.map(PeerKind::name).join(" | ");
    writeln!(text, "| {} | {names} |", first.join(" | "))?;
    writeln!(
        text,
        "|{}{}",
        "---|".repeat(first.len()),
        "---:|".repeat(PeerKind::ALL.len())
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
    for operation in PeerOperation::ALL {
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
    for operation in PeerOperation::ALL {
        writeln!(text, "\n### {}\n", operation.name())?;
        writeln!(
            text,
            "| clients | | requests per second | p50 | p99 | failed |\n|---:|---|---:|---:|---:|---:|"
        )?;
        for clients in results.clients.iter().copied() {
            for (kind, service) in peers(results)? {
                let all = rounds(service, operation, clients)?;
                let cell = |of: fn(&Ran) -> f64, digits: usize| {
                    let (median, least, most) = spread(all.iter().map(of));
                    format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
                };
                let failed: usize = all.iter().map(|ran| ran.failed).sum();
                let sent = failed + all.iter().map(|ran| ran.answered).sum::<usize>();
                writeln!(
                    text,
                    "| {clients} | {} | {} | {} | {} | {failed} of {sent} |",
                    kind.name(),
                    cell(|ran| ran.throughput, 0),
                    cell(|ran| ran.p50, 1),
                    cell(|ran| ran.p99, 1),
                )?;
            }
        }
    }
    Ok(())
}
