use muster::config::{SSL_CERT_FILE, SettingError, Settings};
use muster::domain::Clock;
use muster::store::{self, Store};
use muster::telemetry::Telemetry;
use muster_directory::{EntraSettings, LoginSync};

/// What every function works with: made once, before the first invocation.
#[derive(Clone, Debug)]
pub struct App {
    /// The table.
    pub store: Store,
    /// What was set from outside.
    pub settings: Settings,
    /// Time and new ids.
    pub clock: Clock,
    /// Where log lines go.
    pub telemetry: Telemetry,
}

impl App {
    /// Made from environment variables, which `variable` looks up. Asks nothing over the network.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let settings = Settings::read(&variable)?;
        let client = store::client(&variable)?;
        Ok(Self {
            store: Store::new(client, &settings.table_name)
                .with_event_retention(settings.audit_retention),
            clock: Clock::system(),
            telemetry: Telemetry::stdout().in_namespace(&settings.metrics_namespace),
            settings,
        })
    }
}

/// What post-login works with.
#[derive(Debug)]
pub struct LoginContext {
    /// What every function works with.
    pub app: App,
    /// Writes the profile and syncs the groups.
    pub sync: LoginSync,
}

impl LoginContext {
    /// Made from environment variables, which `variable` looks up. Asks nothing over the network.
    pub fn read(app: App, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let settings = EntraSettings::read(&variable)?;
        let client = muster_directory::http_client(&variable).map_err(|error| SettingError {
            variable: SSL_CERT_FILE,
            problem: format!("the HTTP client cannot be made: {error}"),
        })?;
        let sync = LoginSync::new(settings, &client, app.clock.clone());
        Ok(Self { app, sync })
    }
}
