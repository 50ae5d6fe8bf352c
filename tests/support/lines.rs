use std::sync::{Arc, Mutex};

use muster::telemetry::Telemetry;
use muster_local::Options;
use serde_json::Value;

/// All log lines of the functions.
#[derive(Clone, Debug, Default)]
pub struct Lines(Arc<Mutex<Vec<Value>>>);

impl Lines {
    /// Options of a stack whose functions log here.
    pub fn collect(mut options: Options) -> (Options, Self) {
        let lines = Self::default();
        let (collected, inner) = (lines.clone(), options.configure_app.take());
        options.configure_app = Some(Arc::new(move |app| {
            let mut app = inner.as_ref().map_or(app.clone(), |inner| inner(app));
            let collected = collected.clone();
            app.telemetry = Telemetry::to(move |line| {
                let line = serde_json::from_str(line).unwrap();
                collected.0.lock().unwrap().push(line);
            });
            app
        }));
        (options, lines)
    }

    /// The lines since the last call, in order.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The line of the single request since the last call.
    pub fn request(&self) -> Value {
        let mut lines = self.take();
        lines.retain(|line| line["message"] == "request");
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }
}
