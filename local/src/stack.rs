//! The whole stack: starts its parts in the order of their dependencies and stops them in reverse.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use aws_sdk_dynamodb::Client;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use dynoxide::Database;
use muster::config::{
    DEFAULT_TENANT_ADMIN_GROUP, DYNAMODB_ENDPOINT, INVITATION_FROM, INVITATION_URL, aws_endpoint,
};
use muster::store::Store;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::entra::Entra;
use crate::gateway::{self, Gateway};
use crate::issuer::{self, Identity, Issuer};
use crate::lambda::Lambda;
use crate::log::Log;
use crate::options::{ConfigureClient, Options};
use crate::page::{self, Running};
use crate::services::{self, Services};
use crate::sources::Sources;
use crate::timer::{self, Timers};
use crate::{dynamodb, invoke, origin, table, template};

/// The variable with the name of the tenant admins' group.
const TENANT_ADMIN_GROUP: &str = "TENANT_ADMIN_GROUP";
/// The sender of the mails of invitations.
const LOCAL_SENDER: &str = "Muster <no-reply@muster.example>";
/// The warning for a DynamoDB of the developer.
const NO_STREAM: &str = "Events are not published: only the embedded DynamoDB has a stream here";
/// How long the stack waits for running requests when it stops.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// A running stack. Dropping it stops it immediately; [`Stack::stop`] waits for running requests.
pub struct Stack {
    url: String,
    dynamodb_url: String,
    table_name: String,
    client: Client,
    services: Arc<Services>,
    issuer: Arc<Issuer>,
    warnings: Vec<String>,
    stop: watch::Sender<bool>,
    gateway: JoinSet<Result<()>>,
    stop_dynamodb: watch::Sender<bool>,
    dynamodb: JoinSet<Result<()>>,
}

impl Stack {
    /// Starts a stack and returns when it is ready.
    pub async fn start(mut options: Options) -> Result<Self> {
        let template = template::read(&options.template)?;
        options.data.as_deref().map(make_folder).transpose()?;
        let listener = bind(options.port, "--port").await?;
        let url = format!("http://{}", listener.local_addr()?);
        send_invitations(&mut options, &url);
        let (entra, warning) = Entra::wire(&mut options, &url)?;

        let mut dynamodb = JoinSet::new();
        let (stop_dynamodb, stopped) = watch::channel(false);
        // A developer's credentials are sent only to a DynamoDB that they configured.
        let set = |name: &str| options.variable(name).map(str::to_owned);
        let chosen = aws_endpoint(DYNAMODB_ENDPOINT, set).map(|(_, endpoint)| endpoint);
        let is_chosen = chosen.is_some();
        let variable = |name: &str| set(name).filter(|_| is_chosen);
        let mut database = None;
        let dynamodb_url = if let Some(endpoint) = chosen {
            endpoint
        } else {
            let (url, opened) = embedded(&options, &stopped, &mut dynamodb).await?;
            database = Some(opened);
            url
        };
        let written = Arc::new(Notify::new());
        let configure = options.configure_client.as_ref();
        let client = dynamodb::client(&dynamodb_url, variable, configure, &written)?;
        let table_name = options
            .variable("TABLE_NAME")
            .unwrap_or(&template.table.name)
            .to_owned();
        // Without the caller's configuration: counting or failing calls is for the functions only.
        let patient: ConfigureClient = Arc::new(dynamodb::patient);
        let own_client = dynamodb::client(&dynamodb_url, variable, Some(&patient), &written)?;
        table::ensure(&own_client, &table_name, &template.table).await?;

        let key = issuer::signing_key(options.data.as_deref())?;
        let issuer = Arc::new(Issuer::new(format!("{url}/_local"), key)?);
        let faults = options.service_faults.clone();
        let services = Arc::new(Services::new(&template, &url, faults));
        let (stop, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        services.dns().serve(&stopped, &mut serving).await?;
        let lambda = Lambda::new(&template, &options, &client, &table_name, &services)?;
        let lambda = Arc::new(lambda);
        let warnings = lambda.unlinked().map(|function| {
            let (resource, binary) = (&function.resource, &function.binary);
            format!("{resource} answers 500: this program has no function {binary}")
        });
        let unread = options.event_sources && database.is_none();
        let unread = unread.then(|| NO_STREAM.to_owned());
        let warnings = warnings.chain(warning).chain(unread).collect();
        let log = Log::from(options.log);
        let gateway = Gateway::new(&template.routes, &issuer, Arc::clone(&lambda), log)?;
        let group = options
            .variable(TENANT_ADMIN_GROUP)
            .or(template.variable(TENANT_ADMIN_GROUP));
        let group = group.unwrap_or(DEFAULT_TENANT_ADMIN_GROUP);
        let directory = entra.as_ref().map(|entra| entra.shown_at());
        let directory = directory
            .as_deref()
            .or(options.variable("MICROSOFT_GRAPH_ENDPOINT"))
            .unwrap_or("off");
        let running = Running::new(
            &template,
            &url,
            &dynamodb_url,
            &table_name,
            group,
            directory,
        );
        if options.event_sources {
            let sources = Sources {
                template: &template,
                table: &table_name,
                database: database.as_ref(),
                data: options.data.as_deref(),
                lambda: &lambda,
                services: &services,
                written: &written,
            };
            sources.start(&stopped, &mut serving)?;
        }
        let timers = Timers::new(&lambda, options.event_sources.then_some(&services));
        let store = Store::new(own_client.clone(), &table_name);
        let mut router = router(gateway, Arc::clone(&issuer), timers, running, store);
        router = router.merge(services::router(Arc::clone(&services)));
        if let Some(entra) = entra {
            router = router.merge(entra.router());
        }

        serving.spawn(serve(listener, router, stopped));
        Ok(Self {
            url,
            dynamodb_url,
            table_name,
            client: own_client,
            services,
            issuer,
            warnings,
            stop,
            gateway: serving,
            stop_dynamodb,
            dynamodb,
        })
    }

    /// The URL of the API: `http://127.0.0.1:3000`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The URL of DynamoDB: `http://127.0.0.1:8000`.
    pub fn dynamodb_url(&self) -> &str {
        &self.dynamodb_url
    }

    /// The table that the functions use.
    pub fn table_name(&self) -> &str {
        &self.table_name
    }

    /// A client for the table, without what [`Options::configure_client`] adds.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The endpoint of the event bus and the queues, for a client with any credentials.
    pub fn services_url(&self) -> &str {
        self.services.endpoint()
    }

    /// The token issuer.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Returns an access token for a user of a tenant in these groups.
    pub fn token(&self, user_id: &str, tenant_id: &str, groups: &[&str]) -> Result<String> {
        self.issuer.token(&Identity {
            user_id: user_id.to_owned(),
            tenant_id: tenant_id.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Identity::default()
        })
    }

    /// Returns an access token with these claims in addition to the default ones; `null` omits one.
    pub fn token_with(&self, claims: Map<String, Value>) -> Result<String> {
        self.issuer.token_with(claims)
    }

    /// Notes for the developer before the first request.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Returns when a part of the stack stops unexpectedly.
    pub async fn failed(&mut self) -> Result<()> {
        let ended = tokio::select! {
            Some(ended) = self.gateway.join_next() => ended,
            Some(ended) = self.dynamodb.join_next() => ended,
        };
        ended?
    }

    /// Stops the stack: waits up to five seconds for running requests, then closes the table.
    pub async fn stop(mut self) {
        for (stop, tasks) in [
            (&self.stop, &mut self.gateway),
            (&self.stop_dynamodb, &mut self.dynamodb),
        ] {
            stop.send_replace(true);
            let ended = async { while tasks.join_next().await.is_some() {} };
            if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
                tasks.abort_all();
            }
        }
    }
}

