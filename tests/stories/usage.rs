//! What an operation uses of that which AWS charges for, with ids and names as long as real ones are:
//! capacity units of both kinds, calls to Graph, bytes of log lines, of answers and of items. The year
//! in `docs/COST.md` is made of these figures.

use std::collections::{BTreeMap, BTreeSet};

use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::graph::{Graph, object_id};
use support::{Actor, Lines, Reply, World};

const TENANT: &str = "0f6b2f4e-5d0c-4a1c-9a8e-7c2b8f1d3e57";
const ROOT: &str = "root";
/// How many members the organization has whose members are listed: a page.
const PAGE: usize = 50;
/// Groups assigned to the application, and those of a user.
const GROUPS: usize = 200;
const OWN_GROUPS: usize = 10;

/// A user id as Cognito makes them.
fn person(n: usize) -> String {
    format!("3c6f0a52-8f0e-4c57-9d1b-{n:012}")
}

/// A group id as Entra makes them.
fn group(n: usize) -> String {
    format!("cdb555e3-b33e-4fd5-a427-{n:012}")
}

/// A stack, what it logs, and what was seen of it.
struct Office {
    world: World,
    lines: Lines,
    graph: Option<Graph>,
    seen: BTreeMap<String, Value>,
    series: BTreeSet<(String, Vec<String>, usize)>,
}

impl Office {
    async fn open(graph: Option<Graph>) -> Self {
        let flag = [("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")];
        let options = graph
            .as_ref()
            .map_or_else(Options::default, |graph| graph.options(&flag));
        let (options, lines) = Lines::collect(options);
        Self {
            world: World::with(options).await,
            lines,
            graph,
            seen: BTreeMap::new(),
            series: BTreeSet::new(),
        }
    }

    fn user(&self, n: usize) -> Actor {
        self.world.user_of(TENANT, &person(n))
    }

    fn root(&self) -> Actor {
        self.world.actor(TENANT, ROOT, &["tenant-admins"])
    }

    /// From here on counts what follows.
    fn start(&self) {
        self.lines.take();
        self.world.charges.take();
        if let Some(graph) = &self.graph {
            graph.calls();
        }
    }

    /// What was used since the start, as this operation. No bytes: it is a trigger.
    fn end(&mut self, operation: &str, answer_bytes: Option<usize>) {
        let units = self.world.charges.take();
        let graph = self.graph.as_ref().map_or(0, |graph| graph.calls().len());
        let lines = self.lines.take();
        for line in &lines {
            self.note_series(line);
        }
        let bytes: usize = lines.iter().map(log_bytes).sum();
        let mut used = json!({
            "read_units": units.read, "write_units": units.write,
            "graph_calls": graph, "log_bytes": bytes,
        });
        if let Some(bytes) = answer_bytes {
            used["answer_bytes"] = bytes.into();
        }
        // Many writes at once, and how many of them overlap is a matter of luck.
        if !operation.contains("first") {
            let trips: u64 = lines.iter().map(round_trips).sum();
            used["round_trips"] = trips.into();
        }
        assert_eq!(self.seen.insert(operation.to_owned(), used), None);
    }

