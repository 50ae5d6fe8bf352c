//! Compares Muster with two alternatives on the same work: a service of FastAPI and SQLAlchemy, and
//! better-auth's organization plugin, side by side in one run. Writes `bench/peers/results.json`,
//! `docs/results/peers.md` and its charts.
#![expect(
    clippy::print_stderr,
    reason = "a command line program prints to its user"
)]

mod ask;
mod chart;
mod document;
mod install;
mod load;
mod peer;
mod process;
mod races;
mod results;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;

use crate::peer::{Peer, PeerKind, PeerOperation, Places};
use crate::races::Race;
use crate::results::{Results, Service};

const RESULTS: &str = "bench/peers/results.json";
/// Warm-up requests of each kind.
const WARM_UP: usize = 100;

/// Measures Muster and its alternatives side by side, and writes docs/results/peers.md.
#[derive(Parser)]
struct Arguments {
    /// Rounds of each load.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Requests per load.
    #[arg(long, default_value_t = 1000)]
    requests: usize,
    /// Concurrent clients.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64])]
    clients: Vec<usize>,
    /// Races of each kind.
    #[arg(long, default_value_t = 200)]
    races: usize,
    /// Starts of each service.
    #[arg(long, default_value_t = 5)]
    starts: usize,
    /// Use the unoptimised local stack, as built by `cargo run`.
    #[arg(long)]
    dev: bool,
    /// Do not measure; write the document from the results of the last run.
    #[arg(long)]
    write: bool,
    /// Measure and print the results, but write no files.
    #[arg(long)]
    dry: bool,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[tokio::main]
async fn main() -> Result<()> {
    let (arguments, root) = (Arguments::parse(), root().canonicalize()?);
    if !arguments.write {
        let results = tokio::select! {
            results = measure(&root, &arguments) => results?,
            // Stops the services on exit.
            _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
        };
        let text = serde_json::to_string_pretty(&results)? + "\n";
        if arguments.dry {
            eprintln!("{text}");
            return Ok(());
        }
        fs::write(root.join(RESULTS), text)?;
    }
    for (path, text) in documents(&root)? {
        fs::write(root.join(path), text)?;
    }
    Ok(())
}

/// The files written from the results of the last run, by path.
fn documents(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let results = fs::read_to_string(root.join(RESULTS)).context(RESULTS)?;
    let results: Results = serde_json::from_str(&results)?;
    Ok(vec![
        ("docs/results/peers.md", document::document(&results)?),
        ("docs/results/peers.svg", chart::chart(&results)?),
    ])
}

async fn measure(root: &Path, arguments: &Arguments) -> Result<Results> {
    let places = install::prepare(root, arguments.dev).await?;
    let mut machine = install::machine(root, &places, arguments.dev).await?;
    let mut services: BTreeMap<PeerKind, Service> = BTreeMap::new();
    for n in 0..arguments.starts {
        for kind in PeerKind::ALL {
            let (server, _) = Peer::boot(kind, &places, 0).await?;
            let took = server.start.as_secs_f64() * 1000.0;
            eprintln!("start {n} of {}: {took:.0} ms", kind.name());
            services.entry(kind).or_default().starts.push(took);
            server.stop().await?;
        }
    }
    let before = install::load_average()?;
    for round in 0..arguments.rounds {
        let peers = start_all(&places, round, arguments).await?;
        for peer in &peers {
            services.entry(peer.kind).or_default().memory.0 = peer.server.memory()?;
            for operation in PeerOperation::ALL {
                load::run(peer, operation, 8, WARM_UP, 0).await?;
            }
        }
        loads_of_all(&peers, round, arguments, &mut services).await?;
        if round + 1 == arguments.rounds {
            races_of_all(&peers, arguments, &mut services).await?;
        }
        for peer in peers {
            let peer = Arc::into_inner(peer).context("every load has ended")?;
            peer.server.stop().await?;
        }
    }
    let after = install::load_average()?;
    machine.push((
        "load of the machine".to_owned(),
        format!("{before} before the loads, {after} at the end"),
    ));
    fs::remove_dir_all(&places.scratch)?;
    Ok(Results {
        date: install::today().await?,
        machine,
        rounds: arguments.rounds,
        requests: arguments.requests,
        clients: arguments.clients.clone(),
        peers: services
            .into_iter()
            .map(|(kind, service)| (kind.name().to_owned(), service))
            .collect(),
    })
}

/// Each with an empty table, then filled; another service goes first in each round.
async fn start_all(places: &Places, round: usize, arguments: &Arguments) -> Result<Vec<Arc<Peer>>> {
    let users = WARM_UP + arguments.clients.len() * arguments.requests;
    let mut kinds = PeerKind::ALL;
    kinds.rotate_left(round % PeerKind::ALL.len());
    let mut peers = Vec::new();
    for kind in kinds {
        eprintln!("{} is started and filled", kind.name());
        let peer = Peer::start(kind, places, users).await;
        peers.push(Arc::new(peer.with_context(|| kind.name())?));
    }
    Ok(peers)
}

/// Each load on one service after the other, so that disturbances of the machine affect all.
async fn loads_of_all(
    peers: &[Arc<Peer>],
    round: usize,
    arguments: &Arguments,
    services: &mut BTreeMap<PeerKind, Service>,
) -> Result<()> {
    let mut from = WARM_UP;
    for clients in arguments.clients.iter().copied() {
        for operation in PeerOperation::ALL {
            for peer in peers {
                let ran = load::run(peer, operation, clients, arguments.requests, from).await?;
                eprintln!(
                    "round {round}, {clients} clients, {}, {}: {ran:?}",
                    operation.name(),
                    peer.kind.name()
                );
                let service = services.entry(peer.kind).or_default();
                service.memory.1 = service.memory.1.max(peer.server.memory()?);
                let loads = &mut service.loads;
                let loads = loads.entry(operation.name().to_owned()).or_default();
                loads.entry(clients).or_default().push(ran);
            }
        }
        from += arguments.requests;
    }
    Ok(())
}

async fn races_of_all(
    peers: &[Arc<Peer>],
    arguments: &Arguments,
    services: &mut BTreeMap<PeerKind, Service>,
) -> Result<()> {
    for race in Race::ALL {
        for peer in peers {
            let races = races::run(peer, race, arguments.races).await?;
            eprintln!("{}, {}: {races:?}", race.name(), peer.kind.name());
            let all = &mut services.entry(peer.kind).or_default().races;
            all.insert(race.name().to_owned(), races);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_document_is_up_to_date() {
        for (path, text) in documents(&root()).unwrap() {
            let written = fs::read_to_string(root().join(path)).unwrap_or_default();
            assert!(
                written == text,
                "{path} is stale: run `cargo xtask peers -- --write`"
            );
        }
    }
}
