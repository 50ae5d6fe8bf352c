use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use muster::config::{SettingError, Settings};
use muster::domain::Clock;
use muster::http::Problem;
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
    /// The environment variables, for parts that only some functions have.
    pub environment: Environment,
}

impl App {
    /// Made from environment variables, which `variable` looks up. Asks nothing over the network.
    pub fn read(
        variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Result<Self, SettingError> {
        let settings = Settings::read(&variable)?;
        let client = store::client(&variable)?;
        Ok(Self {
            store: Store::new(client, &settings.table_name)
                .with_event_retention(settings.audit_retention),
            clock: Clock::system(),
            telemetry: Telemetry::stdout().in_namespace(&settings.metrics_namespace),
            settings,
            environment: Environment::new(variable),
        })
    }

    /// Returns a part that only some functions have, such as a client of another service. Makes it with the first
    /// request. A function without such a request does not contain its code.
    pub(crate) fn part<T: Any + Send + Sync>(
        &self,
        create: impl FnOnce(&Self, &Variable) -> Result<T, SettingError>,
    ) -> Result<Arc<T>, Problem> {
        let mut parts = self
            .environment
            .parts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get(&TypeId::of::<T>())
            && let Ok(part) = Arc::clone(part).downcast()
        {
            return Ok(part);
        }
        let created = create(self, &*self.environment.variable).map_err(Problem::internal)?;
        let created = Arc::new(created);
        let part: Arc<dyn Any + Send + Sync> = created.clone();
        parts.insert(TypeId::of::<T>(), part);
        Ok(created)
    }
}

/// Looks up an environment variable.
type Variable = dyn Fn(&str) -> Option<String> + Send + Sync;

/// The environment variables of a function, and the parts that were made from them.
#[derive(Clone)]
pub struct Environment {
    variable: Arc<Variable>,
    parts: Arc<Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>>,
}

impl Environment {
    /// The variables that the function looks up.
    pub fn new(variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        Self {
            variable: Arc::new(variable),
            parts: Arc::default(),
        }
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Environment")
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
        let client = muster_directory::http_client(&variable).map_err(SettingError::no_client)?;
        let sync = LoginSync::new(settings, &client, app.clock.clone());
        Ok(Self { app, sync })
    }
}
