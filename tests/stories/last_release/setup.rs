//! A stack with a fixed clock and a directory, in which a table is written and read again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::{StreamExt as _, stream};
use muster::domain::{Clock, Timestamp};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use support::graph::{Graph, login_event};
use support::{Actor, World, root, without_time_limits};

/// The time of writing. Nothing in the table expires before the tests.
const WRITTEN_AT: &str = "2100-01-01T00:00:00.000Z";
/// The time of reading: idempotency records are still valid.
pub(super) const AN_HOUR_LATER: Duration = Duration::from_hours(1);
/// The table was written with these settings, except for its older parts.
pub(super) const SETTINGS: [(&str, &str); 3] = [
    ("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true"),
    ("ENTRA_ON_LEAVE", "suspend"),
    ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#),
];
/// A tenant whose id has all valid characters.
pub(super) const ODD_TENANT: &str = "Ten.ant_1-@a+b:c|d=";
/// A user id with all of them.
pub(super) const ODD_USER: &str = "A-Z.a_z@0+9:x|y=";

type Item = HashMap<String, AttributeValue>;

pub(super) struct Setup {
    pub(super) world: World,
    pub(super) graph: Graph,
    /// The offset of its clock in milliseconds.
    ahead: Arc<AtomicU64>,
}

impl Setup {
    /// With an empty table and directory.
    pub(super) async fn open(later: Duration) -> Self {
        let ahead = Arc::new(AtomicU64::new(millis(later)));
        Self::with(Graph::start().await, ahead, &SETTINGS).await
    }

    /// The same table, directory and clock with other settings.
    pub(super) async fn under(&self, settings: &[(&str, &str)]) -> Self {
        let stack = &self.world.stack;
        let dynamodb = [
            ("AWS_ENDPOINT_URL_DYNAMODB", stack.dynamodb_url()),
            ("TABLE_NAME", stack.table_name()),
        ];
        let settings = [settings, &dynamodb].concat();
        Self::with(self.graph.clone(), Arc::clone(&self.ahead), &settings).await
    }

    async fn with(graph: Graph, ahead: Arc<AtomicU64>, settings: &[(&str, &str)]) -> Self {
        let mut options = without_time_limits(graph.options(settings));
        let tell = Arc::clone(&ahead);
        let written_at: Timestamp = WRITTEN_AT.parse().unwrap();
        options.clock = Clock::from_fn(move || {
            // Advances a millisecond per read.
            let ahead = tell.fetch_add(1, Ordering::Relaxed);
            let now = written_at.after(Duration::from_millis(ahead));
            let ms = u64::try_from(now.as_millisecond()).unwrap();
            let id = uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]);
            (now, id.into_uuid())
        });
        Self {
            world: World::with(options).await,
            graph,
            ahead,
        }
    }

    /// With the table of the last release, and its directory.
    pub(super) async fn of_last_release() -> Self {
        let setup = Self::open(AN_HOUR_LATER).await;
        super::write::directory(&setup.graph);
        let stack = &setup.world.stack;
        let items = read("table.json");
        let puts = items.as_array().unwrap().iter().map(|item| {
            let put = stack.client().put_item().table_name(stack.table_name());
            put.set_item(Some(typed(item))).send()
        });
        let puts = stream::iter(puts).buffer_unordered(8);
        puts.for_each(|put| async { drop(put.unwrap()) }).await;
        setup
    }

    /// Advances the clock.
    pub(super) fn wait(&self, time: Duration) {
        self.ahead.fetch_add(millis(time), Ordering::Relaxed);
    }

    /// Signs in a user, after all cached data of the directory has expired.
    pub(super) async fn login(&self, user: &str) {
        self.wait(Duration::from_mins(10));
        let url = self.world.stack.url();
        let url = format!("{url}/2015-03-31/functions/post-login/invocations");
        let event = login_event(user);
        let sent = reqwest::Client::new().post(url).json(&event).send();
        let answer: Value = sent.await.unwrap().json().await.unwrap();
        assert_eq!(answer, event);
    }

    /// Every item of the table as DynamoDB JSON, ordered by key.
    pub(super) async fn table(&self) -> Value {
        let stack = &self.world.stack;
        let scan = stack.client().scan().table_name(stack.table_name());
        let mut pages = scan.consistent_read(true).into_paginator().send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.unwrap();
            items.extend(page.items().iter().map(|item| Value::Object(json_of(item))));
        }
        let key = |item: &Value| (item["pk"].to_string(), item["sk"].to_string());
        items.sort_by_key(key);
        items.into()
    }

    /// A tenant admin.
    pub(super) fn root(&self, tenant: &str) -> Actor {
        self.world.tenant_admin_of(tenant)
    }
}

/// A file of this folder.
pub(super) fn file(name: &str) -> PathBuf {
    root().join("tests/stories/last_release").join(name)
}

pub(super) fn read(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(file(name)).unwrap()).unwrap()
}

/// The user id as a segment of a path.
pub(super) fn segment(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

fn millis(time: Duration) -> u64 {
    time.as_millis().try_into().unwrap()
}

fn json_of(item: &Item) -> Map<String, Value> {
    let named = item.iter();
    named
        .map(|(name, value)| (name.clone(), typed_json(value)))
        .collect()
}

fn typed_json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(yes) => json!({ "BOOL": yes }),
        AttributeValue::Null(yes) => json!({ "NULL": yes }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(typed_json).collect::<Vec<_>>() }),
        AttributeValue::M(map) => json!({ "M": json_of(map) }),
        other => panic!("nothing writes {other:?}"),
    }
}

fn typed(item: &Value) -> Item {
    let named = item.as_object().unwrap().iter();
    named
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    let text = || value.as_str().unwrap().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(value.as_bool().unwrap()),
        "L" => AttributeValue::L(value.as_array().unwrap().iter().map(attribute).collect()),
        "M" => AttributeValue::M(typed(value)),
        other => panic!("no kind {other}"),
    }
}
