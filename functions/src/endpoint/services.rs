//! The services that an endpoint uses besides the table: each is made before the first invocation, and its use gives the
//! function the right to it.

use std::any::{Any, type_name};
use std::sync::Arc;

use muster::config::SettingError;
use muster::http::Problem;

use crate::{App, Variables};

/// Something that only some functions use: a client of another service, or a secret. Made from environment variables
/// before the first invocation, without a call over the network.
pub(crate) trait Service: Any + Send + Sync + Sized {
    /// The right that a function needs for it. `None` if everyone has it, as for DNS.
    const RIGHT: Option<ServiceRight>;

    /// Makes it. Fails if a variable is missing or wrong: the function does not start.
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

/// A service that the function uses.
pub(crate) struct Uses<S>(pub(crate) Arc<S>);

/// The service was not made before the first invocation.
#[derive(Debug, thiserror::Error)]
#[error("the service {0} was not started")]
struct NotStarted(&'static str);

/// Makes a service, before the first invocation. A function that uses none of a kind does not contain its code.
pub(crate) fn start_service<S: Service>(
    app: &mut App,
    variables: Variables<'_>,
) -> Result<(), SettingError> {
    let service = S::read(app, variables)?;
    app.services.insert(service);
    Ok(())
}

/// Returns a service of the function. Called by [`Uses`] and by the macros of endpoints, which have
/// started it.
pub(crate) fn started_service<S: Service>(app: &App) -> Result<Uses<S>, Problem> {
    let service = app.services.get();
    let service = service.ok_or_else(|| Problem::internal(NotStarted(type_name::<S>())))?;
    Ok(Uses(service))
}
