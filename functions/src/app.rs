use muster::config::{SettingError, Settings};
use muster::domain::Clock;
use muster::store::{self, Store};
use muster::telemetry::Telemetry;

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
}

impl App {
    /// Made from environment variables, which `variable` looks up. Asks nothing over the network.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let settings = Settings::read(&variable)?;
        let client = store::client(&variable)?;
        Ok(Self {
            store: Store::new(client, &settings.table_name),
            settings,
            clock: Clock::system(),
            telemetry: Telemetry::stdout(),
        })
    }
}
