//! A stack in which nothing is too slow: for what is about order and not about time.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster::store::{Profile, Store};
use muster_directory::Report;
use muster_functions::{App, SyncLogins};
use muster_local::Options;
use tokio::time::Instant;

/// As long as it takes.
const PATIENCE: Duration = Duration::from_mins(10);

/// These options, without the limits of time: those of Lambda, of the store, of the SDK, of a login.
pub fn unhurried(mut options: Options) -> Options {
    for time in ["Timeout: 10\n", "Timeout: 5\n"] {
        options.template = options.template.replace(time, "Timeout: 600\n");
    }
    let inner = options.configure_client.take();
    options.configure_client = Some(Arc::new(move |config| {
        let config = inner.as_ref().map_or(config.clone(), |inner| inner(config));
        config.timeout_config(TimeoutConfig::disabled())
    }));
    let inner = options.configure_app.take();
    options.configure_app = Some(Arc::new(move |app| {
        let app = inner.as_ref().map_or(app.clone(), |inner| inner(app));
        let unhurried = |sync| Arc::new(Unhurried(sync)) as Arc<dyn SyncLogins>;
        App {
            store: app.store.with_retry_budget(PATIENCE),
            login_sync: app.login_sync.map(unhurried),
            ..app
        }
    }));
    options
}

/// The login sync with all the time that it wants.
#[derive(Debug)]
struct Unhurried(Arc<dyn SyncLogins>);

impl SyncLogins for Unhurried {
    fn budget(&self) -> Duration {
        PATIENCE
    }

    fn sync<'a>(
        &'a self,
        store: &'a Store,
        profile: &'a Profile,
        deadline: Instant,
    ) -> Pin<Box<dyn Future<Output = Report> + Send + 'a>> {
        self.0.sync(store, profile, deadline)
    }
}