/// Makes the folder of the data.
fn make_folder(folder: &Path) -> Result<()> {
    let named = || format!("{} cannot be made", folder.display());
    fs::create_dir_all(folder).with_context(named)
}

/// Sets the sender of invitations and the page of their links, if the developer wants mails and did not set them.
fn send_invitations(options: &mut Options, url: &str) {
    if !options.invitation_mails {
        return;
    }
    let variables = &mut options.variables;
    let entry = variables.entry(INVITATION_FROM.to_owned());
    entry.or_insert_with(|| LOCAL_SENDER.to_owned());
    let entry = variables.entry(INVITATION_URL.to_owned());
    entry.or_insert_with(|| format!("{url}/"));
}

/// The embedded DynamoDB, served until stopped, and its URL.
async fn embedded(
    options: &Options,
    stopped: &watch::Receiver<bool>,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<(String, Database)> {
    let listener = bind(options.dynamodb_port, "--dynamodb-port").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let database = dynamodb::open(options.data.as_deref())?;
    dynamodb::serve(&database, listener, stopped, tasks);
    Ok((url, database))
}

/// Serves the API until stopped.
async fn serve(
    listener: TcpListener,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) -> Result<()> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let stopped = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(stopped)
        .await;
    served.context("the API stopped")
}

fn router(
    gateway: Gateway,
    issuer: Arc<Issuer>,
    timers: Timers,
    running: Running,
    store: Store,
) -> Router {
    let lambda = Arc::clone(&timers.lambda);
    let tokens = Router::new()
        .route("/_local/token", post(issuer::token))
        .route("/_local/.well-known/jwks.json", get(issuer::jwks))
        .route(
            "/_local/.well-known/openid-configuration",
            get(issuer::openid_configuration),
        )
        .with_state(issuer::TokenEndpoint {
            issuer,
            lambda: Arc::clone(&lambda),
        })
        .layer(from_fn(origin::only_own_name));
    let timers = Router::new()
        .route("/_local/timers/{function}", post(timer::run))
        .with_state(timers)
        .layer(from_fn(origin::only_own_name));
    let invocations = Router::new()
        .route(
            "/2015-03-31/functions/{name}/invocations",
            post(invoke::invoke),
        )
        .with_state(Arc::clone(&lambda))
        .layer(from_fn(origin::only_own_name));
    Router::new()
        .merge(page::router(running, lambda, store))
        .merge(tokens)
        .merge(timers)
        .merge(invocations)
        .fallback(gateway::serve)
        .method_not_allowed_fallback(gateway::serve)
        .layer(DefaultBodyLimit::max(gateway::MAX_BODY))
        .layer(from_fn(origin::only_own_pages))
        .with_state(Arc::new(gateway))
}

/// Binds a port of this machine. The error names the taken port and the option that changes it.
async fn bind(port: u16, option: &str) -> Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("port {port} is taken by another program; choose another one with {option}")
        }
        _ => anyhow!(error).context(format!("port {port} cannot be used")),
    })
}

#[cfg(test)]
mod tests;
