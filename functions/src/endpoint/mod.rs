//! The declaration of an endpoint: its function, routes, request parts, responses, errors and
//! permissions.
//!
//! Everything else is generated from it by `cargo xtask generate`: the binary, the registry, the
//! function's block in the template, its line on the dashboard, an example event and the `OpenAPI`
//! document.

pub(crate) mod batch;
mod call;
mod handler;
mod parts;
mod query;

use crate::openapi::{Operation, tag_of};
use crate::runtime::HttpFunction;
use crate::services::ServiceRight;

pub(crate) use call::{Call, PublicCall, render};
pub(crate) use handler::{describe, is_public, rights, start};
pub(crate) use parts::{
    ApiUrl, Body, DeliveryPath, DirectoryPath, DomainPath, EventPath, Idempotency, MemberPath,
    NoBody, OptionalBody, OrganizationPath, RequestPart, TeamMemberPath, TeamPath, UserPath,
    WebhookEndpointPath,
};
pub(crate) use query::{
    Filter, Force, Paged, Parameter, Query, QueryParameters, StatusFilter, parameter_name, query,
};

/// An endpoint, made with `endpoint!`.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a right that the function has or does not have"
)]
pub struct Endpoint {
    /// The name of its handler: `remove_member`. Names the binary, the resource and the operation.
    pub name: &'static str,
    /// The module of its handler. The folder gives the operation its tag.
    module: &'static str,
    /// Starts its function.
    pub function: HttpFunction,
    docs: &'static str,
    route: &'static str,
    second: Option<SecondRoute>,
    /// The actions on the table that its policy allows.
    pub table: &'static [TableAction],
    /// The indexes of the table that its policy allows querying.
    pub indexes: &'static [&'static str],
    /// Whether it puts messages on the queue of webhooks.
    pub webhook_queue: bool,
    /// Whether it puts runs of directories on their queue.
    pub run_queue: bool,
    /// Whether it reads the directories of tenants.
    pub directories: bool,
    /// Whether its policy allows access to secrets.
    pub secrets: bool,
    /// Whether its policy allows reading the secret of the tokens of invitations.
    pub invitation_secret: bool,
    /// Whether its policy allows changing the personal details in events.
    pub event_erasure: bool,
    /// Whether it is called without a token.
    pub is_public: bool,
    /// Whether it is part of SCIM, which has discovery documents in place of the `OpenAPI` document.
    pub is_scim: bool,
    /// How long an invocation may take in seconds, if it differs from the default.
    pub timeout: Option<u64>,
    /// Adds the parts of the request that the handler takes.
    takes: fn(Operation) -> Operation,
    answers: fn(Operation) -> Operation,
}

/// Another route to the same handler.
#[derive(Clone, Copy, Debug)]
struct SecondRoute {
    route: &'static str,
    /// Its operation id, unique in the document.
    id: &'static str,
    /// Its summary, and the description if it differs.
    docs: &'static str,
}

/// An action on items of the table, as IAM names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableAction {
    /// Reads several items.
    BatchGetItem,
    /// Writes several items.
    BatchWriteItem,
    /// Checks a condition in a transaction.
    ConditionCheckItem,
    /// Deletes an item.
    DeleteItem,
    /// Reads one item.
    GetItem,
    /// Puts an item.
    PutItem,
    /// Reads a range of items.
    Query,
    /// Updates an item.
    UpdateItem,
}

impl Endpoint {
    /// An endpoint without permissions on the table. Use `endpoint!`.
    pub(crate) const fn new(
        name: &'static str,
        module: &'static str,
        route: &'static str,
        docs: &'static str,
        function: HttpFunction,
        takes: fn(Operation) -> Operation,
    ) -> Self {
        Self {
            name,
            module,
            function,
            docs,
            route,
            second: None,
            table: &[],
            indexes: &[],
            webhook_queue: false,
            run_queue: false,
            directories: false,
            secrets: false,
            invitation_secret: false,
            event_erasure: false,
            is_public: false,
            is_scim: false,
            timeout: None,
            takes,
            answers: |operation| operation,
        }
    }

