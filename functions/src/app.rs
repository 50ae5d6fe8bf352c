use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use muster::config::{SettingError, Settings};
use muster::domain::Clock;
use muster::http::Problem;
use muster::store::{self, Store};
use muster::telemetry::Telemetry;
use muster_directory::{EntraSettings, LoginSync};

/// Looks up an environment variable.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The context of every function: created once, before the first invocation.
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
    /// Services that only some functions use.
    pub services: Services,
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
            services: Services::default(),
        })
    }

    /// Makes a service, before the first invocation. A function that uses none of a kind does not contain its code.
    pub(crate) fn start<S: Service>(
        &mut self,
        variables: Variables<'_>,
    ) -> Result<(), SettingError> {
        let service: Arc<dyn Any + Send + Sync> = Arc::new(S::read(self, variables)?);
        self.services.0.insert(TypeId::of::<S>(), service);
        Ok(())
    }

    /// Returns a service of the function. Fails if its endpoint does not declare that it uses it.
    pub(crate) fn service<S: Service>(&self) -> Result<Arc<S>, UndeclaredService> {
        let service = self.services.0.get(&TypeId::of::<S>());
        let service = service.and_then(|service| Arc::clone(service).downcast().ok());
        service.ok_or(UndeclaredService(type_name::<S>()))
    }
}

/// Something that only some functions use: a client of another service, or a secret. Made from environment variables
/// before the first invocation, without a call over the network.
pub(crate) trait Service: Any + Send + Sync + Sized {
    /// Makes it. Fails if a variable is missing or wrong: the function does not start.
    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError>;
}

/// The endpoint does not declare that it uses this service.
#[derive(Debug, thiserror::Error)]
#[error("the endpoint does not declare that it uses {0}")]
pub(crate) struct UndeclaredService(&'static str);

impl From<UndeclaredService> for Problem {
    fn from(error: UndeclaredService) -> Self {
        Self::internal(error)
    }
}

/// The services of a function, each of a type of its own.
#[derive(Clone, Default)]
pub struct Services(HashMap<TypeId, Arc<dyn Any + Send + Sync>>);

impl fmt::Debug for Services {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Services")
    }
}

/// The context of post-login.
#[derive(Debug)]
pub struct LoginContext {
    /// The context of every function.
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
