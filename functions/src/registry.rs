//! All functions by name, as the local stack and the tests run them.

use std::sync::{Arc, LazyLock};

use lambda_runtime::Context;
use serde_json::Value;
use serde_json::value::to_raw_value;

use crate::endpoint::Endpoint;
use crate::runtime::{self, Error, Trigger};
use crate::{App, endpoints, triggers};

/// One Lambda function, as the local stack and the tests run it: JSON event in, JSON answer out,
/// through the same code as the deployed binary of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name of the binary: `create-organization`.
    pub name: &'static str,
    /// Whether its [`App`] is one [with the login sync](App::with_login_sync).
    pub syncs_logins: bool,
    handler: Handler,
}

#[derive(Clone, Copy, Debug)]
enum Handler {
    /// Answers a request that API Gateway sends.
    Http(Endpoint),
    /// Answers a trigger's event with an event.
    Trigger(Trigger),
}

impl Function {
    pub(crate) const fn http(name: &'static str, endpoint: Endpoint) -> Self {
        Self::new(name, Handler::Http(endpoint))
    }

    const fn trigger(name: &'static str, trigger: Trigger) -> Self {
        Self::new(name, Handler::Trigger(trigger))
    }

    const fn new(name: &'static str, handler: Handler) -> Self {
        Self {
            name,
            syncs_logins: false,
            handler,
        }
    }

    const fn with_login_sync(self) -> Self {
        Self {
            syncs_logins: true,
            ..self
        }
    }

    /// The declaration of an HTTP function; `None` for a trigger.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        match &self.handler {
            Handler::Http(endpoint) => Some(endpoint),
            Handler::Trigger(_) => None,
        }
    }

    /// One invocation. An event that is none of API Gateway's is an error of an HTTP
    /// function; a trigger gives back any event.
    pub async fn invoke(
        &self,
        app: Arc<App>,
        event: Value,
        context: Context,
    ) -> Result<Value, Error> {
        match self.handler {
            Handler::Http(endpoint) => {
                let event = to_raw_value(&event)?;
                let response = runtime::invoke(app, endpoint.handler, &event, context).await?;
                Ok(serde_json::to_value(response)?)
            }
            Handler::Trigger(trigger) => Ok(trigger(app, event, context).await),
        }
    }
}

const TRIGGERS: [Function; 2] = [
    Function::trigger("post-login", |app, event, context| {
        Box::pin(triggers::post_login::handle(app, event, context))
    })
    .with_login_sync(),
    Function::trigger("pre-token", |app, event, context| {
        Box::pin(triggers::pre_token::handle(app, event, context))
    }),
];

/// All functions: the endpoints, then the triggers.
pub fn functions() -> &'static [Function] {
    static FUNCTIONS: LazyLock<Vec<Function>> =
        LazyLock::new(|| [endpoints::ENDPOINTS, &TRIGGERS].concat());
    &FUNCTIONS
}
