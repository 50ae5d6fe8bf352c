//! `GET /`: the running functions, a token, the result of a login, and the API's reference with a
//! form for each call.
//!
//! The page consists of the files of this folder and Swagger UI from the crate `swagger-ui-dist`,
//! all included in the program. It gets data of this stack from `GET /_local/routes`, `GET
//! /_local/logins`, `GET /_local/openapi.json` and `GET /_local/scim/{tenant_id}/{directory_id}`.

mod scim;

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use muster::store::Store;
use serde_json::{Value, json};
use swagger_ui_dist::{ApiDefinition, OpenApiSource, generate_routes};

use crate::lambda::Lambda;
use crate::origin::only_own_name;
use crate::template::Template;

/// The page's own files.
const FILES: [(&str, &str, &str); 14] = [
    ("index.html", HTML, include_str!("index.html")),
    ("page.css", CSS, include_str!("page.css")),
    ("main.js", SCRIPT, include_str!("main.js")),
    ("elements.js", SCRIPT, include_str!("elements.js")),
    ("token.js", SCRIPT, include_str!("token.js")),
    ("login.js", SCRIPT, include_str!("login.js")),
    ("deliveries.js", SCRIPT, include_str!("deliveries.js")),
    ("dns.js", SCRIPT, include_str!("dns.js")),
    ("events.js", SCRIPT, include_str!("events.js")),
    ("invitation.js", SCRIPT, include_str!("invitation.js")),
    ("mail.js", SCRIPT, include_str!("mail.js")),
    ("tree.js", SCRIPT, include_str!("tree.js")),
    ("reference.js", SCRIPT, include_str!("reference.js")),
    ("scim.js", SCRIPT, include_str!("scim.js")),
];
const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Where the page finds Swagger UI, and the files it uses.
const SWAGGER_UI: &str = "/_local/swagger-ui";
const SWAGGER_UI_FILES: [&str; 2] = ["swagger-ui.css", "swagger-ui-bundle.js"];

/// The page has tokens: it runs only scripts of this stack and connects only to it. The icons in
/// Swagger UI's style sheet are `data:`.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// The page's data of this stack.
#[derive(Debug)]
pub(crate) struct Running {
    about: Value,
    url: String,
}

impl Running {
    /// Describes the stack.
    pub(crate) fn new(
        template: &Template,
        url: &str,
        dynamodb_url: &str,
        table: &str,
        tenant_admin_group: &str,
        entra: &str,
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
            "version": env!("CARGO_PKG_VERSION"),
            "url": url,
            "dynamodb_url": dynamodb_url,
            "table_name": table,
            "tenant_admin_group": tenant_admin_group,
            "entra": entra,
            "routes": routes.collect::<Vec<_>>(),
            "functions": functions.collect::<Vec<_>>(),
        });
        let url = url.to_owned();
        Self { about, url }
    }
}

/// The page, its files and its data.
pub(crate) fn router<S>(running: Running, lambda: Arc<Lambda>, store: Store) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let swagger_ui = generate_routes(ApiDefinition {
        uri_prefix: SWAGGER_UI,
        api_definition: OpenApiSource::Uri("/_local/openapi.json"),
        title: None,
    });
    let files = Router::new()
        .route("/", get(|| async { file("index.html") }))
        .route(
            "/_local/page/{name}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
        .merge(swagger_ui.layer(from_fn(only_what_is_needed)))
        .layer(from_fn(guarded));
    Router::new()
        .route("/_local/health", get(health))
        .route("/_local/routes", get(routes))
        .route("/_local/openapi.json", get(openapi))
        .with_state(Arc::new(running))
        .merge(
            Router::new()
                .route("/_local/logins", get(logins))
                .with_state(lambda)
                .layer(from_fn(only_own_name)),
        )
        .merge(
            Router::new()
                .route(
                    "/_local/scim/{tenant_id}/{directory_id}",
                    get(scim::directory),
                )
                .with_state(Arc::new(store))
                .layer(from_fn(only_own_name)),
        )
        .merge(files)
        .with_state(())
}

fn file(name: &str) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => ([(header::CONTENT_TYPE, *kind)], *text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The crate includes an example page; leave it out.
async fn only_what_is_needed(request: Request, next: Next) -> Response {
    let name = request.uri().path().rsplit('/').next();
    if name.is_some_and(|name| SWAGGER_UI_FILES.contains(&name)) {
        next.run(request).await
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

/// Isolates the page. Browsers must revalidate its files after a new build.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The functions and their routes.
async fn routes(State(running): State<Arc<Running>>) -> Json<Value> {
    Json(running.about.clone())
}

/// The `OpenAPI` document, with this stack as its server.
async fn openapi(State(running): State<Arc<Running>>) -> Json<Value> {
    let mut document = muster_functions::openapi_document();
    if let Some(document) = document.as_object_mut() {
        let server = json!({"url": running.url, "description": "This local stack."});
        document.insert("servers".to_owned(), json!([server]));
    }
    Json(document)
}

/// The log lines of the last logins, in order.
async fn logins(State(lambda): State<Arc<Lambda>>) -> Json<Value> {
    Json(json!({"lines": lambda.logins()}))
}

/// The port is served once everything is ready, so every response is this one.
async fn health() -> Json<Value> {
    Json(json!({"status": "ok"}))
}
