//! The environment of the measured functions: a table with an organization, the groups of a user,
//! and the events.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use support::World;
use support::graph::{Graph, object_id};

use crate::figures::root;
use crate::process::Process;
use crate::tls::Tls;

/// The function that does nothing.
pub(crate) const HELLO: &str = "bare-hello";
/// The function that does one `GetItem`.
pub(crate) const GET_ITEM: &str = "bare-get-item";
/// That function with more clients: of SQS, of HTTP as for Graph and Secrets Manager, of both, of DNS.
pub(crate) const SEND_MESSAGE: &str = "bare-send-message";
pub(crate) const FETCH: &str = "bare-fetch";
pub(crate) const SEND_AND_FETCH: &str = "bare-send-and-fetch";
pub(crate) const LOOK_UP: &str = "bare-look-up";
/// The function that does one `Query` of [`MEMBERS`] items.
pub(crate) const QUERY: &str = "bare-query";
/// The function that lists the same items.
pub(crate) const LIST_MEMBERS: &str = "list-members";
/// Members of the organization, all of them on one page.
pub(crate) const MEMBERS: usize = 50;
/// Groups of the user who signs in. All of them exist as organizations and teams, so that the
/// measured login has nothing to do.
pub(crate) const GROUPS: usize = 20;
pub(crate) const SIGNS_IN: &str = "ada";
/// Queues of functions that are started and not invoked.
const QUEUES: [&str; 6] = [
    "FAILURES_QUEUE_URL",
    "WEBHOOK_QUEUE_URL",
    "WEBHOOK_FAILURES_QUEUE_URL",
    "INVITATION_QUEUE_URL",
    "INVITATION_FAILURES_QUEUE_URL",
    "RECONCILE_QUEUE_URL",
];
const INVITATION_SECRET: &str =
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster-invitations-AbCdEf";
/// Owner of the organization, as the events name the caller.
const OWNER: &str = "3c6f0a52-8f0e-4c57-9d1b-6f4a2f3f8b10";

/// A function's folder, event and environment.
pub(crate) struct Setting {
    pub(crate) binaries: PathBuf,
    organization: String,
    /// Environment variables, with DynamoDB over plain HTTP.
    pub(crate) plain: Vec<(String, String)>,
    /// The same over TLS.
    pub(crate) tls: Vec<(String, String)>,
}

/// The environment, and the servers it uses.
pub(crate) struct Surroundings {
    pub(crate) world: World,
    pub(crate) setting: Setting,
}

/// Starts a table and a Graph, and creates the items for the events.
pub(crate) async fn surroundings(binaries: &Path) -> Result<Surroundings> {
    let folder = root().join("target/tmp");
    fs::create_dir_all(&folder)?;
    let graph = Graph::start().await;
    for n in 0..GROUPS {
        let id = format!("group-{n}");
        graph.assign(&id, &format!("Group {n}"));
        graph.join(SIGNS_IN, &id);
    }
    let mut options = graph.options(&[("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")]);
    let of_login = options.variables.clone();
    options.variables.clear();
    let world = World::with(options).await;
    let organization = world
        .organization(&world.user(OWNER), "Sales Nordics")
        .await;
    let others = (1..MEMBERS).map(|n| {
        let user = format!("user-{n:02}");
        (organization.clone(), user, "member", "active")
    });
    world.memberships(&others.collect::<Vec<_>>()).await;
    world.copy_names().await;
    let tls = Tls::start(world.stack.dynamodb_url(), &folder).await?;
    let variables = |url: &str| {
        let own = [
            ("AWS_ENDPOINT_URL_DYNAMODB", url),
            ("EVENT_BUS_NAME", "muster-events"),
            ("INVITATION_SECRET_ARN", INVITATION_SECRET),
        ];
        let queues = QUEUES.map(|name| (name, "https://sqs.local.amazonaws.com/0/queue"));
        let own = own.into_iter().chain(queues);
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        own.chain(of_login.clone()).collect::<Vec<_>>()
    };
    let mut of_tls = variables(&tls.url);
    of_tls.push(("SSL_CERT_FILE".to_owned(), tls.roots.display().to_string()));
    let setting = Setting {
        binaries: binaries.to_owned(),
        organization,
        plain: variables(world.stack.dynamodb_url()),
        tls: of_tls,
    };
    Ok(Surroundings { world, setting })
}

impl Setting {
    /// In the layout of `cargo build` or of cargo-lambda.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf> {
        let places = [
            self.binaries.join(name).join("bootstrap"),
            self.binaries.join(name),
        ];
        let found = places.into_iter().find(|place| place.is_file());
        found.with_context(|| format!("no {name} in {}", self.binaries.display()))
    }

    /// The n-th invocation, which must succeed.
    pub(crate) fn invoke(&self, process: &Process, name: &str, n: usize) -> Result<Duration> {
        let (time, answer) = process.api.invoke(self.event(name, n)?)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        if let Some(status) = answer.get("statusCode").and_then(Value::as_u64) {
            ensure!(status < 300, "{answer}");
        }
        if [QUERY, LIST_MEMBERS].contains(&name) {
            let body = answer.get("body").and_then(Value::as_str);
            let body: Value = serde_json::from_str(body.unwrap_or_default())?;
            let items = body
                .get("items")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            ensure!(items == MEMBERS, "{items} items");
        }
        Ok(time)
    }

    /// The n-th event for a function.
    fn event(&self, name: &str, n: usize) -> Result<Vec<u8>> {
        const ORGANIZATION: &str = "019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f";
        let name = match name {
            HELLO | GET_ITEM => "get-organization",
            QUERY => "list-members",
            name => name,
        };
        let event = fs::read_to_string(root().join(format!("events/{name}.json")))?;
        let event = event
            .replace(ORGANIZATION, &self.organization)
            .replace("limit=20", &format!("limit={MEMBERS}"))
            .replace("\"limit\": \"20\"", &format!("\"limit\": \"{MEMBERS}\""))
            .replace("Sales EMEA", &format!("Sales {n} {}", fastrand::u64(..)))
            .replace(
                "create-sales-emea",
                &format!("create-{n}-{}", fastrand::u64(..)),
            );
        let mut event: Value = serde_json::from_str(&event)?;
        if let Some(user) = event.pointer_mut("/request/userAttributes") {
            // A user other than the creator of organizations, whose number would grow with each
            // round.
            user["sub"] = SIGNS_IN.into();
            user["custom:entra_object_id"] = object_id(SIGNS_IN).into();
        }
        Ok(event.to_string().into_bytes())
    }
}
