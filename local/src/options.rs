//! The options of a stack.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use aws_sdk_dynamodb::config::Builder as ClientConfig;
use muster::config::SettingError;
use muster::domain::Clock;
use muster_functions::App;
use muster_functions::Variables;
use muster_functions::runtime::StartedFunction;

use crate::handler::Handler;
use crate::services::ServiceFaults;

/// `template.yaml` of this build: the program needs no other file.
pub const TEMPLATE: &str = include_str!("../../template.yaml");

/// Changes the SDK client's configuration: interceptors, another HTTP client, retries.
pub type ConfigureClient = Arc<dyn Fn(ClientConfig) -> ClientConfig + Send + Sync>;
/// Changes the state of a function.
pub type ConfigureApp = Arc<dyn Fn(App) -> App + Send + Sync>;

/// Starts a function with a context of the caller.
pub type StartFunction =
    Arc<dyn Fn(App, Variables<'_>) -> Result<StartedFunction, SettingError> + Send + Sync>;

/// The options of a stack. The defaults are for tests: free ports, everything in memory, no
/// variables of the process's environment, no output.
#[derive(Clone)]
pub struct Options {
    /// Port of the API on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Port of the embedded DynamoDB on 127.0.0.1; 0 takes a free one.
    pub dynamodb_port: u16,
    /// Directory that keeps the table and the issuer's key between runs; created if missing.
    /// Without it both are in memory.
    pub data: Option<PathBuf>,
    /// File of the Entra directory, read again when it changes. Defaults to a sample.
    pub directory: Option<PathBuf>,
    /// Environment variables, which override those of the template. `TABLE_NAME` also names the
    /// created table. `AWS_ENDPOINT_URL_DYNAMODB`, or else `AWS_ENDPOINT_URL`, replaces the
    /// embedded DynamoDB, unless `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS` is `true`. An empty variable
    /// counts as not set. `MICROSOFT_GRAPH_ENDPOINT` and `MICROSOFT_TOKEN_ENDPOINT` replace the
    /// local Entra directory; an empty `MICROSOFT_CLIENT_ID` turns it off.
    pub variables: BTreeMap<String, String>,
    /// Text of the template.
    pub template: String,
    /// Time and ids of the functions. Tokens use the machine's clock.
    pub clock: Clock,
    /// Handlers that replace the linked ones, by binary.
    pub handlers: BTreeMap<String, Handler>,
    /// Applied to the SDK client's configuration before the client is built.
    pub configure_client: Option<ConfigureClient>,
    /// Applied to the state of each function before its first invocation.
    pub configure_app: Option<ConfigureApp>,
    /// Functions, by name, to start in another way.
    pub starts: BTreeMap<&'static str, StartFunction>,
    /// Runs the event source mappings: functions get the records of the table's stream and the messages of queues.
    pub event_sources: bool,
    /// Sends mails of invitations, with links to the local page, unless `INVITATION_FROM` or `INVITATION_URL` say
    /// otherwise. An empty `INVITATION_FROM` turns them off.
    pub invitation_mails: bool,
    /// Faults of the event bus and of the queues.
    pub service_faults: ServiceFaults,
    /// Prints one line on stderr per request and per failed invocation.
    pub log: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            dynamodb_port: 0,
            data: None,
            directory: None,
            variables: BTreeMap::new(),
            template: TEMPLATE.to_owned(),
            clock: Clock::system(),
            handlers: BTreeMap::new(),
            configure_client: None,
            configure_app: None,
            starts: BTreeMap::new(),
            event_sources: false,
            invitation_mails: false,
            service_faults: ServiceFaults::default(),
            log: false,
        }
    }
}

impl Options {
    /// A variable with a value, unless it is empty.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Options {
    // Variables can contain secrets, the other fields are functions.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Options")
            .field("port", &self.port)
            .field("dynamodb_port", &self.dynamodb_port)
            .field("data", &self.data)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
