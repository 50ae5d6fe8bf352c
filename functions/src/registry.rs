//! All functions by name, as the local stack and the tests run them.

use std::sync::LazyLock;

use muster::config::SettingError;

use crate::endpoint::Endpoint;
use crate::runtime::{self, Start, Started, Variables};
use crate::{App, delivery, directories, domains, endpoints, members, triggers};

/// A Lambda function, as the local stack and the tests run it: JSON event in, JSON response out,
/// through the same code as the deployed binary of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name of the binary: `create-organization`.
    pub name: &'static str,
    handler: Handler,
}

#[derive(Clone, Copy, Debug)]
enum Handler {
    /// Handles a request from API Gateway.
    Http(Endpoint),
    /// Handles the event of a trigger: of a user pool, or of an event source mapping.
    Trigger(Start),
}

impl Function {
    pub(crate) const fn http(name: &'static str, endpoint: Endpoint) -> Self {
        let handler = Handler::Http(endpoint);
        Self { name, handler }
    }

    const fn trigger(name: &'static str, start: Start) -> Self {
        let handler = Handler::Trigger(start);
        Self { name, handler }
    }

    /// The declaration of an HTTP function; `None` for a trigger.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.handler {
            Handler::Http(endpoint) => Some(endpoint),
            Handler::Trigger(_) => None,
        }
    }

    /// Creates its context. An HTTP function returns an error for an event that is not from API
    /// Gateway; a trigger returns any event.
    pub fn start(&self, app: App, variables: Variables<'_>) -> Result<Started, SettingError> {
        match self.handler {
            Handler::Http(endpoint) => Ok(runtime::http(app, endpoint.handler)),
            Handler::Trigger(start) => start(app, variables),
        }
    }
}

const TRIGGERS: [Function; 9] = [
    Function::trigger("deliver-webhook", delivery::deliver_webhook::start),
    Function::trigger("post-login", triggers::post_login::start),
    Function::trigger("pre-token", triggers::pre_token::start),
    Function::trigger("publish-events", delivery::publish_events::start),
    Function::trigger("recheck-domains", domains::recheck::start),
    Function::trigger("reconcile-directory", directories::reconcile::start),
    Function::trigger("schedule-reconciles", directories::schedule::start),
    Function::trigger("send-invitation", delivery::send_invitation::start),
    Function::trigger("track-members", members::track::start),
];

/// All functions: the endpoints, then the triggers.
pub fn functions() -> &'static [Function] {
    static FUNCTIONS: LazyLock<Vec<Function>> =
        LazyLock::new(|| [endpoints::ENDPOINTS, &TRIGGERS].concat());
    &FUNCTIONS
}
