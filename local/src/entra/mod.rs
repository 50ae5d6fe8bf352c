//! Emulates Entra: a small directory that serves the token endpoint and the Microsoft Graph
//! requests of the login sync, with pages, errors and delays as configured in its file.

mod answer;
mod check;
mod circumstances;
mod delta;
mod fault;
mod file;
mod graph;
mod links;
mod list;
mod query;
mod server;
mod source;
mod token;
mod variables;

use std::fmt;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use muster::domain::Clock;
use muster::http::{Code, Problem};
use serde_json::Value;

use self::answer::{EntraRefusal, TokenRefusal, json};
use self::circumstances::Circumstances;
use self::fault::{Selected, respond};
pub use self::file::{
    AppRole, Application, Assignment, Directory, Fault, GraphEndpoint, Group, User,
};
use self::links::Links;
use self::query::{Query, pairs};
use self::server::Record;
pub use self::server::{ReceivedCall, Server};
use self::source::{Loaded, Source};
pub use self::token::TOKEN_PREFIX;
use self::token::Tokens;
use self::variables::Chosen;
use crate::gateway::MAX_BODY;
use crate::log::Log;
use crate::options::Options;
use crate::problem::Refused;

/// Its path on the stack.
const ROOT: &str = "/_local/entra";

/// The directory, its issued tokens, and its address.
pub(crate) struct Entra {
    source: Source,
    tokens: Tokens,
    url: String,
    log: Log,
    record: Option<Record>,
    links: Links,
}

impl fmt::Debug for Entra {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entra")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Entra {
    /// Opens the directory of a stack at this address and points the functions' settings to it.
    /// `None` if they point elsewhere. Also returns notes for the developer.
    pub(crate) fn wire(
        options: &mut Options,
        url: &str,
    ) -> Result<(Option<Arc<Self>>, Option<String>)> {
        if variables::choose(options)? != Chosen::Local {
            return Ok((None, None));
        }
        let source = Source::open(options.directory.clone()).map_err(|problem| anyhow!(problem))?;
        let url = format!("{url}{ROOT}");
        let loaded = source.current();
        let loaded = loaded.map_err(|broken| anyhow!(broken.problem))?;
        let application = &loaded.directory.application;
        let warning = variables::warning(options, application);
        options.set_by_default(variables::of(application, &url));
        let entra = Self {
            source,
            tokens: Tokens::new(),
            url,
            log: Log::from(options.log),
            record: None,
            links: Links::default(),
        };
        Ok((Some(Arc::new(entra)), warning))
    }

    /// The URL that shows the directory.
    pub(crate) fn shown_at(&self) -> String {
        format!("{}/directory", self.url)
    }

    /// All routes of the directory.
    pub(crate) fn router<S>(self: &Arc<Self>) -> Router<S> {
        Router::new()
            .route("/_local/entra/directory", get(shown).put(replace))
            .route("/_local/entra/{tenant}/oauth2/v2.0/token", post(grant))
            .route(
                "/_local/entra/{tenant}/v2.0/.well-known/openid-configuration",
                get(discover),
            )
            .route("/_local/entra/v1.0/{*path}", get(ask))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(Arc::clone(self))
    }

    fn current(&self) -> Result<Arc<Loaded>, EntraRefusal> {
        self.source.current().map_err(|broken| {
            if broken.is_news {
                self.log.line(format_args!("directory: {}", broken.problem));
            }
            EntraRefusal::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "InternalServerError",
                broken.problem,
            )
        })
    }
}

/// The normal response, or that of a fault.
async fn faulty(loaded: &Loaded, call: Selected<'_>, normal: Result<Value, Response>) -> Response {
    match fault::find(&loaded.directory, &loaded.counts, call) {
        Some(fault) => fault::play(fault, normal).await,
        None => respond(normal),
    }
}

async fn grant(
    State(entra): State<Arc<Entra>>,
    Path(tenant): Path<String>,
    parts: Parts,
    body: String,
) -> Response {
    let loaded = match entra.current() {
        Ok(loaded) => loaded,
        Err(refusal) => return refusal.into_response(GraphEndpoint::Token),
    };
    entra.record(Some(GraphEndpoint::Token), 1, &parts, &body);
    let call = Selected {
        endpoint: GraphEndpoint::Token,
        user: None,
        page: 1,
        counted: false,
        low_priority: false,
    };
    let directory = &loaded.directory;
    let form = pairs(&body).collect();
    let granted = entra
        .tokens
        .grant(directory.of_tenant(&tenant), &tenant, &form);
    faulty(&loaded, call, granted.map_err(TokenRefusal::into_response)).await
}

