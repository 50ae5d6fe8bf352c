//! Prints what the endpoints declare, and the `OpenAPI` document, as JSON: the input of `cargo xtask generate`.

use std::io::{self, Write};

use muster_functions::{functions, openapi_text};
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let declarations = json!({
        "functions": functions().iter().map(declaration).collect::<Vec<_>>(),
        "openapi": openapi_text(),
    });
    writeln!(io::stdout(), "{declarations}")
}

fn declaration(function: &muster_functions::Function) -> Value {
    let endpoint = function.endpoint().map(|endpoint| {
        let table = endpoint.table.iter();
        json!({
            "routes": endpoint.routes().collect::<Vec<_>>(),
            "table": table.map(|action| format!("{action:?}")).collect::<Vec<_>>(),
            "indexes": endpoint.indexes,
            "webhook_queue": endpoint.webhook_queue,
            "run_queue": endpoint.run_queue,
            "directories": endpoint.directories,
            "secrets": endpoint.secrets,
            "invitation_secret": endpoint.invitation_secret,
            "event_erasure": endpoint.event_erasure,
            "is_public": endpoint.is_public,
            "timeout": endpoint.timeout,
        })
    });
    json!({"name": function.name, "endpoint": endpoint})
}
