use std::sync::Arc;

use muster::domain::{Caller, Timestamp};
use muster::store::Store;

use crate::App;

/// One call of an endpoint: who asks, when, and what answers them.
#[derive(Clone)]
pub struct Call {
    /// What the function was started with.
    pub app: Arc<App>,
    /// Who asks.
    pub caller: Caller,
    /// The time of the call. All that it writes has this time.
    pub now: Timestamp,
}

impl Call {
    /// The table.
    pub(crate) fn store(&self) -> &Store {
        &self.app.store
    }
}
