//! Calculates the cost of a month from usage and prices.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::data::{Data, Operation, Shape};

/// Bytes that DynamoDB adds to each item, in the table and in each index.
const ITEM_OVERHEAD: f64 = 100.0;
/// DynamoDB and CloudWatch both use this value.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;

/// The assumptions, by key.
pub type Assumed = BTreeMap<String, f64>;

/// A line of the bill.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The price's key.
    pub price: &'static str,
    /// The amount per month.
    pub amount: f64,
    /// US dollars per month.
    pub usd: f64,
}

/// The monthly cost of a usage profile.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// In the order of a request's path.
    pub lines: Vec<Line>,
    /// Requests of the API.
    pub requests: f64,
    /// Invocations of the triggers.
    pub triggers: f64,
}

impl Bill {
    /// US dollars per month.
    pub fn month(&self) -> f64 {
        self.lines.iter().map(|line| line.usd).sum()
    }

    /// US dollars per year.
    pub fn year(&self) -> f64 {
        self.month() * 12.0
    }

    /// The line of a price.
    pub fn line(&self, price: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.price == price)
    }
}

impl Data {
    /// The assumptions, with these overrides.
    pub fn assumed(&self, other: &BTreeMap<String, f64>) -> Assumed {
        let usual = self.habits.assumptions.iter();
        let mut assumed: Assumed = usual
            .map(|given| (given.key.clone(), given.value))
            .collect();
        assumed.extend(other.iter().map(|(key, value)| (key.clone(), *value)));
        assumed
    }

    /// The cost of a usage profile under these assumptions.
    pub fn bill(&self, shape: &Shape, assumed: &Assumed) -> Result<Bill> {
        let use_of_month = Use::of(self, shape, assumed)?;
        let mut lines = Vec::new();
        for (price, amount) in use_of_month.amounts {
            let usd = self.prices.get(price)?.of(amount);
            lines.push(Line { price, amount, usd });
        }
        Ok(Bill {
            lines,
            requests: use_of_month.requests,
            triggers: use_of_month.triggers,
        })
    }
}