    /// Serves a second route, a separate operation with its own id and summary, and its own description if `docs` has a
    /// second paragraph.
    pub(crate) const fn also(
        mut self,
        route: &'static str,
        id: &'static str,
        docs: &'static str,
    ) -> Self {
        self.second = Some(SecondRoute { route, id, docs });
        self
    }

    /// Allows these actions on the table.
    pub(crate) const fn table(mut self, actions: &'static [TableAction]) -> Self {
        self.table = actions;
        self
    }

    /// Allows queries of these indexes of the table.
    pub(crate) const fn indexes(mut self, indexes: &'static [&'static str]) -> Self {
        self.indexes = indexes;
        self
    }

    /// Gives the rights for what its handler uses.
    pub(crate) const fn with_services(mut self, mut rights: &[ServiceRight]) -> Self {
        while let [right, rest @ ..] = rights {
            match right {
                ServiceRight::WebhookQueue => self.webhook_queue = true,
                ServiceRight::RunQueue => self.run_queue = true,
                ServiceRight::Directories => self.directories = true,
                ServiceRight::InvitationSecret => self.invitation_secret = true,
            }
            rights = rest;
        }
        self
    }

    /// Lets an invocation take that many seconds. API Gateway waits for 30.
    pub(crate) const fn takes_up_to(mut self, seconds: u64) -> Self {
        self.timeout = Some(seconds);
        self
    }

    /// Allows access to the secrets in the table.
    pub(crate) const fn with_secrets(mut self) -> Self {
        self.secrets = true;
        self
    }

    /// Allows changing the personal details in events, and nothing else of an event.
    pub(crate) const fn erases_events(mut self) -> Self {
        self.event_erasure = true;
        self
    }

    /// Lets it be called without a token of a user, if its handler can be.
    pub(crate) const fn without_token(mut self, is_public: bool) -> Self {
        self.is_public = is_public;
        self
    }

    /// Makes it a part of SCIM, which the discovery documents describe.
    pub(crate) const fn of_scim(mut self) -> Self {
        self.is_scim = true;
        self
    }

    /// Describes the responses, and the errors in addition to those of the request's parts.
    pub(crate) const fn answers(mut self, answers: fn(Operation) -> Operation) -> Self {
        self.answers = answers;
        self
    }

    /// Its routes, as in the template: `GET /teams`.
    pub fn routes(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.route).chain(self.second.map(|second| second.route))
    }

    /// Its operations in the `OpenAPI` document, one for each route. SCIM has none.
    pub fn operations(&self) -> Vec<Operation> {
        if self.is_scim {
            return Vec::new();
        }
        let operation = |route, id| {
            let operation = Operation::new(route, id, tag_of(self.module), self.docs);
            (self.answers)((self.takes)(operation))
        };
        let first = operation(self.route, camel_case(self.name));
        let second = self
            .second
            .map(|second| operation(second.route, second.id.to_owned()).described(second.docs));
        std::iter::once(first).chain(second).collect()
    }
}

/// Declares the endpoint of a handler whose docs are in `DOCS`, at a route such as `"GET /teams"`.
macro_rules! endpoint {
    ($handler:ident, $route:literal) => {
        $crate::endpoint::Endpoint::new(
            stringify!($handler),
            module_path!(),
            $route,
            DOCS,
            $crate::runtime::HttpFunction {
                handler: |app, variables| {
                    let name = stringify!($handler);
                    $crate::endpoint::start($handler, name, app, variables)
                },
            },
            |operation| $crate::endpoint::describe(&$handler, operation),
        )
        .with_services($crate::endpoint::rights(&$handler))
        .without_token($crate::endpoint::is_public(&$handler))
    };
}
pub(crate) use endpoint;

/// `remove_member` as `removeMember`.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |text, word| {
        let (initial, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        text + &initial.to_ascii_uppercase() + rest
    })
}
