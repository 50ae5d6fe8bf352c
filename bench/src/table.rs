//! Measures the DynamoDB usage of an operation against the size of the table.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, StreamSpecification, WriteRequest};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::graph::{Graph, object_id};
use support::{ACME, Lines, World};

use crate::figures::{Machine, keep};

/// Memberships in the table.
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
/// Concurrent batches, each of DynamoDB's maximum size.
const AT_ONCE: usize = 2;
const BATCH: usize = 25;

/// Name; actor, request and expected status; body. `{id}` is the organization with all members,
/// `{n}` differs at each size.
const OPERATIONS: &str = r#"
get organization; u0000007 GET /organizations/{id} 200
list members; u0000007 GET /organizations/{id}/members?limit=50 200
get member; ada GET /organizations/{id}/members/u0000009 200
register user; root PUT /users/new{n} 201 {}
add member; ada POST /organizations/{id}/members 201 {"user_id": "new{n}", "status": "active"}
change role of member; ada PATCH /organizations/{id}/members/new{n} 200 {"role": "manager"}
remove member; ada DELETE /organizations/{id}/members/new{n} 204
own organizations; u0000008 GET /users/me/organizations 200
create organization; ada POST /organizations 201 {"name": "Another {n}"}
list organizations; root GET /organizations?limit=50&name_prefix=everybody 200
delete organization; root DELETE /organizations/{id} 204
restore organization; root POST /organizations/{id}/restore 200
update organization; ada PATCH /organizations/{id} 200 {"metadata": {"n": "{n}"}}
create team; ada POST /organizations/{id}/teams 201 {"name": "Team {n}"}
list teams; u0000007 GET /organizations/{id}/teams?limit=1 200
get user; root GET /users/new{n} 200
"#;

/// The results.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) machine: Machine,
    pub(crate) sizes: Vec<usize>,
    pub(crate) operations: Vec<MeasuredOperation>,
}

/// One operation, with its usage at each size.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeasuredOperation {
    pub(crate) name: String,
    pub(crate) calls: Vec<u64>,
    pub(crate) units: Vec<f64>,
}

/// Fills the table step by step, measures at each size, and stores the results.
pub(crate) async fn measure(up_to: usize) -> Result<()> {
    let graph = Graph::start().await;
    for user in ["u0000007", "ada"] {
        graph.assign("group-1", "Group 1");
        graph.join(user, "group-1");
    }
    let options = graph.options(&[("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")]);
    let (options, lines) = Lines::collect(options);
    let world = World::with(options).await;
    without_stream(&world).await?;
    let named = [("Everybody".to_owned(), None)];
    let made = world.organizations("ada", &named).await;
    let id = made.into_iter().next().context("no organization")?;
    world
        .memberships(&[(id.clone(), user(0), "member", "active")])
        .await;
    let like = membership(&world, &id).await?;

    let mut sizes: Vec<usize> = Vec::new();
    let mut operations: Vec<MeasuredOperation> = Vec::new();
    for size in SIZES.into_iter().filter(|size| *size <= up_to) {
        let from = sizes.last().copied().unwrap_or(1);
        eprintln!("{size} memberships");
        fill(&world, &like, from..size).await?;
        // The login that creates the user's items precedes the measured ones.
        for _ in 0..3 {
            invoke(&world, "post-login", "u0000007").await?;
        }
        let mut all = requests(&world, &lines, &id, sizes.len()).await?;
        for function in ["post-login", "pre-token"] {
            lines.take();
            invoke(&world, function, "u0000007").await?;
            let name = match function {
                "post-login" => "login with nothing new",
                _ => "token after it",
            };
            all.push((name.to_owned(), cost(&lines)?));
        }
        for (n, (name, (calls, units))) in all.into_iter().enumerate() {
            if operations.len() == n {
                let (calls, units) = (Vec::new(), Vec::new());
                operations.push(MeasuredOperation { name, calls, units });
            }
            let operation = operations.get_mut(n).context("an operation is missing")?;
            operation.calls.push(calls);
            operation.units.push(units);
        }
        sizes.push(size);
        let asked: BTreeSet<String> = world.calls.operations().into_iter().collect();
        ensure!(!asked.contains("Scan"), "a Scan");
    }
    let machine = Machine::here()?;
    keep(
        "table",
        &Table {
            machine,
            sizes,
            operations,
        },
    )
}

