use std::sync::Arc;

use lambda_runtime::Context;
use muster::http::HttpEvent;
use serde_json::Value;

use crate::openapi::Operation;
use crate::runtime::{self, Error, HttpHandler, Trigger};
use crate::{App, members, organizations, team_members, teams, triggers, users};

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

/// What an endpoint does in the `OpenAPI` document.
type Operations = fn() -> Vec<Operation>;

#[derive(Clone, Copy, Debug)]
enum Handler {
    /// Answers a request that API Gateway sends.
    Http(HttpHandler, Operations),
    /// Answers a trigger's event with an event.
    Trigger(Trigger),
}

impl Function {
    const fn http(name: &'static str, operations: Operations, handler: HttpHandler) -> Self {
        Self::new(name, Handler::Http(handler, operations))
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

    /// What it does in the `OpenAPI` document; nothing for a trigger.
    pub fn operations(&self) -> Vec<Operation> {
        match self.handler {
            Handler::Http(_, operations) => operations(),
            Handler::Trigger(_) => Vec::new(),
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
            Handler::Http(handler, _) => {
                let event: HttpEvent = serde_json::from_value(event)?;
                let answer = runtime::answer(app, handler, event, &context).await;
                Ok(serde_json::to_value(answer)?)
            }
            Handler::Trigger(trigger) => Ok(trigger(app, event, context).await),
        }
    }
}

/// An HTTP function: its name, and the module of its endpoint.
macro_rules! http {
    ($name:literal, $($endpoint:ident)::+) => {
        Function::http($name, $($endpoint)::+::operations, |app, request| {
            Box::pin($($endpoint)::+::handle(app, request))
        })
    };
}

/// All functions.
pub fn functions() -> &'static [Function] {
    const FUNCTIONS: &[Function] = &[
        http!("create-organization", organizations::create),
        http!("list-organizations", organizations::list),
        http!("get-organization", organizations::get),
        http!("update-organization", organizations::update),
        http!("delete-organization", organizations::delete),
        http!("restore-organization", organizations::restore),
        http!("add-member", members::add),
        http!("list-members", members::list),
        http!("get-member", members::get),
        http!("update-member", members::update),
        http!("remove-member", members::remove),
        http!("accept-invitation", members::accept),
        http!("list-user-organizations", users::list_organizations),
        http!("get-user", users::get),
        http!("register-user", users::register),
        http!("create-team", teams::create),
        http!("list-teams", teams::list),
        http!("get-team", teams::get),
        http!("update-team", teams::update),
        http!("delete-team", teams::delete),
        http!("restore-team", teams::restore),
        http!("add-team-member", team_members::add),
        http!("list-team-members", team_members::list),
        http!("update-team-member", team_members::update),
        http!("remove-team-member", team_members::remove),
        http!("list-user-teams", users::list_teams),
        Function::trigger("post-login", |app, event, context| {
            Box::pin(triggers::post_login::handle(app, event, context))
        })
        .with_login_sync(),
        Function::trigger("pre-token", |app, event, context| {
            Box::pin(triggers::pre_token::handle(app, event, context))
        }),
    ];
    FUNCTIONS
}
