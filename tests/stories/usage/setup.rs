//! A stack whose usage is measured, for each operation.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use muster::domain::{Clock, Timestamp};
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::graph::{Graph, object_id};
use support::{Actor, Lines, Reply, World};

use super::events::{event_ids, new_events};
use super::services::ServiceCalls;

pub(super) const TENANT: &str = "0f6b2f4e-5d0c-4a1c-9a8e-7c2b8f1d3e57";
const ROOT: &str = "root";
/// Groups of a user.
pub(super) const OWN_GROUPS: usize = 10;

/// A user id in Cognito's format.
pub(super) fn person(n: usize) -> String {
    format!("3c6f0a52-8f0e-4c57-9d1b-{n:012}")
}

/// A group id in Entra's format.
pub(super) fn group(n: usize) -> String {
    format!("cdb555e3-b33e-4fd5-a427-{n:012}")
}

/// A clock that is behind and catches up by some minutes before each measured read. Most reads do not follow a write of
/// their user, and read fewer units than those that do.
#[derive(Clone)]
pub(super) struct LateClock(Arc<AtomicI64>);

impl LateClock {
    fn behind_by(days: i64) -> Self {
        Self(Arc::new(AtomicI64::new(-days * 24 * 3_600_000)))
    }

    fn clock(&self) -> Clock {
        let behind = Arc::clone(&self.0);
        let system = Clock::system();
        Clock::from_fn(move || {
            let now = system.now().as_millisecond() + behind.load(Ordering::Relaxed);
            (Timestamp::from_millisecond(now).unwrap(), system.new_id())
        })
    }

    pub(super) fn advance(&self) {
        self.pass(5 * 60_000);
    }

    pub(super) fn pass(&self, milliseconds: i64) {
        let behind = self.0.fetch_add(milliseconds, Ordering::Relaxed);
        assert!(behind + milliseconds < 0, "the clock must not be early");
    }
}

/// A stack with its logs and observed usage.
pub(super) struct Setup {
    pub(super) world: World,
    pub(super) clock: LateClock,
    pub(super) lines: Lines,
    graph: Option<Graph>,
    pub(super) services: ServiceCalls,
    pub(super) seen: BTreeMap<String, Value>,
    pub(super) batches: BTreeMap<String, Value>,
    /// The events before the operation.
    known: BTreeSet<String>,
    pub(super) series: BTreeSet<(String, Vec<String>, usize)>,
}

impl Setup {
    pub(super) async fn open(graph: Option<Graph>) -> Self {
        let flag = [("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")];
        let options = if let Some(graph) = &graph {
            graph.options(&flag)
        } else {
            let mut off = Options::default();
            let nobody = ("MICROSOFT_CLIENT_ID".to_owned(), String::new());
            off.variables.extend([nobody]);
            off.invitation_mails = true;
            off
        };
        Self::of(options, graph, LateClock::behind_by(1)).await
    }

    /// With the local Entra, and time for a week to pass.
    pub(super) async fn with_entra() -> Self {
        let clock = LateClock::behind_by(10);
        Self::of(Options::default(), None, clock).await
    }

    async fn of(options: Options, graph: Option<Graph>, clock: LateClock) -> Self {
        let services = ServiceCalls::default();
        let (mut options, lines) = Lines::collect(services.collect(options));
        options.clock = clock.clock();
        Self {
            world: World::with(options).await,
            clock,
            lines,
            graph,
            services,
            seen: BTreeMap::new(),
            batches: BTreeMap::new(),
            known: BTreeSet::new(),
            series: BTreeSet::new(),
        }
    }

    pub(super) fn user(&self, n: usize) -> Actor {
        self.world.user_of(TENANT, &person(n))
    }

    pub(super) fn root(&self) -> Actor {
        self.world.actor(TENANT, ROOT, &["tenant-admins"])
    }

    /// Counting of an operation starts here.
    async fn begin(&mut self) {
        self.known = event_ids(&self.world).await;
        self.start();
    }

    /// Counting starts here.
    pub(super) fn start(&self) {
        self.lines.take();
        self.world.charges.take();
        if let Some(graph) = &self.graph {
            graph.calls();
        }
    }

    /// The usage since the start, as this operation. No response bytes: it is a trigger.
    async fn end(&mut self, operation: &str, answer_bytes: Option<usize>) {
        let units = self.world.charges.take();
        let graph = self.graph.as_ref().map_or(0, |graph| graph.calls().len());
        let lines = self.lines.take();
        for line in &lines {
            self.note_series(line);
        }
        let bytes: usize = lines.iter().map(log_bytes).sum();
        let logged: f64 = lines.iter().filter_map(|line| line["units"].as_f64()).sum();
        let charged = units.read + units.write;
        assert!((logged - charged).abs() < 1e-6, "{operation}: {lines:?}");
        let mut used = json!({
            "read_units": units.read, "write_units": units.write,
            "graph_calls": graph, "log_bytes": bytes,
        });
        if let Some(bytes) = answer_bytes {
            used["answer_bytes"] = bytes.into();
        }
        // Concurrent writes, whose number of conflicts is random.
        if !operation.contains("first") {
            let trips: u64 = lines.iter().map(round_trips).sum();
            used["round_trips"] = trips.into();
        }
        if let Some(events) = new_events(&self.world, &self.known).await {
            used["events"] = events;
        }
        assert_eq!(self.seen.insert(operation.to_owned(), used), None);
    }