    /// The metrics that CloudWatch makes of a line: by which of its fields, and how many.
    fn note_series(&mut self, line: &Value) {
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

    async fn ask(
        &mut self,
        what: &str,
        who: &Actor,
        method: Method,
        path: &str,
        body: Value,
    ) -> Reply {
        self.start();
        let mut request = who.request(method, path);
        if !body.is_null() {
            request = request.json(&body);
        }
        let reply = who.send(request).await;
        assert!((200..300).contains(&reply.status), "{what}: {reply:?}");
        self.end(what, Some(answer_bytes(&reply)));
        reply
    }

    async fn get(&mut self, what: &str, who: &Actor, path: &str) -> Reply {
        self.ask(what, who, Method::GET, path, Value::Null).await
    }

    async fn invoke(&self, function: &str, event: &Value) {
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

    async fn login(&mut self, what: &str, n: usize) {
        self.start();
        self.invoke("post-login", &event(n, "PostAuthentication_Authentication"))
            .await;
        self.end(what, None);
    }

    async fn token(&mut self, what: &str, n: usize) {
        self.start();
        self.invoke("pre-token", &event(n, "TokenGeneration_HostedAuth"))
            .await;
        self.end(what, None);
    }
}

fn event(n: usize, trigger: &str) -> Value {
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

/// Log lines of HTTP functions and of triggers name it apart.
fn round_trips(line: &Value) -> u64 {
    let trips = line.get("RoundTrips").or_else(|| line.get("round_trips"));
    trips.and_then(Value::as_u64).unwrap_or_default()
}

/// As it is written, with durations of a fixed number of digits.
fn log_bytes(line: &Value) -> usize {
    let mut line = line.clone();
    for (name, value) in line.as_object_mut().unwrap() {
        if name.ends_with("Duration") {
            *value = json!(12.345);
        }
    }
    line.to_string().len() + 1
}

/// Body and headers; of `server-timing` what stays the same.
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

/// The size of an attribute as DynamoDB counts it.
fn attribute_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Number(number) => number.to_string().len().div_ceil(2) + 1,
        Value::Bool(_) | Value::Null => 1,
        Value::Array(items) => {
            3 + items
                .iter()
                .map(|item| attribute_bytes(item) + 1)
                .sum::<usize>()
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| name.len() + attribute_bytes(value) + 1);
            3 + members.sum::<usize>()
        }
    }
}

/// The mean size of each kind of item, and in how many indexes it is.
fn items(all: &[serde_json::Map<String, Value>]) -> BTreeMap<String, Value> {
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    for item in all {
        let (kind, _) = item["sk"].as_str().unwrap().split_once('#').map_or(
            (item["sk"].as_str().unwrap().to_owned(), ()),
            |(kind, _)| (format!("{kind}#"), ()),
        );
        let bytes = item
            .iter()
            .map(|(name, value)| name.len() + attribute_bytes(value));
        let indexes = ["gsi1pk", "gsi2pk"]
            .iter()
            .filter(|key| item.contains_key(**key));
        let (count, sum, copies) = kinds.entry(kind).or_default();
        (*count, *sum, *copies) = (
            *count + 1,
            *sum + bytes.sum::<usize>(),
            *copies + indexes.count(),
        );
    }
    kinds
        .into_iter()
        .map(|(kind, (count, bytes, copies))| {
            assert_eq!(copies % count, 0, "{kind}");
            (
                kind,
                json!({"bytes": bytes.div_ceil(count), "indexes": copies / count}),
            )
        })
        .collect()
}

