//! What a function uses besides the table.

use muster::config::SettingError;

use crate::{App, Variables};

/// What a function uses besides the table: clients of other services, secrets. `()` if it needs nothing.
pub(crate) trait Services: Send + Sync + Sized + 'static {
    /// The rights that a function needs for it. None for what everyone may use, such as DNS.
    const RIGHTS: &'static [ServiceRight];

    /// Creates it from environment variables, before the first invocation and without a call over the network. Fails if a
    /// variable is missing or invalid: the function does not start.
    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError>;
}

/// A right that a function has for a service. Its policy and its environment variables follow from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServiceRight {
    /// Putting messages on the queue of webhooks.
    WebhookQueue,
    /// Putting runs of directories on their queue.
    RunQueue,
    /// Reading the directories of tenants.
    Directories,
    /// Reading the secret of the tokens of invitations.
    InvitationSecret,
}

impl Services for () {
    const RIGHTS: &'static [ServiceRight] = &[];

    fn read(_: &App, _: Variables<'_>) -> Result<Self, SettingError> {
        Ok(())
    }
}
