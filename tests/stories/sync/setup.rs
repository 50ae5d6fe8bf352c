//! A stack with a directory, and the users who sign in.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use muster::domain::Clock;
use muster_local::Options;
use muster_local::entra::TOKEN_PREFIX;
use serde_json::Value;
pub(crate) use support::graph::login_event as event;
use support::graph::{CLIENT_SECRET, Graph};
use support::{Faults, Lines, World, invariants, without_time_limits};

type Item = HashMap<String, AttributeValue>;

/// With the flag.
pub(crate) const ORGANIZATIONS: (&str, &str) = ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true");
/// The user's memberships as `id: role status source`, or `id: status source` for a team.
pub(crate) type Memberships = BTreeMap<String, String>;

/// A stack with its directory.
pub(crate) struct Setup {
    pub(crate) world: World,
    pub(crate) graph: Graph,
    pub(crate) lines: Lines,
    /// The offset of its clock in minutes.
    ahead: Arc<AtomicU64>,
}

impl Setup {
    /// With these variables over the defaults, and an empty directory.
    pub(crate) async fn open(more: &[(&str, &str)]) -> Self {
        Self::of(Graph::start().await, more).await
    }

    /// Without time limits, so that a slow machine does not fail.
    pub(crate) async fn patient(more: &[(&str, &str)]) -> Self {
        let (graph, ahead) = (Graph::start().await, Arc::default());
        let (options, lines) = options(&graph, &ahead, more);
        Self {
            world: World::with(without_time_limits(options)).await,
            graph,
            lines,
            ahead,
        }
    }

    /// With that directory.
    pub(crate) async fn of(graph: Graph, more: &[(&str, &str)]) -> Self {
        let ahead = Arc::default();
        let (options, lines) = options(&graph, &ahead, more);
        Self {
            world: World::with(options).await,
            graph,
            lines,
            ahead,
        }
    }

    /// With a fault proxy in front of DynamoDB.
    pub(crate) async fn with_faults(more: &[(&str, &str)]) -> (Self, Faults) {
        Self::behind_faults(more, false).await
    }

    /// The same, with the functions that follow the stream of the table.
    pub(crate) async fn with_faults_and_stream(more: &[(&str, &str)]) -> (Self, Faults) {
        Self::behind_faults(more, true).await
    }

    async fn behind_faults(more: &[(&str, &str)], event_sources: bool) -> (Self, Faults) {
        let (graph, ahead) = (Graph::start().await, Arc::default());
        let (mut options, lines) = options(&graph, &ahead, more);
        options.event_sources = event_sources;
        let (world, faults) = Faults::world(options).await;
        let setup = Self {
            world,
            graph,
            lines,
            ahead,
        };
        (setup, faults)
    }