/// What people do who invite each other.
async fn by_hand() -> Office {
    let mut office = Office::open(None).await;
    let (root, ada) = (office.root(), office.user(0));
    for n in 0..=PAGE + 1 {
        let user = json!({"email": format!("given.family{n:05}@customer.example"), "display_name": "Given Family"});
        root.put(&format!("/users/{}", person(n)), user)
            .await
            .expect(201);
    }
    office
        .ask(
            "register user",
            &root,
            Method::PUT,
            &format!("/users/{}", person(900)),
            json!({"email": "given.family@customer.example", "display_name": "Given Family"}),
        )
        .await;
    let made = office
        .ask(
            "create organization",
            &ada,
            Method::POST,
            "/organizations",
            json!({"name": "Customer Engineering Ltd", "domain": "customer.example"}),
        )
        .await;
    let id = made.body["id"].as_str().unwrap().to_owned();
    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    office
        .get(
            "own organizations, of which there is 1",
            &ada,
            "/users/me/organizations",
        )
        .await;
    office.token("token, of who is in 1 organization", 0).await;
    for n in 1..PAGE {
        let active = json!({"user_id": person(n), "status": "active"});
        ada.post(&members, active).await.expect(201);
    }
    let invited = person(PAGE);
    office
        .ask(
            "add member",
            &ada,
            Method::POST,
            &members,
            json!({"user_id": invited}),
        )
        .await;
    let path = format!("{members}/{invited}/accept");
    office
        .ask(
            "accept invitation",
            &office.user(PAGE),
            Method::POST,
            &path,
            Value::Null,
        )
        .await;
    let member = format!("{members}/{invited}");
    office
        .ask(
            "change role of member",
            &ada,
            Method::PATCH,
            &member,
            json!({"role": "manager"}),
        )
        .await;
    office.get("get member", &ada, &member).await;
    office
        .ask("remove member", &ada, Method::DELETE, &member, Value::Null)
        .await;
    office.get("get organization", &ada, &organization).await;
    office.get("list members, a page", &ada, &members).await;
    office
        .ask(
            "update organization",
            &ada,
            Method::PATCH,
            &organization,
            json!({"billing_email": "billing@customer.example"}),
        )
        .await;
    office.get("get user", &ada, "/users/me").await;
    for name in ["Customer Sales Ltd", "Customer Service Ltd"] {
        ada.post(
            "/organizations",
            json!({"name": name, "domain": "customer.example"}),
        )
        .await
        .expect(201);
    }
    office
        .get(
            "own organizations, of which there are 3",
            &ada,
            "/users/me/organizations",
        )
        .await;
    office.token("token, of who is in 3 organizations", 0).await;
    office
        .get("list organizations", &root, "/organizations")
        .await;
    let made = office
        .ask(
            "create team",
            &ada,
            Method::POST,
            &format!("{organization}/teams"),
            json!({"name": "Engines"}),
        )
        .await;
    let team = format!("/teams/{}", made.body["id"].as_str().unwrap());
    office
        .ask(
            "add member of team",
            &ada,
            Method::POST,
            &format!("{team}/members"),
            json!({"user_id": person(0)}),
        )
        .await;
    office
        .get("list teams", &ada, &format!("{organization}/teams"))
        .await;
    office
        .get("own teams, of which there is 1", &ada, "/users/me/teams")
        .await;
    office.login("login, sync off", 0).await;
    office
}

/// What comes of groups in a directory.
async fn by_groups() -> Office {
    let graph = Graph::start().await;
    for n in 0..GROUPS {
        graph.assign(&group(n), &format!("Customer department {n:04}"));
    }
    for n in 0..=1 {
        for own in 0..OWN_GROUPS {
            graph.join(&person(n), &group(own));
        }
    }
    graph.page_size(999);
    let mut office = Office::open(Some(graph.clone())).await;
    office
        .login("login, the first of a tenant with 200 groups", 0)
        .await;
    office
        .login("login, the first of who is in 10 groups", 1)
        .await;
    office.login("login, nothing new", 1).await;
    graph.join(&person(1), &group(OWN_GROUPS));
    office.login("login, one more group", 1).await;
    let ada = office.user(0);
    office.token("token, of who is in 10 groups", 0).await;
    office
        .get(
            "own organizations, of which there are 10",
            &ada,
            "/users/me/organizations",
        )
        .await;
    office
        .get("own teams, of which there are 10", &ada, "/users/me/teams")
        .await;
    office
}

#[tokio::test]
async fn what_aws_charges_for_is_as_the_year_is_reckoned_with() {
    let (hand, groups) = (by_hand().await, by_groups().await);
    let made = json!({
        "by hand": items(&hand.world.items().await),
        "by a directory": items(&groups.world.items().await),
    });
    let routes = hand.world.routes().await.len();
    let mut operations = hand.seen;
    operations.extend(groups.seen);
    let series = hand
        .series
        .union(&groups.series)
        .map(|(line, by, metrics)| json!({"line": line, "by": by, "metrics": metrics}));
    let series: Vec<_> = series.collect();
    insta::assert_json_snapshot!(json!({
        "operations": operations, "items": made, "series": series,
        "routes": routes,
    }));
}
