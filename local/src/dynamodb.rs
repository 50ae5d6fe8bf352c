//! The embedded DynamoDB, and the SDK client that reaches it.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder as ClientConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use dynoxide::Database;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::lambda::REGION;
use crate::options::ConfigureClient;

/// DynamoDB promises to delete what has expired within days; a minute lets one see it happen.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// How long a call that makes or describes a table may take: no request waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens the database: in the directory, or in memory.
pub(crate) fn open(data: Option<&Path>) -> Result<Database> {
    match data {
        None => Database::memory().context("the embedded DynamoDB cannot be opened"),
        Some(directory) => {
            let file = directory.join("dynamodb.sqlite");
            let path = file
                .to_str()
                .context("the data directory's name must be Unicode")?;
            Database::new(path).with_context(|| format!("{path} cannot be opened as a database"))
        }
    }
}

/// Serves the database on the listener and sweeps what has expired, until told to stop.
pub(crate) fn serve(
    database: &Database,
    listener: TcpListener,
    stop: &watch::Receiver<bool>,
    tasks: &mut JoinSet<Result<()>>,
) {
    let (served, mut stopped) = (database.clone(), stop.clone());
    tasks.spawn(async move {
        let stopped = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        dynoxide::server::serve_with_shutdown(listener, served, stopped)
            .await
            .map_err(|problem| anyhow!("the embedded DynamoDB stopped: {problem}"))
    });
    let (swept, mut stopped) = (database.clone(), stop.clone());
    tasks.spawn(async move {
        loop {
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
            let database = swept.clone();
            // A sweep waits for SQLite; requests go on meanwhile.
            tokio::task::spawn_blocking(move || database.sweep_ttl())
                .await?
                .context("items that have expired cannot be deleted")?;
        }
    });
}

/// The SDK's client as the functions make it, for a DynamoDB at this address. The credentials are
/// made up unless `variable` has some: no emulator checks them.
pub(crate) fn client(
    endpoint: &str,
    variable: impl Fn(&str) -> Option<String>,
    configure: Option<&ConfigureClient>,
) -> Result<Client> {
    let client = muster::store::client(|name| match name {
        "AWS_ENDPOINT_URL_DYNAMODB" => Some(endpoint.to_owned()),
        "AWS_REGION" => variable(name).or_else(|| Some(REGION.to_owned())),
        "AWS_SESSION_TOKEN" => variable(name),
        _ => variable(name).or_else(|| Some("local".to_owned())),
    })?;
    Ok(match configure {
        Some(configure) => Client::from_conf(configure(client.config().to_builder()).build()),
        None => client,
    })
}

/// Waits longer than a function may.
pub(crate) fn patient(config: ClientConfig) -> ClientConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(PATIENCE)
        .operation_timeout(PATIENCE);
    config.timeout_config(timeouts.build())
}
