use muster::config::Settings;
use muster::domain::Clock;
use muster::store::Store;

/// What an invocation works with: made once, before the first invocation.
#[derive(Clone, Debug)]
pub struct App {
    /// The table.
    pub store: Store,
    /// What was set from outside.
    pub settings: Settings,
    /// Time and new ids.
    pub clock: Clock,
}
