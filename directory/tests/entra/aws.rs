//! Secrets Manager and STS in one server.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;
use tokio::net::TcpListener;

use super::graph::SECRET;

/// A JWT whose audience is that of Entra.
pub(crate) const IDENTITY: &str = "e30.eyJhdWQiOiJhcGk6Ly9BenVyZUFEVG9rZW5FeGNoYW5nZSJ9.c2ln";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    SecretsManager,
    Sts,
}

/// A call as received.
#[derive(Clone, Debug)]
pub(crate) struct AwsCall {
    pub(crate) service: Service,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

struct Services {
    secret: String,
    /// In place of the normal response.
    response: Option<(u16, String)>,
    calls: Vec<AwsCall>,
}

pub(crate) struct Aws {
    pub(crate) url: String,
    services: Arc<Mutex<Services>>,
}

impl Aws {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let services = Arc::new(Mutex::new(Services {
            secret: SECRET.to_owned(),
            response: None,
            calls: Vec::new(),
        }));
        let router = Router::new().fallback(answer).with_state(services.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { url, services }
    }

    /// These settings, with this server for both services.
    pub(crate) fn settings<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.url.as_str()),
            ("AWS_ENDPOINT_URL_STS", self.url.as_str()),
        ];
        [&own[..], more].concat()
    }

    pub(crate) fn secret(&self, secret: &str) {
        secret.clone_into(&mut self.services.lock().unwrap().secret);
    }

    pub(crate) fn respond(&self, status: u16, body: &str) {
        self.services.lock().unwrap().response = Some((status, body.to_owned()));
    }

    /// The calls of a service since the last time.
    pub(crate) fn calls(&self, service: Service) -> Vec<AwsCall> {
        let mut calls = std::mem::take(&mut self.services.lock().unwrap().calls);
        calls.retain(|call| call.service == service);
        calls
    }
}

async fn answer(State(services): State<Arc<Mutex<Services>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let service = if body.starts_with("Action=") {
        Service::Sts
    } else {
        Service::SecretsManager
    };
    let mut services = services.lock().unwrap();
    services.calls.push(AwsCall {
        service,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    });
    let (status, body) = services.response.clone().unwrap_or_else(|| {
        let body = match service {
            Service::SecretsManager => {
                json!({"Name": "entra", "SecretString": services.secret}).to_string()
            }
            Service::Sts => format!(
                "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetWebIdentityTokenResult><Expiration>2026-11-20T10:05:00Z</Expiration>\
                 <WebIdentityToken>{IDENTITY}</WebIdentityToken>\
                 </GetWebIdentityTokenResult></GetWebIdentityTokenResponse>"
            ),
        };
        (200, body)
    });
    Response::builder()
        .status(status)
        .header("request-id", "7c1f-request")
        .body(Body::from(body))
        .unwrap()
}
