use muster::config::{SettingError, Settings};
use muster::domain::Clock;
use muster::store::{self, Store};
use muster::telemetry::Telemetry;
use muster_directory::{EntraSettings, LoginSync};

/// Looks up an environment variable.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What every function has: created once, before the first invocation.
#[derive(Clone, Debug)]
pub struct App {
    /// The table.
    pub store: Store,
    /// The settings from environment variables.
    pub settings: Settings,
    /// Time and new ids.
    pub clock: Clock,
    /// Where log lines go.
    pub telemetry: Telemetry,
}

impl App {
    /// Made from environment variables, which `variable` looks up. Makes no network call.
    pub fn read(variables: Variables<'_>) -> Result<Self, SettingError> {
        let settings = Settings::read(variables)?;
        let client = store::client(variables)?;
        Ok(Self {
            store: Store::new(client, &settings.table_name)
                .with_event_retention(settings.audit_retention),
            clock: Clock::system(),
            telemetry: Telemetry::stdout().in_namespace(&settings.metrics_namespace),
            settings,
        })
    }
}

/// The context of post-login.
#[derive(Debug)]
pub struct LoginContext {
    /// What every function has.
    pub app: App,
    /// Writes the profile and syncs the groups.
    pub sync: LoginSync,
}

impl LoginContext {
    /// Made from environment variables, which `variable` looks up. Makes no network call.
    pub fn read(app: App, variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let settings = EntraSettings::read(&variable)?;
        let client = muster_directory::http_client(&variable).map_err(SettingError::no_client)?;
        let sync = LoginSync::new(settings, &client, app.clock.clone());
        Ok(Self { app, sync })
    }
}