/// The discovery document of an Entra tenant, by its id or one of its domains: which tenant it is.
async fn discover(
    State(entra): State<Arc<Entra>>,
    Path(tenant): Path<String>,
    parts: Parts,
) -> Response {
    let loaded = match entra.current() {
        Ok(loaded) => loaded,
        Err(refusal) => return refusal.into_response(GraphEndpoint::Token),
    };
    entra.record(None, 1, &parts, "");
    let Some(directory) = loaded.directory.of_tenant(&tenant) else {
        let unknown = TokenRefusal::unknown_tenant(&tenant);
        return unknown.into_response();
    };
    let root = entra.root(&parts.headers);
    let id = &directory.application.tenant;
    let document = serde_json::json!({
        "issuer": format!("{root}/{id}/v2.0"),
        "token_endpoint": format!("{root}/{id}/oauth2/v2.0/token"),
    });
    json(StatusCode::OK, &document)
}

async fn ask(State(entra): State<Arc<Entra>>, parts: Parts) -> Response {
    answer(&entra, &parts)
        .await
        .unwrap_or_else(EntraRefusal::graph)
}

async fn answer(entra: &Entra, parts: &Parts) -> Result<Response, EntraRefusal> {
    let loaded = entra.current()?;
    let header = |name: &str| parts.headers.get(name)?.to_str().ok();
    let root = format!("{}/v1.0", entra.root(&parts.headers));
    let path = parts.uri.path();
    let path = path.split_once("/v1.0/").map_or("", |(_, path)| path);
    let tenant = entra.tokens.check(header(header::AUTHORIZATION.as_str()));
    let of_token = tenant.as_ref().ok();
    let of_token = of_token.and_then(|tenant| loaded.directory.of_tenant(tenant));
    let directory = of_token.unwrap_or(&loaded.directory);
    let call = graph::understand(directory, path);
    let is_delta = graph::endpoint(path).is_some_and(GraphEndpoint::is_delta);
    let query = Query::parse(parts.uri.query().unwrap_or_default(), is_delta);
    let page = query.as_ref().map_or(1, Query::page);
    entra.record(graph::endpoint(path), page, parts, "");
    tenant?;
    let (call, query) = (call?, query?);
    let selected = Selected {
        endpoint: call.endpoint,
        user: call.user(),
        page,
        counted: query.count,
        low_priority: header("x-ms-throttle-priority")
            .is_some_and(|it| it.eq_ignore_ascii_case("low")),
    };
    let about = Circumstances {
        root: &root,
        path,
        query: &query,
        eventual: header("consistencylevel").is_some_and(|it| it.eq_ignore_ascii_case("eventual")),
        generation: loaded.generation,
        links: &entra.links,
    };
    let normal = call.answer(directory, &about);
    Ok(faulty(&loaded, selected, normal.map_err(EntraRefusal::graph)).await)
}

impl Entra {
    /// The host of the request: links to a next page must use the same host.
    fn root(&self, headers: &HeaderMap) -> String {
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        host.map_or_else(|| self.url.clone(), |host| format!("http://{host}{ROOT}"))
    }
}

/// The current directory, to show, or to change and put back.
async fn shown(State(entra): State<Arc<Entra>>) -> Response {
    let shown = entra.current().map(|loaded| {
        let directory = serde_json::to_value(&loaded.directory).unwrap_or_default();
        json(StatusCode::OK, &directory)
    });
    shown.unwrap_or_else(EntraRefusal::graph)
}

/// Replaces the directory until the stack stops or the file changes.
async fn replace(State(entra): State<Arc<Entra>>, body: Bytes) -> Response {
    match entra.source.replace(&body) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(wrong) => {
            let problem = Problem::new(Code::ValidationFailed, wrong.to_string());
            let id = Clock::system().new_id().to_string();
            Refused::invalid(problem).into_response("/_local/entra/directory", &id)
        }
    }
}

#[cfg(test)]
mod tests;