/// The amounts per month.
struct Use {
    amounts: Vec<(&'static str, f64)>,
    requests: f64,
    triggers: f64,
}

impl Use {
    fn of(data: &Data, shape: &Shape, assumed: &Assumed) -> Result<Self> {
        let given = |key: &str| {
            assumed
                .get(key)
                .copied()
                .with_context(|| format!("no assumption {key}"))
        };
        let (mut requests, mut triggers, mut logins) = (0.0, 0.0, 0.0);
        let (mut gb_seconds, mut reads, mut writes) = (0.0, 0.0, 0.0);
        let (mut log_bytes, mut answer_bytes) = (0.0, 0.0);
        let mut by_function: BTreeMap<&str, f64> = BTreeMap::new();
        for (name, times) in &shape.monthly {
            let operation = data.measured.operations.get(name).context("not measured")?;
            let count = shape.users * times * given("requests")?;
            match operation.answer_bytes {
                Some(bytes) => {
                    requests += count;
                    answer_bytes += count * bytes;
                    log_bytes += count * given("access_log_bytes")?;
                }
                None => triggers += count,
            }
            let ms =
                milliseconds(operation, assumed)?.ceil() + given("cold_share")? * given("cold_ms")?;
            gb_seconds += count * ms / 1000.0 * data.template.memory / 1024.0;
            reads += count * operation.read_units;
            writes += count * operation.write_units;
            log_bytes += count
                * (operation.log_bytes * given("request_lines")? + given("platform_log_bytes")?);
            if function(name) == "login" {
                logins += count;
            }
            *by_function.entry(function(name)).or_default() += count;
        }
        let seconds = given("busy_hours")? * 3600.0;
        let rule = (given("trace_first")?, given("trace_rate")?);
        let each = shape.deployments;
        let traces: f64 = by_function
            .values()
            .map(|count| traces(count / each, seconds, rule) * each)
            .sum();
        let (stored, table) = stored(data, shape)?;
        let invocations = requests + triggers;
        let busy = if invocations > 0.0 { 1.0 } else { 0.0 };
        let secrets = if shape.secret { each } else { 0.0 };
        let asking = if shape.secret { 1.0 } else { 0.0 };
        let amounts = vec![
            ("api_request", requests),
            ("lambda_request", invocations),
            ("lambda_time", gb_seconds),
            ("read_unit", reads),
            ("write_unit", writes),
            ("storage", stored),
            ("pitr", table),
            ("key_request", given("key_requests")? * busy * each),
            ("log_ingestion", log_bytes / GB),
            (
                "log_storage",
                log_bytes / GB * given("log_compression")? * given("log_months")?,
            ),
            (
                "metric",
                metrics(data, assumed)? * given("request_lines")? * busy * each,
            ),
            ("alarm", data.template.alarm_metrics * each),
            ("dashboard", data.template.dashboards * each),
            ("trace", traces),
            ("secret", secrets),
            // Each start of a function with the sync reads it once.
            ("secret_call", asking * logins * given("cold_share")?),
            ("transfer", answer_bytes / GB),
        ];
        Ok(Self {
            amounts,
            requests,
            triggers,
        })
    }
}

/// The duration of a warm invocation.
fn milliseconds(operation: &Operation, assumed: &Assumed) -> Result<f64> {
    let given = |key: &str| {
        assumed
            .get(key)
            .copied()
            .with_context(|| format!("no assumption {key}"))
    };
    let Some(trips) = operation.round_trips else {
        return given("first_login_ms");
    };
    Ok(given("own_ms")? + trips * given("trip_ms")? + operation.graph_calls * given("graph_ms")?)
}

/// Operations that differ only in size belong to one function.
fn function(operation: &str) -> &str {
    operation
        .split_once(',')
        .map_or(operation, |(function, _)| function)
}

/// The number of traces that X-Ray samples from random requests at a constant rate during these
/// seconds: the first of each second, and a share of the rest.
fn traces(requests: f64, seconds: f64, (first, rate): (f64, f64)) -> f64 {
    if requests <= 0.0 {
        return 0.0;
    }
    let a_second = requests / seconds;
    // The number of seconds with at least one request (Poisson).
    let firsts = first * (1.0 - (-a_second).exp());
    seconds * (firsts + rate * (a_second - firsts))
}

/// GB in table and indexes, and in the table alone.
fn stored(data: &Data, shape: &Shape) -> Result<(f64, f64)> {
    let kinds = data
        .measured
        .items
        .get(&shape.made)
        .context("who made the items")?;
    let (mut all, mut table) = (0.0, 0.0);
    for (kind, count) in &shape.items {
        let item = kinds.get(kind).context("not measured")?;
        let bytes = shape.users * count * (item.bytes + ITEM_OVERHEAD);
        table += bytes;
        all += bytes * (1.0 + item.indexes);
    }
    Ok((all / GB, table / GB))
}

/// The number of time series.
fn metrics(data: &Data, assumed: &Assumed) -> Result<f64> {
    let given = |key: &str| {
        assumed
            .get(key)
            .copied()
            .with_context(|| format!("no assumption {key}"))
    };
    let mut all = 0.0;
    for series in &data.measured.series {
        let mut count = series.metrics;
        for field in &series.by {
            count *= match field.as_str() {
                "route" => data.measured.routes,
                "trigger" => 1.0,
                "code" | "outcome" => given("codes")? * given("series_by_outcome")?,
                other => anyhow::bail!("unknown number of values of {other}"),
            };
        }
        all += count;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_requests_are_all_traced_and_many_are_sampled() {
        let rule = (1.0, 0.05);
        assert!(traces(0.0, 1000.0, rule).abs() < 1e-9);
        let few = traces(10.0, 1000.0, rule);
        assert!((9.9..=10.0).contains(&few), "{few}");
        // The first request of 1,000 seconds, and one in twenty of the other 999,000.
        let many = traces(1_000_000.0, 1000.0, rule);
        assert!((many - 50_950.0).abs() < 1.0, "{many}");
        assert!((traces(1e6, 1000.0, (0.0, 1.0)) - 1e6).abs() < 1e-6);
        assert!(traces(1e6, 1000.0, (0.0, 0.0)).abs() < 1e-9);
    }

    #[test]
    fn operations_that_differ_in_size_are_one_function() {
        assert_eq!(function("own teams, 1"), "own teams");
        assert_eq!(function("get user"), "get user");
    }
}
