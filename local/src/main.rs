//! `cargo run` starts the local stack on its default ports, until Ctrl-C.

use std::io::{Write as _, stderr, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use muster_local::{Options, Stack};

/// Muster on this machine: the API with all its functions, DynamoDB, an Entra directory, and a
/// token issuer.
///
/// The functions read their settings from environment variables over the defaults of
/// template.yaml (ORGANIZATION_CREATION, TENANT_ADMIN_GROUP, TABLE_NAME).
/// With AWS_ENDPOINT_URL_DYNAMODB or AWS_ENDPOINT_URL set, that DynamoDB is used and none is started. The same goes
/// for Entra with MICROSOFT_GRAPH_ENDPOINT and MICROSOFT_TOKEN_ENDPOINT.
#[derive(Parser)]
#[expect(
    clippy::doc_markdown,
    reason = "the text is --help's, where backticks are noise"
)]
#[command(version)]
struct Arguments {
    /// Port of the API on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Port of the embedded DynamoDB on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 8000)]
    dynamodb_port: u16,
    /// Directory that keeps the table and the issuer's key between runs [default: in memory]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// File of the Entra directory, read again when it changes [default: a sample]
    #[arg(long, value_name = "FILE")]
    directory: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The causes in one line; a backtrace would hide them.
            let _ = writeln!(stderr(), "Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<()> {
    // Skips variables that are not Unicode.
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let mut stack = Stack::start(Options {
        port: arguments.port,
        dynamodb_port: arguments.dynamodb_port,
        data: arguments.data,
        directory: arguments.directory,
        variables: variables.collect(),
        event_sources: true,
        invitation_mails: true,
        log: true,
        ..Options::default()
    })
    .await?;
    greet(&stack)?;
    let ended = tokio::select! {
        ended = stack.failed() => ended,
        ended = asked_to_stop() => ended,
    };
    let _ = writeln!(stderr(), "Stopping.");
    stack.stop().await;
    ended
}

/// The last line is for copying.
fn greet(stack: &Stack) -> Result<()> {
    let (url, mut out) = (stack.url(), stdout());
    for warning in stack.warnings() {
        writeln!(stderr(), "Warning: {warning}")?;
    }
    writeln!(
        out,
        "DynamoDB at {}, table {}",
        stack.dynamodb_url(),
        stack.table_name()
    )?;
    writeln!(
        out,
        "Muster at {url} (open it in a browser). A token: \
         curl -s {url}/_local/token -H 'content-type: application/json' \
         -d '{{\"user_id\":\"ada\",\"tenant_id\":\"acme\",\"groups\":[\"tenant-admins\"]}}'"
    )?;
    out.flush()?;
    Ok(())
}

/// Returns at Ctrl-C or SIGTERM.
async fn asked_to_stop() -> Result<()> {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate())?;
        terminated.recv().await;
        anyhow::Ok(())
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Result<()>>();
    tokio::select! {
        asked = tokio::signal::ctrl_c() => asked.context("Ctrl-C cannot be waited for"),
        asked = terminated => asked.context("SIGTERM cannot be waited for"),
    }
}
