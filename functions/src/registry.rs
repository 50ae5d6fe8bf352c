use std::sync::Arc;

use lambda_runtime::Context;
use muster::http::HttpEvent;
use serde_json::Value;

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

#[derive(Clone, Copy, Debug)]
enum Handler {
    /// Answers a request that API Gateway sends.
    Http(HttpHandler),
    /// Answers a trigger's event with an event.
    Trigger(Trigger),
}

impl Function {
    const fn http(name: &'static str, handler: HttpHandler) -> Self {
        Self::new(name, Handler::Http(handler))
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

    /// One invocation. An event that is none of API Gateway's is an error of an HTTP
    /// function; a trigger gives back any event.
    pub async fn invoke(
        &self,
        app: Arc<App>,
        event: Value,
        context: Context,
    ) -> Result<Value, Error> {
        match self.handler {
            Handler::Http(handler) => {
                let event: HttpEvent = serde_json::from_value(event)?;
                Ok(runtime::answer(app, handler, event, &context).await)
            }
            Handler::Trigger(trigger) => Ok(trigger(app, event, context).await),
        }
    }
}

/// All functions.
pub fn functions() -> &'static [Function] {
    const FUNCTIONS: &[Function] = &[
        Function::http("create-organization", |app, request| {
            Box::pin(organizations::create::handle(app, request))
        }),
        Function::http("list-organizations", |app, request| {
            Box::pin(organizations::list::handle(app, request))
        }),
        Function::http("get-organization", |app, request| {
            Box::pin(organizations::get::handle(app, request))
        }),
        Function::http("update-organization", |app, request| {
            Box::pin(organizations::update::handle(app, request))
        }),
        Function::http("delete-organization", |app, request| {
            Box::pin(organizations::delete::handle(app, request))
        }),
        Function::http("restore-organization", |app, request| {
            Box::pin(organizations::restore::handle(app, request))
        }),
        Function::http("add-member", |app, request| {
            Box::pin(members::add::handle(app, request))
        }),
        Function::http("list-members", |app, request| {
            Box::pin(members::list::handle(app, request))
        }),
        Function::http("get-member", |app, request| {
            Box::pin(members::get::handle(app, request))
        }),
        Function::http("update-member", |app, request| {
            Box::pin(members::update::handle(app, request))
        }),
        Function::http("remove-member", |app, request| {
            Box::pin(members::remove::handle(app, request))
        }),
        Function::http("accept-invitation", |app, request| {
            Box::pin(members::accept::handle(app, request))
        }),
        Function::http("list-user-organizations", |app, request| {
            Box::pin(users::list_organizations::handle(app, request))
        }),
        Function::http("get-user", |app, request| {
            Box::pin(users::get::handle(app, request))
        }),
        Function::http("register-user", |app, request| {
            Box::pin(users::register::handle(app, request))
        }),
        Function::http("create-team", |app, request| {
            Box::pin(teams::create::handle(app, request))
        }),
        Function::http("list-teams", |app, request| {
            Box::pin(teams::list::handle(app, request))
        }),
        Function::http("get-team", |app, request| {
            Box::pin(teams::get::handle(app, request))
        }),
        Function::http("update-team", |app, request| {
            Box::pin(teams::update::handle(app, request))
        }),
        Function::http("delete-team", |app, request| {
            Box::pin(teams::delete::handle(app, request))
        }),
        Function::http("add-team-member", |app, request| {
            Box::pin(team_members::add::handle(app, request))
        }),
        Function::http("list-team-members", |app, request| {
            Box::pin(team_members::list::handle(app, request))
        }),
        Function::http("update-team-member", |app, request| {
            Box::pin(team_members::update::handle(app, request))
        }),
        Function::http("remove-team-member", |app, request| {
            Box::pin(team_members::remove::handle(app, request))
        }),
        Function::http("list-user-teams", |app, request| {
            Box::pin(users::list_teams::handle(app, request))
        }),
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
