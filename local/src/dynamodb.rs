//! The embedded DynamoDB, and the SDK client that reaches it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Builder as ClientConfig;
use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use dynoxide::Database;
use muster::config::{DYNAMODB_ENDPOINT, IGNORE_ENDPOINTS};
use muster::store::requests::{is_read_operation, operation_of};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::aws::REGION;
use crate::options::ConfigureClient;

/// DynamoDB deletes expired items within days; a minute makes it visible.
const SWEEP_EVERY: Duration = Duration::from_mins(1);
/// Time limit of a call that creates or describes a table: no request waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// Before each write the database looks up the last record of the table's stream, without an index:
/// writes would slow down with the number of earlier writes.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS muster_last_stream_record \
     ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// Opens the database, in the directory or in memory.
pub(crate) fn open(data: Option<&Path>) -> Result<Database> {
    let Some(directory) = data else {
        return in_memory().context("the embedded DynamoDB cannot be opened");
    };
    let file = directory.join("dynamodb.sqlite");
    let path = unicode(&file)?;
    let database = Database::new(path);
    let database = database.with_context(|| format!("{path} cannot be opened as a database"))?;
    index_stream(&file).with_context(|| format!("{path} cannot be given an index"))?;
    Ok(database)
}

fn in_memory() -> Result<Database> {
    let database = Database::memory()?;
    // An in-memory database is private to its connection, so the index is added to an empty file
    // first.
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("empty.sqlite");
    database.vacuum_into(unicode(&file)?)?;
    index_stream(&file)?;
    database.restore_from(unicode(&file)?)?;
    Ok(database)
}

fn index_stream(file: &Path) -> Result<()> {
    let connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(STREAM_INDEX)?;
    Ok(())
}

fn unicode(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{}: its name must be Unicode", path.display()))
}

/// Serves the database on the listener and deletes expired items, until stopped.
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
            // Deleting waits for SQLite; requests continue meanwhile.
            tokio::task::spawn_blocking(move || database.sweep_ttl())
                .await?
                .context("items that have expired cannot be deleted")?;
        }
    });
}

/// The SDK's client of the functions, for a DynamoDB at this address. Uses dummy credentials unless
/// `variable` has some: no emulator checks them.
pub(crate) fn client(
    endpoint: &str,
    variable: impl Fn(&str) -> Option<String>,
    configure: Option<&ConfigureClient>,
    written: &Arc<Notify>,
) -> Result<Client> {
    let client = muster::store::client(|name| match name {
        DYNAMODB_ENDPOINT => Some(endpoint.to_owned()),
        IGNORE_ENDPOINTS => None,
        "AWS_REGION" => variable(name).or_else(|| Some(REGION.to_owned())),
        "AWS_SESSION_TOKEN" => variable(name),
        _ => variable(name).or_else(|| Some("local".to_owned())),
    })?;
    let config = client.config().to_builder();
    let config = match configure {
        Some(configure) => configure(config),
        None => config,
    };
    let written = Written(Arc::clone(written));
    Ok(Client::from_conf(config.interceptor(written).build()))
}

/// Wakes the reader of the table's stream after each call that may have written.
#[derive(Debug)]
struct Written(Arc<Notify>);

impl Intercept for Written {
    fn name(&self) -> &'static str {
        "Written"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = context.request().map(operation_of);
        if operation.is_none_or(|operation| !is_read_operation(operation)) {
            self.0.notify_waiters();
        }
        Ok(())
    }
}

/// Longer than the time limit of a function.
pub(crate) fn patient(config: ClientConfig) -> ClientConfig {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(PATIENCE)
        .operation_timeout(PATIENCE);
    config.timeout_config(timeouts.build())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The query of the database.
    const LAST: &str = "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 \
         FROM _stream_records WHERE table_name = 'muster'";

    #[test]
    fn a_write_looks_up_the_last_record_of_the_stream_in_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let of_memory = folder.path().join("memory.sqlite");
        let in_memory = open(None).unwrap();
        in_memory.vacuum_into(unicode(&of_memory).unwrap()).unwrap();
        drop(open(Some(folder.path())).unwrap());
        // Exists already when the database is opened again.
        drop(open(Some(folder.path())).unwrap());
        for file in [of_memory, folder.path().join("dynamodb.sqlite")] {
            let connection = rusqlite::Connection::open(file).unwrap();
            let plan = format!("EXPLAIN QUERY PLAN {LAST}");
            let plan = connection.query_row(&plan, [], |row| row.get::<_, String>("detail"));
            let plan = plan.unwrap();
            assert!(plan.contains("INDEX muster_last_stream_record"), "{plan}");
        }
    }
}
