//! Stands in for DynamoDB in the tests of the store. It finds the items that it is given and what is written. It evaluates
//! no conditions and no filters, and does not add to numbers: a test says which writes fail, and reads what was asked for.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{Credentials, HttpClient, Region, RuntimeComponents};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Store;
use super::samples::now;
use super::table::requests::TableRequest;
use super::table::{Item, Key, Table, key_of};
use crate::domain::{Clock, Event};

const TABLE: &str = "muster";

/// The table.
#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    items: HashMap<Key, Item>,
    /// Keys of items that no query finds.
    hidden: Vec<Key>,
    results: VecDeque<Option<Failure>>,
    calls: Vec<TableRequest>,
}

/// How a write fails.
pub(super) enum Failure {
    /// The conditions on the items of these keys. Holds the items at that time.
    Unmet(Vec<(Key, Option<Item>)>),
    /// Every action of a transaction, or the only one, with this code.
    Code(&'static str),
}

/// One action of a write.
#[derive(Debug)]
pub(super) struct RecordedAction {
    /// `Put`, `Update`, `Delete` or `ConditionCheck`.
    pub(super) kind: String,
    pub(super) key: Key,
    input: Value,
}

impl RecordedAction {
    /// Returns the value that it gives to an attribute, or adds to it.
    pub(super) fn value(&self, attribute: &str) -> Option<&str> {
        let values = &self.input["ExpressionAttributeValues"];
        let found = [
            &self.input["Item"][attribute],
            &values[format!(":set_{attribute}")],
            &values[format!(":add_{attribute}")],
        ];
        let typed = found.into_iter().find(|value| value.is_object())?;
        typed["S"].as_str().or(typed["N"].as_str())
    }

    /// Returns the value of any type that an update gives to an attribute.
    pub(super) fn set(&self, attribute: &str) -> &Value {
        &self.input["ExpressionAttributeValues"][format!(":set_{attribute}")]
    }

    /// Returns what it changes.
    pub(super) fn update(&self) -> &str {
        self.input["UpdateExpression"].as_str().unwrap_or_default()
    }