    /// The metrics that CloudWatch derives from a line: the dimension fields, and their number.
    pub(super) fn note_series(&mut self, line: &Value) {
        let made = line["_aws"]["CloudWatchMetrics"].as_array();
        for metrics in made.into_iter().flatten() {
            let names = metrics["Metrics"].as_array().unwrap().len();
            for fields in metrics["Dimensions"].as_array().unwrap() {
                let fields = serde_json::from_value(fields.clone()).unwrap();
                let message = line["message"].as_str().unwrap().to_owned();
                self.series.insert((message, fields, names));
            }
        }
    }

    pub(super) async fn ask(
        &mut self,
        what: &str,
        who: &Actor,
        method: Method,
        path: &str,
        body: Value,
    ) -> Reply {
        self.begin().await;
        let mut request = who.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = who.send(request).await;
        assert!((200..300).contains(&reply.status), "{what}: {reply:?}");
        self.end(what, Some(answer_bytes(&reply))).await;
        reply
    }

    pub(super) async fn post(&mut self, what: &str, who: &Actor, path: &str, body: Value) -> Reply {
        self.ask(what, who, Method::POST, path, body).await
    }

    pub(super) async fn get(&mut self, what: &str, who: &Actor, path: &str) -> Reply {
        self.clock.advance();
        self.ask(what, who, Method::GET, path, Value::Null).await
    }

    pub(super) async fn invoke(&self, function: &str, event: &Value) {
        let url = format!(
            "{}/2015-03-31/functions/{function}/invocations",
            self.world.stack.url()
        );
        let answer = reqwest::Client::new()
            .post(url)
            .json(event)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers().get("x-amz-function-error"), None);
    }

    pub(super) async fn login(&mut self, what: &str, n: usize) {
        self.begin().await;
        self.sign_in(n).await;
        self.end(what, None).await;
    }

    pub(super) async fn sign_in(&self, n: usize) {
        let event = event(n, "PostAuthentication_Authentication");
        self.invoke("post-login", &event).await;
    }

    /// Repeats logins until nothing changes: a group's items are created once, and how many fit
    /// into one login depends on the machine.
    pub(super) async fn settle(&self, n: usize) {
        for _ in 0..40 {
            self.lines.take();
            self.sign_in(n).await;
            let lines = self.lines.take();
            if lines.iter().any(|line| line["outcome"] == "unchanged") {
                return;
            }
        }
        panic!("logins never finish");
    }

    pub(super) async fn token(&mut self, what: &str, n: usize) {
        self.clock.advance();
        self.begin().await;
        self.invoke("pre-token", &event(n, "TokenGeneration_HostedAuth"))
            .await;
        self.end(what, None).await;
    }
}

pub(super) fn event(n: usize, trigger: &str) -> Value {
    let user = person(n);
    json!({
        "version": "2", "region": "us-east-1", "userPoolId": "us-east-1_Ab12Cd34E", "triggerSource": trigger,
        "userName": format!("entra_{user}"),
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "4qk0f8m2v7c1s9t3b6n5d0r8aj"},
        "request": {"userAttributes": {
            "sub": user, "email": format!("given.family{n:05}@customer.example"), "name": "Given Family",
            "custom:tenant_id": TENANT, "custom:entra_object_id": object_id(&user),
        }, "groupConfiguration": {}, "scopes": ["openid"], "newDeviceUsed": false},
        "response": {},
    })
}

/// HTTP functions and triggers log it in different fields.
fn round_trips(line: &Value) -> u64 {
    let trips = line.get("RoundTrips").or_else(|| line.get("round_trips"));
    trips.and_then(Value::as_u64).unwrap_or_default()
}

/// As written, with durations of a fixed number of digits.
pub(super) fn log_bytes(line: &Value) -> usize {
    let mut line = line.clone();
    for (name, value) in line.as_object_mut().unwrap() {
        if name.ends_with("Duration") {
            *value = json!(12.345);
        }
    }
    line.to_string().len() + 1
}

/// Body and headers; for `server-timing` only its constant part.
fn answer_bytes(reply: &Reply) -> usize {
    let headers = reply
        .headers
        .iter()
        .map(|(name, value)| match name.as_str() {
            "server-timing" => name.len(),
            _ => name.len() + value.len() + 4,
        });
    let body = if reply.body.is_null() {
        0
    } else {
        reply.body.to_string().len()
    };
    headers.sum::<usize>() + body
}
