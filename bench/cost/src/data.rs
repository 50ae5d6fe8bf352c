//! What the year is reckoned from: prices, shapes of use, what was measured, and the template.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The snapshot of the story `tests/stories/usage.rs`.
pub(crate) const MEASURED: &str = "tests/stories/snapshots/stories__usage__what_aws_charges_for_is_as_the_year_is_reckoned_with.snap";

/// A price, and where it stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// What it is for.
    pub name: String,
    /// In the order of use in a month.
    pub steps: Vec<Step>,
    /// How many units the price is for.
    pub per: f64,
    /// What is counted.
    pub unit: String,
    /// The page that decides.
    pub page: String,
    /// Where the figure was read.
    pub seen: String,
    /// How old that is.
    pub date: String,
    /// The day it was read.
    pub read: toml::value::Datetime,
    /// Whether the figure was found in more than one text.
    pub confirmed: bool,
}

/// A price up to an amount a month.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Nothing: without end.
    pub up_to: Option<f64>,
    /// US dollars.
    pub usd: f64,
}

impl Price {
    /// US dollars for an amount in a month.
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
    /// Where the prices hold.
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

    /// All of them, by key.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Price)> {
        self.all.iter()
    }
}

/// `shapes.toml`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habits {
    /// What is assumed of everybody.
    #[serde(rename = "assumption")]
    pub assumptions: Vec<Assumption>,
    /// Other assumptions to try.
    #[serde(rename = "what_if")]
    pub what_ifs: Vec<WhatIf>,
    /// Who uses it, and how.
    #[serde(rename = "shape")]
    pub shapes: Vec<Shape>,
}

/// A figure that nobody measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assumption {
    /// Its name.
    pub key: String,
    /// The figure.
    pub value: f64,
    /// What it means.
    pub why: String,
}

/// Other figures in the place of some assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatIf {
    /// What it is called.
    pub name: String,
    /// By the assumption's key.
    pub set: BTreeMap<String, f64>,
}

/// A way of using it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// What it is called.
    pub name: String,
    /// Who they are.
    pub about: String,
    /// How many are there in a month.
    pub users: f64,
    /// Which of the measured items theirs are like.
    pub made: String,
    /// How many stacks they are on: one asks one directory.
    pub deployments: f64,
    /// Whether the sync has a client secret in Secrets Manager.
    pub secret: bool,
    /// Items of each kind for a user.
    pub items: BTreeMap<String, f64>,
    /// Operations of a user in a month.
    pub monthly: BTreeMap<String, f64>,
}

/// What the story measured.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// By their names.
    pub operations: BTreeMap<String, Operation>,
    /// By who made them and their kind.
    pub items: BTreeMap<String, BTreeMap<String, Item>>,
    /// Metrics by the fields that keep them apart.
    pub series: Vec<Series>,
    /// How many routes the API has.
    pub routes: f64,
}

/// What an operation uses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// Nothing where it is a matter of luck how many overlap.
    pub round_trips: Option<f64>,
    /// Of DynamoDB.
    pub read_units: f64,
    /// Of DynamoDB.
    pub write_units: f64,
    /// To Microsoft.
    pub graph_calls: f64,
    /// Of the function's own lines.
    pub log_bytes: f64,
    /// Nothing for a trigger, which API Gateway has no part in.
    pub answer_bytes: Option<f64>,
}

/// The mean item of a kind.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// As DynamoDB counts them.
    pub bytes: f64,
    /// In how many indexes it is, with all that it has.
    pub indexes: f64,
}

/// Metrics that a line makes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Series {
    /// Of which line.
    pub line: String,
    /// The fields that keep them apart.
    pub by: Vec<String>,
    /// How many for each combination of their values.
    pub metrics: f64,
}

/// What the template deploys, as far as it has a price of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Template {
    /// Megabytes of each function.
    pub memory: f64,
    /// Metrics that alarms look at: each is paid for, not each alarm.
    pub alarm_metrics: f64,
    /// Dashboards.
    pub dashboards: f64,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Data {
    /// `prices.toml`
    pub prices: Prices,
    /// `shapes.toml`
    pub habits: Habits,
    /// What the story measured.
    pub measured: Measured,
    /// What is deployed.
    pub template: Template,
}

impl Data {
    /// Reads it from a checkout.
    pub fn read(root: &Path) -> Result<Self> {
        let text =
            |path: &str| fs::read_to_string(root.join(path)).with_context(|| path.to_owned());
        let snapshot = text(MEASURED)?;
        // The header of a snapshot ends as it begins.
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

    /// Every name leads somewhere: a slip of the pen would cost nothing, which is what it would show.
    fn check(&self) -> Result<()> {
        let Habits {
            assumptions,
            what_ifs,
            shapes,
        } = &self.habits;
        for what_if in what_ifs {
            for key in what_if.set.keys() {
                if !assumptions.iter().any(|assumption| assumption.key == *key) {
                    bail!("nothing called {key} is assumed");
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
    /// Reads what has a price from the text of the template.
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
            bail!("functions of different memory are not reckoned with");
        }
        #[allow(clippy::cast_precision_loss, reason = "a few dozen")]
        let number = |count: usize| count as f64;
        Ok(Self {
            memory: size.parse().context("MemorySize")?,
            alarm_metrics: number(alarm_metrics(text)),
            dashboards: number(count("AWS::CloudWatch::Dashboard")),
        })
    }
}

/// How many metrics the alarms look at: each `MetricStat` of one that reckons, the one of any other.
fn alarm_metrics(template: &str) -> usize {
    let resources = template.split("\n    Type: ");
    let alarms = resources.filter(|resource| resource.starts_with("AWS::CloudWatch::Alarm\n"));
    let metrics = alarms.map(|alarm| alarm.matches("MetricStat:").count().max(1));
    metrics.sum()
}