    /// Returns its condition.
    pub(super) fn condition(&self) -> &str {
        let condition = &self.input["ConditionExpression"];
        condition.as_str().unwrap_or_default()
    }
}

impl Fake {
    pub(super) fn with(items: impl IntoIterator<Item = Item>) -> Self {
        let items = items.into_iter();
        let state = State {
            items: items.map(|item| (key_of(&item).unwrap(), item)).collect(),
            ..State::default()
        };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Hides an item from queries, as if it were removed between two reads.
    pub(super) fn hide(self, key: Key) -> Self {
        self.0.lock().unwrap().hidden.push(key);
        self
    }

    /// Lets the next write fail.
    pub(super) fn fail(self, failure: Failure) -> Self {
        self.0.lock().unwrap().results.push_back(Some(failure));
        self
    }

    /// Lets the next write fail by the condition on one item.
    pub(super) fn unmet(self, key: Key, item: Option<Item>) -> Self {
        self.fail(Failure::Unmet(vec![(key, item)]))
    }

    /// Lets the next write succeed, before one that fails.
    pub(super) fn succeed(self) -> Self {
        self.0.lock().unwrap().results.push_back(None);
        self
    }

    fn client(&self) -> aws_sdk_dynamodb::Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version_latest()
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", None, None, "test"))
            .http_client(self.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(super) fn table(&self) -> Table {
        Table::new(self.client(), TABLE.to_owned())
    }

    /// Returns a store on it whose time is [`now`].
    pub(super) fn store(&self) -> Store {
        let ids = Mutex::new(0_u128);
        Store::new(self.client(), TABLE).with_clock(Clock::from_fn(move || {
            let mut last = ids.lock().unwrap();
            *last += 1;
            (now(), Uuid::from_u128(*last))
        }))
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.lock().unwrap().items.contains_key(key)
    }

    /// Returns the inputs of the calls of an operation.
    pub(super) fn calls(&self, operation: &str) -> Vec<Value> {
        let state = self.0.lock().unwrap();
        let calls = state.calls.iter();
        let calls = calls.filter(|call| call.operation == operation);
        calls.map(|call| call.input.clone()).collect()
    }

    /// Returns the keys in each `BatchGetItem`, and whether it is strongly consistent.
    pub(super) fn keys_read(&self) -> Vec<(Vec<Key>, bool)> {
        let reads = self.calls("BatchGetItem").into_iter();
        let reads = reads.map(|mut read| read["RequestItems"][TABLE].take());
        let reads = reads.map(|read| {
            let keys = read["Keys"].as_array().unwrap().iter().map(key_in);
            (keys.collect(), read["ConsistentRead"] == true)
        });
        reads.collect()
    }

    /// Returns the actions of each write so far, except writes of several items without conditions.
    pub(super) fn writes(&self) -> Vec<Vec<RecordedAction>> {
        let state = self.0.lock().unwrap();
        let writes = state
            .calls
            .iter()
            .filter(|call| call.operation != "BatchWriteItem");
        let writes = writes.map(recorded);
        writes.filter(|write| !write.is_empty()).collect()
    }

    /// Returns the action on a key in the last write.
    pub(super) fn last_write_of(&self, key: &Key) -> Option<RecordedAction> {
        let last = self.writes().pop()?;
        last.into_iter().find(|action| action.key == *key)
    }

    /// Returns the events of the last write, without personal details.
    pub(super) fn last_events(&self) -> Vec<Event> {
        let last = self.writes().pop().unwrap_or_default();
        let records = last.iter().filter_map(|action| action.value("record"));
        records
            .map(|it| serde_json::from_str(it).unwrap())
            .collect()
    }
}

impl State {
    fn answer(&mut self, request: &TableRequest) -> Result<Value, Value> {
        self.calls.push(request.clone());
        let TableRequest { operation, input } = request;
        let found = |key: &Value| self.items.get(&key_in(key));
        match operation.as_str() {
            "GetItem" => {
                Ok(found(&input["Key"]).map_or(json!({}), |it| json!({"Item": plain(it)})))
            }
            "BatchGetItem" => {
                let keys = input["RequestItems"][TABLE]["Keys"].as_array().unwrap();
                let items: Vec<_> = keys.iter().filter_map(found).map(plain).collect();
                Ok(json!({"Responses": {TABLE: items}}))
            }
            "Query" => Ok(self.query(input)),
            "BatchWriteItem" => {
                for action in recorded(request) {
                    self.apply(&action);
                }
                Ok(json!({}))
            }
            "TransactWriteItems" | "UpdateItem" | "DeleteItem" => {
                let actions = recorded(request);
                if let Some(failure) = self.results.pop_front().flatten() {
                    return Err(error(operation, &actions, failure));
                }
                for action in actions {
                    self.apply(&action);
                }
                Ok(json!({}))
            }
            other => panic!("{other} is not part of the stand-in"),
        }
    }

    fn apply(&mut self, RecordedAction { kind, key, input }: &RecordedAction) {
        match kind.as_str() {
            "Put" => _ = self.items.insert(key.clone(), item_of(&input["Item"])),
            "Delete" => _ = self.items.remove(key),
            "Update" => {
                let item = self.items.entry(key.clone());
                let item = item.or_insert_with(|| key.attributes());
                let update = input["UpdateExpression"].as_str().unwrap();
                let removed = update.split("REMOVE ").nth(1).unwrap_or_default();
                for name in removed.split(", ") {
                    item.remove(name.trim_start_matches('#'));
                }
                let values = &input["ExpressionAttributeValues"];
                for (name, value) in item_of(values) {
                    if let Some(name) = name.strip_prefix(":set_") {
                        item.insert(name.to_owned(), value);
                    }
                }
            }
            _ => {}
        }
    }

    /// Finds the items of a partition, of the table or of an index. Ignores filters.
    fn query(&self, input: &Value) -> Value {
        let index = input["IndexName"].as_str().unwrap_or_default();
        let text = |item: &Item, name: &str| item.get(name)?.as_s().ok().cloned();
        let value = |name: &str| input["ExpressionAttributeValues"][name]["S"].as_str();
        let place = format!("{index}sk");
        let is_backwards = input["ScanIndexForward"] == json!(false);
        let start = input["ExclusiveStartKey"][&place]["S"].as_str();
        let items = self.items.iter();
        let items = items.filter(|(key, _)| !self.hidden.contains(key));
        let mut items: Vec<_> = items.map(|(_, item)| item).collect();
        items.retain(|item| text(item, &format!("{index}pk")).as_deref() == value(":pk"));
        items.retain(|item| {
            let at = text(item, &place).unwrap();
            at.starts_with(value(":start").unwrap_or_default())
                && value(":first").is_none_or(|first| first <= at.as_str())
                && value(":last").is_none_or(|last| at.as_str() <= last)
                && start.is_none_or(|start| (at.as_str() > start) != is_backwards && at != start)
        });
        items.sort_by_key(|item| text(item, &place));
        if is_backwards {
            items.reverse();
        }
        let limit = usize::try_from(input["Limit"].as_u64().unwrap()).unwrap();
        let is_cut = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| is_cut).map(|last| plain(last));
        let items: Vec<_> = items.into_iter().map(plain).collect();
        match last {
            Some(last) => json!({"Items": items, "LastEvaluatedKey": last}),
            None => json!({"Items": items}),
        }
    }
}

fn plain(item: &Item) -> Value {
    serde_json::to_value(serde_dynamo::Item::from(item.clone())).unwrap()
}

fn item_of(value: &Value) -> Item {
    let item: Option<serde_dynamo::Item> = serde_json::from_value(value.clone()).unwrap();
    item.unwrap_or_default().into()
}

fn key_in(value: &Value) -> Key {
    key_of(&item_of(value)).unwrap()
}

fn recorded(request: &TableRequest) -> Vec<RecordedAction> {
    let actions = request.actions().into_iter();
    let actions = actions.map(|action| RecordedAction {
        kind: action.kind.to_owned(),
        key: key_in(action.item()),
        input: action.input.clone(),
    });
    actions.collect()
}

fn error(operation: &str, actions: &[RecordedAction], failure: Failure) -> Value {
    let with = |item: &Option<Item>| item.as_ref().map(plain);
    if operation == "TransactWriteItems" {
        let reason = |action: &RecordedAction| match &failure {
            Failure::Code(code) => json!({"Code": code}),
            Failure::Unmet(unmet) => match unmet.iter().find(|(key, _)| *key == action.key) {
                Some((_, item)) => json!({"Code": "ConditionalCheckFailed", "Item": with(item)}),
                None => json!({"Code": "None"}),
            },
        };
        let reasons: Vec<_> = actions.iter().map(reason).collect();
        return json!({"__type": "x#TransactionCanceledException", "CancellationReasons": reasons});
    }
    match failure {
        Failure::Code(code) => json!({"__type": format!("x#{code}")}),
        Failure::Unmet(unmet) => {
            let item = unmet.first().and_then(|(_, item)| with(item));
            json!({"__type": "x#ConditionalCheckFailedException", "Item": item})
        }
    }
}

impl fmt::Debug for Fake {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fake")
    }
}

impl HttpClient for Fake {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Fake {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let request = TableRequest::of_http(&request).unwrap();
        let answer = self.0.lock().unwrap().answer(&request);
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(body) => (400, body),
        };
        let status = u16::try_into(status).unwrap();
        HttpConnectorFuture::ready(Ok(HttpResponse::new(status, body.to_string().into())))
    }
}
