//! The local Entra directory, read with a clock that a test advances, and its faults.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use muster::domain::{Clock, EntraObjectId, Timestamp};
use muster_directory::{DirectorySnapshot, EntraReader, EntraSettings, ReadError, http_client};
use muster_local::entra::{
    self, AppRole, Application, Assignment, Fault, GraphEndpoint, Group, ReceivedCall, Server, User,
};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The user who signs in.
pub(crate) const USER: &str = "5f0a7c0e-0000-4000-8000-00000000beef";
pub(crate) const APPLICATION: &str = "8e881353-1735-45af-af21-ee1344582a4d";
pub(crate) const SECRET: &str = "s3cret-of-the-client";
/// 2026-11-20T10:00:00Z.
pub(crate) const NOW: i64 = 1_795_168_800_000;

/// A server and a clock.
pub(crate) struct Graph {
    server: Server,
    time: Arc<AtomicI64>,
}

impl Graph {
    /// Three assigned groups; the user is in two of them and in one that is not assigned.
    pub(crate) async fn start() -> Self {
        let directory = entra::Directory {
            tenant_id: "acme".to_owned(),
            application: Application {
                tenant: "contoso.example".to_owned(),
                client_id: "c1".to_owned(),
                client_secret: SECRET.to_owned(),
                service_principal_id: APPLICATION.to_owned(),
                display_name: "Muster".to_owned(),
                app_roles: Vec::new(),
            },
            users: vec![User {
                id: USER.to_owned(),
                user_id: "ada".to_owned(),
                display_name: "Ada".to_owned(),
                email: "ada@acme.example".to_owned(),
                account_enabled: true,
            }],
            groups: [("g1", true), ("g2", false), ("g3", true), ("g9", true)]
                .map(|(id, is_joined)| group(id, is_joined))
                .to_vec(),
            assignments: ["g1", "g2", "g3"].map(assigned).to_vec(),
            page_size: Some(2),
            token_seconds: 3_599,
            faults: Vec::new(),
            domains: Vec::new(),
            other_tenants: Vec::new(),
        };
        Self {
            server: Server::start(directory).await.unwrap(),
            time: Arc::new(AtomicI64::new(NOW)),
        }
    }

    /// With faults from the start.
    pub(crate) async fn with_faults(faults: Vec<Fault>) -> Self {
        let graph = Self::start().await;
        graph.change(|directory| directory.faults = faults);
        graph
    }

    /// The address of the server.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// The port of the server.
    pub(crate) fn port(&self) -> u16 {
        reqwest::Url::parse(self.url()).unwrap().port().unwrap()
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut entra::Directory) -> T) -> T {
        self.server.change(change).unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.time.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> Vec<ReceivedCall> {
        self.server.calls()
    }

    pub(crate) fn calls_of(&self, endpoint: GraphEndpoint) -> Vec<ReceivedCall> {
        let mut calls = self.calls();
        calls.retain(|call| call.endpoint == Some(endpoint));
        calls
    }

    pub(crate) fn count(&self, endpoint: GraphEndpoint) -> usize {
        self.calls_of(endpoint).len()
    }

    pub(crate) fn forget_calls(&self) {
        self.server.forget_calls();
    }

    /// A reader of the directory with these settings in addition to the required ones.
    pub(crate) fn directory(&self, more: &[(&str, &str)]) -> EntraReader {
        let variables = self.server.variables().unwrap();
        let settings = EntraSettings::read(|name| {
            let set = more.iter().rev().find(|(key, _)| *key == name);
            let set = set.map(|(_, value)| (*value).to_owned());
            set.or_else(|| variables.get(name).cloned())
        });
        let time = self.time.clone();
        let clock = Clock::from_fn(move || {
            let now = Timestamp::from_millisecond(time.load(Ordering::Relaxed)).unwrap();
            (now, uuid::Uuid::nil())
        });
        let settings = settings.unwrap().directory.unwrap();
        EntraReader::new(settings, http_client(|_| None).unwrap(), clock)
    }
}

/// A group that the user is in, or is not.
pub(crate) fn group(id: &str, is_joined: bool) -> Group {
    Group {
        id: id.to_owned(),
        display_name: Some(format!("Group {id}")),
        members: is_joined.then(|| "ada".to_owned()).into_iter().collect(),
    }
}

/// The assignment of a group without an app role.
pub(crate) fn assigned(to: &str) -> Assignment {
    Assignment {
        to: to.to_owned(),
        app_role: None,
    }
}

pub(crate) fn app_role(value: &str) -> AppRole {
    AppRole {
        id: format!("id-of-{value}"),
        value: value.to_owned(),
        display_name: value.to_owned(),
        enabled: true,
    }
}

/// An effect for a test to choose the calls of.
fn effect() -> Fault {
    Fault {
        headers: [("request-id".to_owned(), "7c1f-request".to_owned())].into(),
        ..Fault::on(GraphEndpoint::Token)
    }
}

/// This status and body: a string as it is, any other value as JSON.
pub(crate) fn response(status: u16, body: impl Into<Value>) -> Fault {
    Fault {
        status: Some(status),
        body: Some(body.into()),
        ..effect()
    }
}

/// An error in Graph's JSON, whose message names people.
pub(crate) fn error(status: u16, code: &str) -> Fault {
    let message = format!("ada@acme.example ({USER}) may not");
    response(status, json!({"error": {"code": code, "message": message}}))
}

/// The same with this header.
pub(crate) fn error_with(status: u16, name: &str, value: &str) -> Fault {
    let mut fault = error(status, "Some_Code");
    fault.headers.insert(name.to_owned(), value.to_owned());
    fault
}

pub(crate) fn no_response() -> Fault {
    delay(Duration::from_hours(1))
}

/// The normal response, late.
pub(crate) fn delay(time: Duration) -> Fault {
    Fault {
        delay_ms: time.as_millis().try_into().unwrap(),
        ..effect()
    }
}

/// The start of a response, then a broken connection.
pub(crate) fn cut_off() -> Fault {
    Fault {
        cut_off: true,
        ..effect()
    }
}

/// The fault on this endpoint.
pub(crate) fn on(endpoint: GraphEndpoint, fault: Fault) -> Fault {
    Fault {
        on: endpoint,
        ..fault
    }
}

/// Reads with as much time as a login has.
pub(crate) async fn read(directory: &EntraReader) -> Result<DirectorySnapshot, ReadError> {
    read_within(directory, Duration::from_millis(3_500)).await
}

pub(crate) async fn read_within(
    directory: &EntraReader,
    time: Duration,
) -> Result<DirectorySnapshot, ReadError> {
    let user = EntraObjectId::parse(USER).unwrap();
    directory.read(&user, Instant::now() + time).await
}

pub(crate) fn held(reading: &DirectorySnapshot) -> Vec<&str> {
    reading.held().map(|(id, _)| id.as_str()).collect()
}

/// The text of an error and its causes, for people and for debugging.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, " | {error}").unwrap();
        next = error.source();
    }
    text
}
