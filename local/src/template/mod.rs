//! Reads functions, routes and the table from `template.yaml`, so that the local stack runs what is
//! deployed.

mod document;
mod mapping;
mod pattern;
mod policies;
mod scope;
mod shapes;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;

use pattern::Pattern;

pub use document::read;

/// The part of `template.yaml` that the local stack emulates.
#[derive(Clone, Debug)]
pub struct Template {
    /// The Lambda functions.
    pub functions: Vec<TemplateFunction>,
    /// The HTTP API's routes, sorted by path and method.
    pub routes: Vec<Route>,
    /// The one DynamoDB table.
    pub table: Table,
    /// The ARNs of the secrets in Secrets Manager.
    pub secrets: Vec<String>,
    /// The SQS queues.
    pub queues: Vec<QueueDefinition>,
    /// The event source mappings.
    pub mappings: Vec<Mapping>,
}

impl Template {
    /// A variable of the functions. If they differ, the value of the first function with it.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        let mut functions = self.functions.iter();
        functions
            .find_map(|function| function.variables.get(name))
            .map(String::as_str)
    }
}

/// An `AWS::Serverless::Function`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFunction {
    /// Its logical id: `CreateOrganization`.
    pub resource: String,
    /// Name of its binary: `create-organization`.
    pub binary: String,
    /// The time limit of an invocation.
    pub timeout: Duration,
    /// Its environment variables, if their values are known outside the cloud.
    pub variables: BTreeMap<String, String>,
    /// The permissions of its policies on the table.
    pub rights: BTreeSet<Right>,
    /// The denials of its policies on the table.
    pub denials: BTreeSet<Denial>,
    /// The permissions of its policies on event buses, queues and secrets.
    pub actions: BTreeSet<ServiceAction>,
}

/// An action of DynamoDB on the table, or on one of its indexes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The action without its prefix: `PutItem`.
    pub operation: String,
    /// The index; `None`: the table itself.
    pub index: Option<String>,
}

/// An action of DynamoDB that is denied on items with these partition keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// The action without its prefix: `UpdateItem`.
    pub operation: String,
    /// The partition keys. `*` stands for any characters.
    pub keys: String,
    /// If any, the denial is only of requests that name other attributes.
    pub other_than: Vec<String>,
}

impl Denial {
    /// Returns whether it denies a request that names these attributes.
    pub(crate) fn denies(&self, attributes: &[String]) -> bool {
        let mut named = attributes.iter();
        self.other_than.is_empty()
            || attributes.is_empty()
            || named.any(|name| !self.other_than.contains(name))
    }

    /// Returns whether it includes the key.
    pub(crate) fn includes(&self, key: &str) -> bool {
        let mut parts = self.keys.split('*');
        let Some(mut rest) = parts.next().and_then(|start| key.strip_prefix(start)) else {
            return false;
        };
        for part in parts {
            let Some((_, after)) = rest.split_once(part) else {
                return false;
            };
            rest = after;
        }
        rest.is_empty() || self.keys.ends_with('*')
    }
}

/// An action on an event bus, on a queue or on a secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ServiceAction {
    /// The action with its prefix: `sqs:SendMessage`.
    pub name: String,
    /// The ARN of the bus, the queue or the secret.
    pub resource: String,
}

/// An `HttpApi` event of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Method in capitals, or `ANY`.
    pub method: String,
    /// Path with its parameters: `/organizations/{organization_id}`.
    pub path: String,
    /// Logical id of the function behind it.
    pub function: String,
    /// Whether it requires the JWT authorizer.
    pub authorized: bool,
}

impl Route {
    /// `GET /organizations/{organization_id}`, as in the event.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// The `AWS::DynamoDB::Table`, without settings that have no local effect (backups, encryption,
/// billing).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its logical id.
    pub resource: String,
    /// `TableName`, or `muster` if the template does not set it.
    pub name: String,
    /// The attributes of the keys.
    pub attributes: Vec<Attribute>,
    /// The primary key.
    pub key: Vec<KeyPart>,
    /// The global secondary indexes.
    pub indexes: Vec<Index>,
    /// The attribute with the expiry of items.
    pub time_to_live: Option<String>,
    /// The view type of the stream.
    pub stream: Option<String>,
}

/// An `AWS::Lambda::EventSourceMapping`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapping {
    /// Logical id of the function.
    pub function: String,
    /// The largest batch.
    pub batch_size: usize,
    /// Batches of a shard that are in progress at once.
    pub parallelization: usize,
    /// Whether the function returns the records that failed.
    pub reports_failures: bool,
    /// Which records the function gets: those that match one of them; without any, all.
    pub filters: Vec<Pattern>,
    /// Where the records come from.
    pub source: Source,
}

/// The source of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// The stream of the table.
    Stream(StreamSettings),
    /// The queue with this ARN, and how many invocations it has at once.
    Queue(String, usize),
}

/// The handling of failures by a mapping of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamSettings {
    /// Whether a batch that ends the function is halved.
    pub bisects: bool,
    /// How often a batch is sent again; `None`: until it is too old.
    pub max_retries: Option<u32>,
    /// The age of a record at which it is dropped; `None`: never.
    pub max_age: Option<Duration>,
    /// ARN of the queue that gets a message about records that are dropped.
    pub on_failure: Option<String>,
}

/// An `AWS::SQS::Queue`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueDefinition {
    /// `QueueName`, or its logical id if the template does not set it.
    pub name: String,
    /// Its URL, by which callers name it.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// How long a received message is hidden.
    pub visibility_timeout: Duration,
    /// How long a new message is hidden.
    pub delay: Duration,
    /// The ARN of the dead-letter queue, and how often a message is received before it goes there.
    pub redrive: Option<(String, u32)>,
}

/// An entry of `AttributeDefinitions`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// The attribute.
    #[serde(rename = "AttributeName")]
    pub name: String,
    /// `S`, `N` or `B`.
    #[serde(rename = "AttributeType")]
    pub kind: String,
}

/// An entry of `KeySchema`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyPart {
    /// The attribute.
    #[serde(rename = "AttributeName")]
    pub name: String,
    /// `HASH` or `RANGE`.
    #[serde(rename = "KeyType")]
    pub kind: String,
}

/// An entry of `GlobalSecondaryIndexes`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Index {
    /// Its name.
    #[serde(rename = "IndexName")]
    pub name: String,
    /// Its key.
    #[serde(rename = "KeySchema")]
    pub key: Vec<KeyPart>,
    /// The projected attributes.
    pub projection: Projection,
}

/// The attributes of an index besides the keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    #[serde(rename = "ProjectionType")]
    pub kind: String,
    /// The attributes with `INCLUDE`.
    #[serde(rename = "NonKeyAttributes", default)]
    pub attributes: Vec<String>,
}