/// Turns off the table's stream. It costs no units and has no readers here, but the embedded
/// DynamoDB scans all of its records at each write, so that a million would take days.
async fn without_stream(world: &World) -> Result<()> {
    let off = StreamSpecification::builder()
        .stream_enabled(false)
        .build()?;
    let table = world.stack.table_name();
    let update = world.stack.client().update_table().table_name(table);
    update.stream_specification(off).send().await?;
    Ok(())
}

fn user(n: usize) -> String {
    format!("u{n:07}")
}

type Item = HashMap<String, AttributeValue>;

/// The item of the first membership.
async fn membership(world: &World, id: &str) -> Result<Item> {
    let text = |text: String| AttributeValue::S(text);
    let found = world
        .stack
        .client()
        .get_item()
        .table_name(world.stack.table_name())
        .key("pk", text(format!("TENANT#{ACME}#USER#{}", user(0))))
        .key("sk", text(format!("ORG#{id}")))
        .send()
        .await?;
    found.item.context("no item of the membership")
}

/// Memberships of other users like the first one, written directly, for their number only.
async fn fill(world: &World, like: &Item, users: std::ops::Range<usize>) -> Result<()> {
    // Concurrent batches take the emulator longer than the limit of a function.
    let patient = world.stack.client().config().to_builder();
    let patient = patient.timeout_config(TimeoutConfig::disabled()).build();
    let (client, table) = (&Client::from_conf(patient), world.stack.table_name());
    let first = user(0);
    let starts = users.clone().step_by(BATCH);
    let writes = starts.map(|start| {
        let batch = start..(start + BATCH).min(users.end);
        let puts = batch.map(|n| {
            let own = |value: &AttributeValue| match value {
                AttributeValue::S(text) => AttributeValue::S(text.replace(&first, &user(n))),
                value => value.clone(),
            };
            let item = like.iter().map(|(name, value)| (name.clone(), own(value)));
            let put = PutRequest::builder()
                .set_item(Some(item.collect()))
                .build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let puts = puts.collect::<Result<Vec<_>>>();
        async move {
            let mut left = Some(HashMap::from([(table.to_owned(), puts?)]));
            while let Some(items) = left.filter(|left| !left.is_empty()) {
                let write = client.batch_write_item().set_request_items(Some(items));
                left = write.send().await?.unprocessed_items;
            }
            Ok::<_, anyhow::Error>(())
        }
    });
    stream::iter(writes)
        .buffer_unordered(AT_ONCE)
        .try_collect::<()>()
        .await
}

/// Calls and units of one operation.
type Cost = (u64, f64);

/// The only log line with the cost.
fn cost(lines: &Lines) -> Result<Cost> {
    let logged = lines.take();
    let line = logged.iter().rfind(|line| line["calls"].is_u64());
    let line = line.with_context(|| format!("no log line has the calls: {logged:?}"))?;
    let units = line["units"].as_f64().context("no units")?;
    Ok((line["calls"].as_u64().unwrap_or_default(), units))
}

async fn requests(world: &World, lines: &Lines, id: &str, n: usize) -> Result<Vec<(String, Cost)>> {
    let mut all = Vec::new();
    for operation in OPERATIONS.trim().lines() {
        let operation = operation.replace("{id}", id).replace("{n}", &n.to_string());
        let (name, asked) = operation.split_once("; ").context("an unknown operation")?;
        let mut parts = asked.splitn(5, ' ');
        let mut part = || parts.next().unwrap_or_default();
        let (who, method, path, status, body) = (part(), part(), part(), part(), part());
        let actor = match who {
            "root" => world.tenant_admin(),
            user => world.user(user),
        };
        let mut request = actor.request(method.parse::<Method>()?, path);
        if !body.is_empty() {
            request = request.json(&serde_json::from_str::<Value>(body)?);
        }
        lines.take();
        let reply = actor.send(request).await;
        ensure!(reply.status.to_string() == status, "{name}: {reply:?}");
        all.push((name.to_owned(), cost(lines)?));
    }
    Ok(all)
}

/// A trigger, for this user.
async fn invoke(world: &World, function: &str, user: &str) -> Result<()> {
    let source = match function {
        "post-login" => "PostAuthentication_Authentication",
        _ => "TokenGeneration_HostedAuth",
    };
    let event = json!({
        "version": "2", "triggerSource": source,
        "request": {"userAttributes": {
            "sub": user, "custom:tenant_id": ACME, "custom:entra_object_id": object_id(user),
        }},
        "response": {},
    });
    let url = world.stack.url();
    let url = format!("{url}/2015-03-31/functions/{function}/invocations");
    let answer = reqwest::Client::new().post(url).json(&event).send().await?;
    ensure!(answer.status() == 200, "{function}: {}", answer.status());
    Ok(())
}
