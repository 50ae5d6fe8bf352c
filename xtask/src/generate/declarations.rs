//! The declarations of the endpoints, as printed by `functions/examples/declarations.rs`.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::command::{cargo, output, program, run};

/// All functions, and the document.
pub(super) struct Declarations {
    pub(super) endpoints: Vec<EndpointDeclaration>,
    /// The binaries of functions without an endpoint.
    pub(super) triggers: Vec<String>,
    pub(super) openapi: String,
}

/// An HTTP function.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a right that the function has or does not have"
)]
pub(super) struct EndpointDeclaration {
    /// Its binary: `remove-member`.
    pub(super) binary: String,
    /// `GET /teams`.
    pub(super) routes: Vec<String>,
    /// `GetItem`.
    pub(super) table: Vec<String>,
    /// `gsi1`.
    pub(super) indexes: Vec<String>,
    /// Whether it puts messages on the queue of webhooks.
    pub(super) webhook_queue: bool,
    /// Whether it puts runs of directories on their queue.
    pub(super) run_queue: bool,
    /// Whether it reads the directories of tenants.
    pub(super) directories: bool,
    /// Whether it has access to the secrets in the table.
    pub(super) secrets: bool,
    /// Whether it may read the secret of the tokens of invitations.
    pub(super) invitation_secret: bool,
    /// Whether it may change the personal details in events.
    pub(super) event_erasure: bool,
    /// Whether it is called without a token.
    pub(super) is_public: bool,
    /// How long an invocation may take in seconds, unless as long as all.
    pub(super) timeout: Option<u64>,
}

/// Builds and runs the example. With the profile and the features of the tests, which need the same libraries.
pub(super) fn read(root: &Path) -> Result<Declarations> {
    let mut build = cargo(root);
    build.args([
        "build",
        "--quiet",
        "--profile",
        "test",
        "--workspace",
        "--example",
        "declarations",
    ]);
    run(&mut build)?;
    let example = root.join("target/debug/examples/declarations");
    let printed = output(&mut program(&example, root))?;
    parse(&serde_json::from_str(&printed)?).context("the declarations are not as expected")
}

fn parse(printed: &Value) -> Option<Declarations> {
    let (mut endpoints, mut triggers) = (Vec::new(), Vec::new());
    for function in printed.get("functions")?.as_array()? {
        let binary = function.get("name")?.as_str()?.to_owned();
        match function.get("endpoint")? {
            Value::Null => triggers.push(binary),
            endpoint => endpoints.push(EndpointDeclaration {
                binary,
                routes: texts(endpoint.get("routes")?)?,
                table: texts(endpoint.get("table")?)?,
                indexes: texts(endpoint.get("indexes")?)?,
                webhook_queue: endpoint.get("webhook_queue")?.as_bool()?,
                run_queue: endpoint.get("run_queue")?.as_bool()?,
                directories: endpoint.get("directories")?.as_bool()?,
                secrets: endpoint.get("secrets")?.as_bool()?,
                invitation_secret: endpoint.get("invitation_secret")?.as_bool()?,
                event_erasure: endpoint.get("event_erasure")?.as_bool()?,
                is_public: endpoint.get("is_public")?.as_bool()?,
                timeout: endpoint.get("timeout")?.as_u64(),
            }),
        }
    }
    Some(Declarations {
        endpoints,
        triggers,
        openapi: printed.get("openapi")?.as_str()?.to_owned(),
    })
}

fn texts(list: &Value) -> Option<Vec<String>> {
    let items = list.as_array()?.iter();
    items.map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The resource of a binary: `remove-member` is `RemoveMember`.
pub(super) fn resource(binary: &str) -> String {
    let words = binary.split('-').map(|word| {
        let (initial, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        initial.to_ascii_uppercase() + rest
    });
    words.collect()
}
