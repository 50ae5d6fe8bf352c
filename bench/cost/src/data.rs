//! The sources of the calculation: prices, usage profiles, measurements, and the template.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The assumption that is read from the template: 1 if Lambda writes lines for invocations that succeed.
pub(crate) const PLATFORM_LINES: &str = "platform_lines";
/// The snapshot of the story `tests/stories/usage.rs`.
pub(crate) const MEASURED: &str =
    "tests/stories/snapshots/stories__usage__the_billed_usage_of_every_operation.snap";

/// A price with its source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// The item.
    pub name: String,
    /// Tiers by monthly amount, in ascending order.
    pub steps: Vec<Step>,
    /// The number of units for the price.
    pub per: f64,
    /// The unit.
    pub unit: String,
    /// The authoritative page.
    pub page: String,
    /// The source of the figure.
    pub seen: String,
    /// The date of the source.
    pub date: String,
    /// The date of reading.
    pub read: toml::value::Datetime,
    /// Whether the figure was found in more than one source.
    pub confirmed: bool,
}

/// A price up to a monthly amount.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `None`: no limit.
    pub up_to: Option<f64>,
    /// US dollars.
    pub usd: f64,
}

impl Price {
    /// US dollars for a monthly amount.
    pub fn of(&self, amount: f64) -> f64 {
        let (mut from, mut usd) = (0.0, 0.0);
        for step in &self.steps {
            let to = step.up_to.unwrap_or(f64::INFINITY).min(amount);
            usd += (to - from).max(0.0) / self.per * step.usd;
            from = from.max(to);
        }
        usd
    }
}

/// `prices.toml`
#[derive(Clone, Debug, Deserialize)]
pub struct Prices {
    /// The region of the prices.
    pub region: String,
    #[serde(flatten)]
    all: BTreeMap<String, Price>,
}

impl Prices {
    /// The price with this key.
    pub fn get(&self, key: &str) -> Result<&Price> {
        self.all
            .get(key)
            .with_context(|| format!("prices.toml has no {key}"))
    }

    /// All prices, by key.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Price)> {
        self.all.iter()
    }
}

/// `shapes.toml`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// The general assumptions.
    #[serde(rename = "assumption")]
    pub assumptions: Vec<Assumption>,
    /// Alternative assumptions.
    #[serde(rename = "what_if")]
    pub what_ifs: Vec<WhatIf>,
    /// The usage profiles.
    #[serde(rename = "shape")]
    pub shapes: Vec<Shape>,
}

/// An assumed figure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// Its name.
    pub key: String,
    /// The figure.
    pub value: f64,
    /// Its meaning.
    pub why: String,
}

/// Overrides of some assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatIf {
    /// The name.
    pub name: String,
    /// By the assumption's key.
    pub set: BTreeMap<String, f64>,
}

/// A usage profile.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// The name.
    pub name: String,
    /// The description.
    pub about: String,
    /// The number of users per month.
    pub users: f64,
    /// The measured items that resemble its own.
    pub made: String,
    /// The number of stacks.
    pub deployments: f64,
    /// The number of directories of tenants, in all stacks. Each has a verified domain.
    #[serde(default)]
    pub directories: f64,
    /// Whether the sync has a client secret in Secrets Manager.
    pub secret: bool,
    /// Items of each kind per user.
    pub items: BTreeMap<String, f64>,
    /// Operations per user and month.
    pub monthly: BTreeMap<String, f64>,
}

/// The measurements of the story.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// By name.
    pub operations: BTreeMap<String, BilledOperation>,
    /// By function and what is in the batch.
    pub batches: BTreeMap<String, Batch>,
    /// By source and kind.
    pub items: BTreeMap<String, BTreeMap<String, Item>>,
    /// Metrics by their dimension fields.
    pub series: Vec<Series>,
    /// The number of routes of the API.
    pub routes: f64,
}

/// The usage of an operation.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BilledOperation {
    /// `None` if the number of conflicts is random.
    pub round_trips: Option<f64>,
    /// Read units of DynamoDB.
    pub read_units: f64,
    /// Write units of DynamoDB.
    pub write_units: f64,
    /// Calls to Microsoft.
    pub graph_calls: f64,
    /// Bytes of the function's log lines.
    pub log_bytes: f64,
    /// `None` for a trigger, which does not use API Gateway.
    pub answer_bytes: Option<f64>,
    /// `None` if nothing changes.
    pub events: Option<Events>,
}

/// The events of an operation.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// The number.
    pub count: f64,
    /// Those of memberships.
    pub of_members: f64,
    /// Those that send a mail.
    pub mails: f64,
    /// The part of the operation's write units that their items cost.
    pub write_units: f64,
    /// Bytes of their items in the table.
    pub bytes: f64,
    /// Bytes of their items in indexes.
    pub index_bytes: f64,
}

/// The usage of an invocation with a batch.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// Calls to DynamoDB.
    pub table_calls: f64,
    /// Read units of DynamoDB.
    pub read_units: f64,
    /// Write units of DynamoDB.
    pub write_units: f64,
    /// Calls to `EventBridge`, SQS and SES.
    pub service_calls: f64,
    /// Calls to Microsoft.
    pub graph_calls: f64,
    /// Events that `EventBridge` charges.
    pub bus_events: f64,
    /// Requests that SQS charges for sending. Those of Lambda for reading are not in it.
    pub queue_requests: f64,
    /// Mails.
    pub mails: f64,
    /// Calls to webhook endpoints.
    pub webhooks: f64,
    /// Bytes of their headers and bodies, without TLS.
    pub webhook_bytes: f64,
    /// Bytes of the function's log lines.
    pub log_bytes: f64,
}

