//! A stack without time limits, for tests of order rather than time.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use muster_functions::triggers::post_login;
use muster_functions::{App, LoginContext};
use muster_local::{Options, StartFunction};

/// An unlimited time.
const PATIENCE: Duration = Duration::from_mins(10);

/// These options without the time limits of Lambda, the store, the SDK and a login.
pub fn without_time_limits(mut options: Options) -> Options {
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
        App {
            store: app.store.with_retry_budget(PATIENCE),
            ..app
        }
    }));
    let login: StartFunction = Arc::new(|app, variables| {
        let LoginContext { app, sync } = LoginContext::read(app, variables)?;
        let sync = sync.with_budget(PATIENCE);
        Ok(post_login::started(LoginContext { app, sync }))
    });
    options.starts.insert("post-login", login);
    options
}
