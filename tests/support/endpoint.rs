//! Runs the stories on another DynamoDB than the embedded one.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster::config::{DYNAMODB_ENDPOINT, aws_endpoint};
use muster_local::Options;

/// Names one or more DynamoDB endpoints, separated by commas. Each world creates a table of its own
/// on one of them. Region and credentials come from the variables of AWS, with defaults.
const ENDPOINT: &str = "MUSTER_TEST_DYNAMODB";
/// The connection of a stack to its DynamoDB.
const OF_THE_STACK: &str = DYNAMODB_ENDPOINT;
/// Credentials, which AWS requires and no emulator checks.
const CREDENTIALS: [&str; 4] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
/// The prefix of the tables' names, which shows the tables that an interrupted run left.
const PREFIX: &str = "muster-test-";
/// Time limit of a call: the endpoint may be far away or slow. Stories about time set their own.
const PATIENCE: Duration = Duration::from_secs(20);

/// A table at the endpoint, deleted on drop.
#[derive(Debug)]
pub(crate) struct OwnTable {
    variables: std::collections::BTreeMap<String, String>,
}

impl OwnTable {
    /// Connects a stack to a new table at the configured endpoint. `None` without an endpoint, or
    /// when the stack shares the table of another one.
    pub(crate) fn choose(options: &mut Options) -> Option<Self> {
        let chosen = env::var(ENDPOINT).unwrap_or_default();
        let endpoints: Vec<_> = chosen.split(',').filter(|url| !url.is_empty()).collect();
        let endpoint = (*fastrand::choice(&endpoints)?).to_owned();
        let variables = &mut options.variables;
        let own = aws_endpoint(OF_THE_STACK, |name| variables.get(name).cloned());
        let shared = match own {
            // Uses another DynamoDB than the configured ones, for a story that needs it.
            Some((_, own)) if !endpoints.contains(&own.as_str()) => return None,
            own => own.is_some(),
        };
        for name in CREDENTIALS {
            if let Ok(value) = env::var(name) {
                variables.entry(name.to_owned()).or_insert(value);
            }
        }
        if shared {
            return None;
        }
        let name = format!("{PREFIX}{:032x}", fastrand::u128(..));
        variables.insert(OF_THE_STACK.to_owned(), endpoint);
        variables.insert("TABLE_NAME".to_owned(), name);
        let variables = variables.clone();
        let inner = options.configure_client.take();
        options.configure_client = Some(Arc::new(move |config| {
            let patient = TimeoutConfig::builder()
                .operation_attempt_timeout(PATIENCE)
                .operation_timeout(PATIENCE);
            let config = config.timeout_config(patient.build());
            inner.as_ref().map_or(config.clone(), |inner| inner(config))
        }));
        Some(Self { variables })
    }

    async fn delete(&self) -> Result<(), Box<dyn std::error::Error>> {
        let set = |name: &str| self.variables.get(name).cloned();
        let client = muster::store::client(|name| set(name).or_else(|| Some("local".to_owned())))?;
        let table = set("TABLE_NAME").unwrap_or_default();
        client.delete_table().table_name(table).send().await?;
        Ok(())
    }
}

impl Drop for OwnTable {
    /// Runs after a failed story too. Needs a thread of its own: the story's thread is inside a
    /// runtime and cannot block.
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                #[expect(clippy::print_stderr, reason = "remove the table manually")]
                if let Err(error) = runtime.block_on(self.delete()) {
                    eprintln!("{} stays: {error}", self.variables["TABLE_NAME"]);
                }
            });
        });
    }
}
