//! A function, as the local stack and the tests run it.

use muster::config::SettingError;

use crate::endpoint::Endpoint;
use crate::runtime::{StartTrigger, StartedFunction};
use crate::{App, Variables};

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
    Trigger(StartTrigger),
}

impl Function {
    pub(crate) const fn http(name: &'static str, endpoint: Endpoint) -> Self {
        let handler = Handler::Http(endpoint);
        Self { name, handler }
    }

    pub(crate) const fn trigger(name: &'static str, start: StartTrigger) -> Self {
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
    /// Gateway; a trigger accepts any event.
    pub fn start(
        &self,
        app: App,
        variables: Variables<'_>,
    ) -> Result<StartedFunction, SettingError> {
        match self.handler {
            Handler::Http(endpoint) => endpoint.function.start(app, variables),
            Handler::Trigger(start) => start(app, variables),
        }
    }
}
