//! Any DynamoDB in place of the embedded one, chosen from outside.

use std::env;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster::config::{DYNAMODB_ENDPOINT, aws_endpoint};
use muster_local::Options;

/// Names a DynamoDB endpoint on which the stories run, each world with a table of its own; or several,
/// separated by commas, of which each world takes one. Region and credentials come from the variables
/// that AWS itself uses, and are made up when there are none.
const ENDPOINT: &str = "MUSTER_TEST_DYNAMODB";
/// What a stack reaches its DynamoDB by.
const OF_THE_STACK: &str = DYNAMODB_ENDPOINT;
/// What AWS asks for and no emulator checks.
const CREDENTIALS: [&str; 4] = [
    "AWS_REGION",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
/// What the tables are called by, so that what an interrupted run leaves behind is known by it.
const PREFIX: &str = "muster-test-";
/// How long a call may take: whatever is chosen may be far away, or slow. A story that is about time
/// sets its own.
const PATIENCE: Duration = Duration::from_secs(20);

/// A table at the chosen endpoint, which goes when this does.
#[derive(Debug)]
pub(crate) struct OwnTable {
    variables: std::collections::BTreeMap<String, String>,
}

impl OwnTable {
    /// Leads a stack to the chosen endpoint, to a table that no other has. `None` when none is
    /// chosen, and when the stack is to share the table of another one.
    pub(crate) fn choose(options: &mut Options) -> Option<Self> {
        let chosen = env::var(ENDPOINT).unwrap_or_default();
        let endpoints: Vec<_> = chosen.split(',').filter(|url| !url.is_empty()).collect();
        let endpoint = (*fastrand::choice(&endpoints)?).to_owned();
        let variables = &mut options.variables;
        let own = aws_endpoint(OF_THE_STACK, |name| variables.get(name).cloned());
        let shared = match own {
            // Another DynamoDB than the chosen ones, which a story has its own reason for.
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
    /// Also when the story has failed. On a thread of its own: the story's is in the middle of the
    /// runtime that a wait would need.
    fn drop(&mut self) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                #[allow(clippy::print_stderr)] // somebody has to remove it
                if let Err(error) = runtime.block_on(self.delete()) {
                    eprintln!("{} stays: {error}", self.variables["TABLE_NAME"]);
                }
            });
        });
    }
}