    /// The same table and directory with other settings: newly deployed functions.
    pub(crate) async fn redeployed(&self, more: &[(&str, &str)]) -> Self {
        let stack = &self.world.stack;
        let dynamodb = [
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_url()),
            ("TABLE_NAME", stack.table_name()),
        ];
        Self::of(self.graph.clone(), &[more, &dynamodb].concat()).await
    }

    /// Signs in a user after the cached directory has expired. Returns the log line of the sync.
    /// The event was returned unchanged.
    pub(crate) async fn login(&self, user: &str) -> Value {
        self.pass_ten_minutes();
        self.login_at_once(user).await
    }

    /// The cached directory and its token have expired.
    pub(crate) fn pass_ten_minutes(&self) {
        self.ahead.fetch_add(10, Ordering::Relaxed);
    }

    /// The same, right after the last login.
    pub(crate) async fn login_at_once(&self, user: &str) -> Value {
        self.lines.take();
        self.sign_in(event(user)).await;
        let mut lines = self.lines.take();
        lines.retain(|line| line["message"] == "login sync");
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }

    /// A login with this outcome.
    #[track_caller]
    pub(crate) fn expect<'a>(
        &'a self,
        user: &'a str,
        outcome: &'a str,
    ) -> impl Future<Output = Value> + 'a {
        let place = std::panic::Location::caller();
        async move {
            let line = self.login(user).await;
            assert_eq!(line["outcome"], outcome, "at {place}: {line}");
            line
        }
    }

    /// Repeats logins until nothing changes.
    pub(crate) async fn settle(&self, user: &str) {
        for _ in 0..40 {
            if self.login(user).await["outcome"] == "unchanged" {
                return;
            }
        }
        panic!("logins never finish");
    }

    /// Copies the organization's or team's item of a group for these ids, as earlier logins would
    /// have created them.
    pub(crate) async fn made_before(&self, like: &str, sk: &str, ids: &[String]) {
        let (client, table) = (self.world.stack.client(), self.world.stack.table_name());
        let all = client.scan().table_name(table).send().await.unwrap();
        let is_it = |item: &&Item| {
            let has = |name: &str, value: &str| item.get(name) == Some(&text(value.to_owned()));
            has("sk", sk) && has("id", like)
        };
        let made = all.items().iter().find(is_it).unwrap().clone();
        for ids in ids.chunks(25) {
            let puts = ids.iter().map(|id| {
                let named = |value: &AttributeValue| match value {
                    AttributeValue::S(value) => text(value.replace(like, id)),
                    value => value.clone(),
                };
                let item = made
                    .iter()
                    .map(|(name, value)| (name.clone(), named(value)));
                let put = PutRequest::builder().set_item(Some(item.collect()));
                let put = put.build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let written = client.batch_write_item();
            let written = written.request_items(table, puts.collect());
            written.send().await.unwrap();
        }
    }

    /// Makes the table one of an earlier release: removes these attributes of memberships.
    pub(crate) async fn forget(&self, attributes: &[&str]) {
        let (client, table) = (self.world.stack.client(), self.world.stack.table_name());
        for item in self.world.items().await {
            for attribute in attributes.iter().filter(|it| item.contains_key(**it)) {
                let key = |name: &str| text(item[name].as_str().unwrap().to_owned());
                let update = client.update_item().table_name(table);
                let update = update.key("pk", key("pk")).key("sk", key("sk"));
                let update = update.update_expression("REMOVE #a");
                let update = update.expression_attribute_names("#a", *attribute);
                update.send().await.unwrap();
            }
        }
    }

    /// Sends an event to post-login, which must return it unchanged.
    pub(crate) async fn sign_in(&self, event: Value) {
        let answer = self.invoke("post-login", &event).await;
        assert_eq!(answer, event);
    }

    /// Invokes a function.
    pub(crate) async fn invoke(&self, function: &str, event: &Value) -> Value {
        self.world.invoke(function, event).await
    }

    /// The organizations that a user sees, by name: `role status source`.
    pub(crate) async fn organizations(&self, user: &str) -> Memberships {
        let mine = "/users/me/organizations?status=all";
        let items = self.world.user(user).all(mine).await;
        let of = |item: &Value| {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            let what = format!("{} {} {}", text("role"), text("status"), text("source"));
            (text("organization_id"), what)
        };
        items.iter().map(of).collect()
    }

    /// The teams that a user sees: `status source`.
    pub(crate) async fn teams(&self, user: &str) -> Memberships {
        let items = self.world.user(user).all("/users/me/teams").await;
        let of = |item: &Value| {
            let text = |name: &str| item[name].as_str().unwrap().to_owned();
            (
                text("team_id"),
                format!("{} {}", text("status"), text("source")),
            )
        };
        items.iter().map(of).collect()
    }

    /// Names of all live organizations of the tenant, by id.
    pub(crate) async fn all_organizations(&self) -> BTreeMap<String, String> {
        named(self.world.tenant_admin().all("/organizations").await)
    }

    /// Names of all standalone teams of the tenant, by id.
    pub(crate) async fn standalone_teams(&self) -> BTreeMap<String, String> {
        named(self.world.tenant_admin().all("/teams").await)
    }

    /// Names of all teams of an organization, by id.
    pub(crate) async fn teams_in(&self, organization: &str) -> BTreeMap<String, String> {
        let path = format!("/organizations/{organization}/teams");
        named(self.world.tenant_admin().all(&path).await)
    }

    /// Everything in the table except what each login updates: profiles and idempotency records.
    pub(crate) async fn contents(&self) -> BTreeSet<String> {
        let items = self.world.items().await;
        let lasting = items
            .iter()
            .filter(|item| !matches!(item["sk"].as_str().unwrap(), "USER" | "IDEMPOTENCY"));
        lasting
            .map(|item| serde_json::to_string(item).unwrap())
            .collect()
    }

    /// Checks the invariants of the table.
    pub(crate) async fn check(&self) {
        invariants::check(&self.world.items().await);
    }
}

/// No line contains personal data other than user ids.
#[track_caller]
pub(crate) fn no_secrets(lines: &[Value]) {
    for line in lines {
        let line = line.to_string();
        for private in [
            CLIENT_SECRET,
            TOKEN_PREFIX,
            "object-of-",
            "@acme",
            "Bearer",
            "of Acme",
        ] {
            assert!(!line.contains(private), "{private} in {line}");
        }
    }
}

/// Folded ids or names.
pub(crate) fn map<const N: usize>(of: [(&str, &str); N]) -> BTreeMap<String, String> {
    of.map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

fn text(text: String) -> AttributeValue {
    AttributeValue::S(text)
}

fn named(items: Vec<Value>) -> BTreeMap<String, String> {
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    items
        .iter()
        .map(|item| (text(item, "id"), text(item, "name")))
        .collect()
}

fn options(graph: &Graph, ahead: &Arc<AtomicU64>, more: &[(&str, &str)]) -> (Options, Lines) {
    let (mut options, lines) = Lines::collect(graph.options(more));
    let ahead = Arc::clone(ahead);
    options.clock = Clock::from_fn(move || {
        let machine = Clock::system();
        let ahead = Duration::from_mins(ahead.load(Ordering::Relaxed));
        (machine.now().after(ahead), machine.new_id())
    });
    (options, lines)
}