/// The mean item of a kind.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Bytes as counted by DynamoDB.
    pub bytes: f64,
    /// The number of indexes that project the whole item.
    pub indexes: f64,
}

/// The metrics of a log line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// The kind of line.
    pub line: String,
    /// The dimension fields.
    pub by: Vec<String>,
    /// The number per combination of their values.
    pub metrics: f64,
}

/// Resources of the template with a price of their own.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Memory of each function in megabytes.
    pub memory: f64,
    /// Metrics used by alarms: each is billed, not each alarm.
    pub alarm_metrics: f64,
    /// Dashboards.
    pub dashboards: f64,
    /// Minutes between two runs of a directory.
    pub reconcile_minutes: f64,
    /// Whether Lambda writes lines for invocations that succeed: it does so at its level INFO and below.
    pub platform_lines: bool,
    /// The queues that functions read: Lambda polls them also when they are empty.
    pub queues: Vec<String>,
}

/// All sources.
#[derive(Clone, Debug)]
pub struct Data {
    /// `prices.toml`
    pub prices: Prices,
    /// `shapes.toml`
    pub habits: Habits,
    /// The measurements of the story.
    pub measured: Measured,
    /// The deployed resources.
    pub template: Template,
}

impl Data {
    /// Reads the sources from a checkout.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
        let snapshot = text(MEASURED)?;
        // The header of a snapshot ends with the line it starts with.
        let (_, measured) = snapshot
            .rsplit_once("\n---\n")
            .context("a snapshot has a header")?;
        let data = Self {
            prices: toml::from_str(&text("bench/cost/prices.toml")?).context("prices.toml")?,
            habits: toml::from_str(&text("bench/cost/shapes.toml")?).context("shapes.toml")?,
            measured: serde_json::from_str(measured).context(MEASURED)?,
            template: Template::parse(&text("template.yaml")?)?,
        };
        data.check()?;
        Ok(data)
    }

    /// Every name must exist: a typo would cost nothing.
    fn check(&self) -> Result<()> {
        let Habits {
            assumptions,
            what_ifs,
            shapes,
        } = &self.habits;
        for what_if in what_ifs {
            for key in what_if.set.keys() {
                let is_given = assumptions.iter().any(|assumption| assumption.key == *key);
                if !is_given && key != PLATFORM_LINES {
                    bail!("no assumption {key}");
                }
            }
        }
        for shape in shapes {
            for operation in shape.monthly.keys() {
                if !self.measured.operations.contains_key(operation) {
                    bail!("{operation} was not measured");
                }
            }
            let items = self
                .measured
                .items
                .get(&shape.made)
                .context("who made the items")?;
            for kind in shape.items.keys() {
                if !items.contains_key(kind) {
                    bail!("no item {kind} was measured");
                }
            }
        }
        Ok(())
    }
}

impl Template {
    /// Reads the resources with a price from the text of the template.
    pub fn parse(text: &str) -> Result<Self> {
        let count = |kind: &str| {
            text.lines()
                .filter(|line| line.trim() == format!("Type: {kind}"))
                .count()
        };
        let mut memory = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("MemorySize: "));
        let size = memory
            .next()
            .context("the template sets the memory of the functions")?;
        if memory.next().is_some() {
            bail!("the calculation needs the same memory for all functions");
        }
        let mut levels = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("SystemLogLevel: "));
        let level = levels.next().unwrap_or("INFO");
        if levels.next().is_some() {
            bail!("the calculation needs the same log level for all functions");
        }
        #[expect(clippy::cast_precision_loss, reason = "a few dozen")]
        let number = |count: usize| count as f64;
        Ok(Self {
            memory: size.parse().context("MemorySize")?,
            alarm_metrics: number(alarm_metrics(text)),
            dashboards: number(count("AWS::CloudWatch::Dashboard")),
            reconcile_minutes: reconcile_minutes(text)?,
            platform_lines: level != "WARN",
            queues: read_queues(text),
        })
    }
}

/// The number of metrics in alarms: each `MetricStat` of a metric math alarm, one for any other.
fn alarm_metrics(template: &str) -> usize {
    let resources = template.split("\n    Type: ");
    let alarms = resources.filter(|resource| resource.starts_with("AWS::CloudWatch::Alarm\n"));
    let metrics = alarms.map(|alarm| alarm.matches("MetricStat:").count().max(1));
    metrics.sum()
}

/// The default of the parameter.
fn reconcile_minutes(template: &str) -> Result<f64> {
    let parameter = template.split_once("\n  ReconcileMinutes:\n");
    let (_, parameter) = parameter.context("the template has ReconcileMinutes")?;
    let mut lines = parameter.lines().map(str::trim);
    let default = lines.find_map(|line| line.strip_prefix("Default: "));
    let default = default.context("ReconcileMinutes has a default")?;
    default.parse().context("ReconcileMinutes")
}

/// The queues that are the source of a function.
fn read_queues(template: &str) -> Vec<String> {
    let sources = template.lines().filter_map(|line| {
        let source = line.trim().strip_prefix("EventSourceArn: !GetAtt ")?;
        source.strip_suffix(".Arn").map(str::to_owned)
    });
    sources.collect()
}
