use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use muster::config::{SSL_CERT_FILE, SettingError, Settings};
use muster::domain::Clock;
use muster::store::{self, Profile, Store};
use muster::telemetry::Telemetry;
use muster_directory::{EntraSettings, LoginSync, Report};
use tokio::time::Instant;

/// What an invocation works with: made once, before the first invocation.
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
    /// What the function that runs after a login does with the directory; the others have none.
    pub login_sync: Option<Arc<dyn SyncLogins>>,
}

/// What happens with the directory at a login. A trait, so that only the function that gives an
/// implementation carries its code.
pub trait SyncLogins: std::fmt::Debug + Send + Sync {
    /// Time for all of it, from the event's arrival.
    fn budget(&self) -> Duration;

    /// Writes the profile and syncs. Never fails, and ends by the deadline.
    fn sync<'a>(
        &'a self,
        store: &'a Store,
        profile: &'a Profile,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>>;
}

impl SyncLogins for LoginSync {
    fn budget(&self) -> Duration {
        self.budget()
    }

    fn sync<'a>(
        &'a self,
        store: &'a Store,
        profile: &'a Profile,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        Box::pin(self.run(store, profile, deadline))
    }
}

impl App {
    /// Made from environment variables, which `variable` looks up. Asks nothing over the network.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let settings = Settings::read(&variable)?;
        let client = store::client(&variable)?;
        Ok(Self {
            store: Store::new(client, &settings.table_name),
            clock: Clock::system(),
            telemetry: Telemetry::stdout().in_namespace(&settings.metrics_namespace),
            settings,
            login_sync: None,
        })
    }

    /// With the login sync, as environment variables set it.
    pub fn with_login_sync(
        self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let settings = EntraSettings::read(&variable)?;
        let client = muster_directory::http_client(&variable).map_err(|error| SettingError {
            variable: SSL_CERT_FILE,
            problem: format!("the HTTP client cannot be made: {error}"),
        })?;
        let sync = LoginSync::new(settings, &client, self.clock.clone());
        Ok(Self {
            login_sync: Some(Arc::new(sync)),
            ..self
        })
    }
}
