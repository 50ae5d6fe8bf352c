//! The directory on a port of its own, for tests of what reads it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, anyhow};
use axum::Router;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use tokio::net::TcpListener;

use super::file::{Directory, GraphEndpoint};
use super::source::Source;
use super::token::Tokens;
use super::{Entra, ROOT, variables};
use crate::log::Log;

/// A directory that changes while it runs and records the calls that it receives.
#[derive(Clone, Debug)]
pub struct Server(Arc<Entra>);

/// A call as received.
#[derive(Clone, Debug)]
pub struct ReceivedCall {
    /// `None`: no known endpoint.
    pub endpoint: Option<GraphEndpoint>,
    /// The page of a list, counted from 1.
    pub page: usize,
    /// `GET`, `POST`
    pub method: String,
    /// The path below the address of the server.
    pub path: String,
    /// Without the question mark; empty without a query.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The form of a request for a token; otherwise empty.
    pub body: String,
}

/// The received calls.
pub(super) type Record = Mutex<Vec<ReceivedCall>>;

impl Server {
    /// Serves this directory on a free port, until the runtime stops.
    pub async fn start(directory: Directory) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let entra = Arc::new(Entra {
            source: Source::of(directory),
            tokens: Tokens::new(),
            url: format!("http://{}{ROOT}", listener.local_addr()?),
            log: Log::from(false),
            record: Some(Record::default()),
            links: super::links::Links::default(),
        });
        let router: Router = entra.router();
        let router = router.fallback_service(
            Router::new()
                .fallback(unknown)
                .with_state(Arc::clone(&entra)),
        );
        tokio::spawn(async { axum::serve(listener, router).await });
        Ok(Self(entra))
    }

    /// The address of the server.
    pub fn url(&self) -> &str {
        &self.0.url
    }

    /// The settings of a function that reads this directory.
    pub fn variables(&self) -> Result<BTreeMap<&'static str, String>> {
        let application = self.change(|directory| directory.application.clone())?;
        Ok(variables::connection(&application, self.url()))
    }

    /// Reads or changes the directory. It is not checked like a file.
    pub fn change<T>(&self, change: impl FnOnce(&mut Directory) -> T) -> Result<T> {
        let changed = self.0.source.change(change);
        changed.map_err(|broken| anyhow!(broken.problem))
    }

    /// The calls since the last [`Server::forget_calls`], in the order of their arrival.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.with_calls(|calls| calls.clone())
    }

    /// Forgets the calls. Returns them.
    pub fn forget_calls(&self) -> Vec<ReceivedCall> {
        self.with_calls(std::mem::take)
    }

    fn with_calls<T>(&self, work: impl FnOnce(&mut Vec<ReceivedCall>) -> T) -> T {
        let mut none = Vec::new();
        match &self.0.record {
            Some(record) => work(&mut record.lock().unwrap_or_else(PoisonError::into_inner)),
            None => work(&mut none),
        }
    }
}

impl Entra {
    /// Records a call when the directory that answers it has been read: a later change does not
    /// affect the response.
    pub(super) fn record(
        &self,
        endpoint: Option<GraphEndpoint>,
        page: usize,
        parts: &Parts,
        body: &str,
    ) {
        if let Some(record) = &self.record {
            let path = parts.uri.path();
            let mut calls = record.lock().unwrap_or_else(PoisonError::into_inner);
            calls.push(ReceivedCall {
                endpoint,
                page,
                method: parts.method.to_string(),
                path: path.strip_prefix(ROOT).unwrap_or(path).to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                headers: parts.headers.clone(),
                body: body.to_owned(),
            });
        }
    }
}

async fn unknown(State(entra): State<Arc<Entra>>, parts: Parts) -> StatusCode {
    entra.record(None, 1, &parts, "");
    StatusCode::NOT_FOUND
}
