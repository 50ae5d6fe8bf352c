//! `GET /`: what is running, a token, and a way to try each call. The page is one file without
//! anything from the network; what it shows of this stack comes from `GET /_local/routes`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::template::Template;

const PAGE: &str = include_str!("index.html");

/// What the page shows of this stack.
#[derive(Debug)]
pub(crate) struct Running {
    about: Value,
    openapi: Value,
}

impl Running {
    /// Describes the stack.
    pub(crate) fn new(
        template: &Template,
        url: &str,
        dynamodb_url: &str,
        table: &str,
        tenant_admin_group: &str,
    ) -> Self {
        let routes = template.routes.iter().map(|route| {
            json!({
                "method": route.method,
                "path": route.path,
                "function": route.function,
                "authorized": route.authorized,
            })
        });
        let functions = template
            .functions
            .iter()
            .map(|function| json!({"name": function.resource, "binary": function.binary}));
        let about = json!({
            "url": url,
            "dynamodb_url": dynamodb_url,
            "table_name": table,
            "tenant_admin_group": tenant_admin_group,
            "routes": routes.collect::<Vec<_>>(),
            "functions": functions.collect::<Vec<_>>(),
        });
        let mut openapi = muster_functions::openapi::document();
        if let Some(openapi) = openapi.as_object_mut() {
            let server = json!({"url": url, "description": "This local stack."});
            openapi.insert("servers".to_owned(), json!([server]));
        }
        Self { about, openapi }
    }
}

/// The page.
pub(crate) async fn html() -> Response {
    // The page holds tokens: it runs its own script and talks to this stack, nothing else.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                  connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
                  frame-ancestors 'none'";
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, PAGE).into_response()
}

/// What runs and its routes.
pub(crate) async fn routes(State(running): State<Arc<Running>>) -> Json<Value> {
    Json(running.about.clone())
}

/// The `OpenAPI` document, with this stack as its server.
pub(crate) async fn openapi(State(running): State<Arc<Running>>) -> Json<Value> {
    Json(running.openapi.clone())
}

/// The port is served only once all is ready, so whoever gets an answer gets this one.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
