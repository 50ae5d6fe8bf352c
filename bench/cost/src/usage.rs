//! The amounts that a usage profile uses per month.

mod batches;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::cause::Cause;
use crate::data::{BilledOperation, Data, PLATFORM_LINES, Shape};

/// The assumptions, by key.
pub type Assumed = BTreeMap<String, f64>;

/// Bytes that DynamoDB adds to each item, in the table and in each index.
const ITEM_OVERHEAD: f64 = 100.0;
/// DynamoDB and CloudWatch both use this value.
const GB: f64 = 1024.0 * 1024.0 * 1024.0;
/// The days of a mean month.
const MONTH_DAYS: f64 = 365.25 / 12.0;

/// The prices, in the order of a request's path.
const PRICES: [&str; 21] = [
    "api_request",
    "lambda_request",
    "lambda_time",
    "read_unit",
    "write_unit",
    "storage",
    "pitr",
    "key_request",
    "bus_event",
    "queue_request",
    "queue_group",
    "mail",
    "log_ingestion",
    "log_storage",
    "metric",
    "alarm",
    "dashboard",
    "trace",
    "secret",
    "secret_call",
    "transfer",
];

/// The number and size of the events that the changes of a month write.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Changes {
    /// Events.
    pub(crate) events: f64,
    /// Those of memberships.
    of_members: f64,
    /// Those that send a mail.
    mails: f64,
    /// Bytes of their items in the table and in its indexes, with the overhead.
    bytes: f64,
    index_bytes: f64,
}

/// The amounts of a month.
pub(crate) struct Usage<'a> {
    data: &'a Data,
    shape: &'a Shape,
    assumed: &'a Assumed,
    /// By price, in order; the part of each cause.
    pub(crate) amounts: Vec<(&'static str, BTreeMap<Cause, f64>)>,
    pub(crate) requests: f64,
    pub(crate) triggers: f64,
    pub(crate) changes: Changes,
    /// Invocations of each function, and what causes them.
    invocations: BTreeMap<&'a str, (Cause, f64)>,
}

impl<'a> Usage<'a> {
    /// The amounts of a usage profile under these assumptions.
    pub(crate) fn of(data: &'a Data, shape: &'a Shape, assumed: &'a Assumed) -> Result<Self> {
        let amounts = PRICES.map(|price| (price, BTreeMap::new()));
        let mut usage = Self {
            data,
            shape,
            assumed,
            amounts: amounts.into(),
            requests: 0.0,
            triggers: 0.0,
            changes: Changes::default(),
            invocations: BTreeMap::new(),
        };
        for (name, times) in &shape.monthly {
            usage.operation(name, shape.users * times * usage.given("requests")?)?;
        }
        usage.batches()?;
        usage.timers()?;
        usage.stored()?;
        usage.observed()?;
        usage.standing()?;
        Ok(usage)
    }

    fn given(&self, key: &str) -> Result<f64> {
        let given = self.assumed.get(key).copied();
        given.with_context(|| format!("no assumption {key}"))
    }

    fn add(&mut self, price: &str, cause: Cause, amount: f64) -> Result<()> {
        let line = self.amounts.iter_mut().find(|(key, _)| *key == price);
        let (_, parts) = line.with_context(|| format!("no line of {price}"))?;
        *parts.entry(cause).or_default() += amount;
        Ok(())
    }

    /// An operation, so many times.
    fn operation(&mut self, name: &'a str, count: f64) -> Result<()> {
        let cause = Cause::Requests;
        let measured = &self.data.measured.operations;
        let operation = measured.get(name).context("not measured")?;
        match operation.answer_bytes {
            Some(bytes) => {
                self.requests += count;
                self.add("api_request", cause, count)?;
                self.add("transfer", cause, count * bytes / GB)?;
                let bytes = self.given("access_log_bytes")?;
                self.logged(cause, count * bytes)?;
            }
            None => self.triggers += count,
        }
        self.invoked(name, cause, count, self.milliseconds(operation)?)?;
        self.add("read_unit", cause, count * operation.read_units)?;
        self.written(cause, count, operation.log_bytes)?;
        let events = operation.events.unwrap_or_default();
        let of_change = operation.write_units - events.write_units;
        self.add("write_unit", cause, count * of_change)?;
        self.add("write_unit", Cause::Events, count * events.write_units)?;
        let changes = &mut self.changes;
        changes.events += count * events.count;
        changes.of_members += count * events.of_members;
        changes.mails += count * events.mails;
        changes.bytes += count * (events.bytes + events.count * ITEM_OVERHEAD);
        // An item of an event is in one index or in none.
        let indexed = events.count * (events.index_bytes / events.bytes.max(1.0));
        changes.index_bytes += count * (events.index_bytes + indexed * ITEM_OVERHEAD);
        Ok(())
    }

    /// Invocations of a function with a duration of these milliseconds.
    fn invoked(&mut self, name: &'a str, cause: Cause, count: f64, ms: f64) -> Result<()> {
        let start = self.given("cold_share")? * self.given("cold_ms")?;
        self.add("lambda_request", cause, count)?;
        self.lasted(cause, count * (ms.ceil() + start))?;
        let invocations = self.invocations.entry(function(name));
        invocations.or_insert((cause, 0.0)).1 += count;
        Ok(())
    }

    fn lasted(&mut self, cause: Cause, ms: f64) -> Result<()> {
        let gb = self.data.template.memory / 1024.0;
        self.add("lambda_time", cause, ms / 1000.0 * gb)
    }

    /// The log lines of invocations: those of the function, and those of Lambda.
    fn written(&mut self, cause: Cause, count: f64, bytes: f64) -> Result<()> {
        let own = bytes * self.given("request_lines")?;
        let of_platform = self.given(PLATFORM_LINES)? * self.given("platform_log_bytes")?;
        self.logged(cause, count * (own + of_platform))
    }

    fn logged(&mut self, cause: Cause, bytes: f64) -> Result<()> {
        let kept = self.given("log_compression")? * self.given("log_months")?;
        self.add("log_ingestion", cause, bytes / GB)?;
        self.add("log_storage", cause, bytes / GB * kept)
    }

    /// The duration of a warm invocation.
    fn milliseconds(&self, operation: &BilledOperation) -> Result<f64> {
        let Some(trips) = operation.round_trips else {
            return self.given("first_login_ms");
        };
        let graph = operation.graph_calls * self.given("graph_ms")?;
        Ok(self.given("own_ms")? + trips * self.given("trip_ms")? + graph)
    }

    /// The items stored in the table.
    fn stored(&mut self) -> Result<()> {
        let items = &self.data.measured.items;
        let kinds = items.get(&self.shape.made).context("who made the items")?;
        for (kind, count) in &self.shape.items {
            let item = kinds.get(kind).context("not measured")?;
            let bytes = self.shape.users * count * (item.bytes + ITEM_OVERHEAD);
            self.kept(Cause::Requests, bytes, bytes * item.indexes)?;
        }
        let months = self.given("event_days")? / MONTH_DAYS;
        let (bytes, index_bytes) = (self.changes.bytes, self.changes.index_bytes);
        self.kept(Cause::Events, bytes * months, index_bytes * months)?;

        let delivery = items.get("by webhooks").and_then(|it| it.get("DELIVERY"));
        let delivery = delivery.context("no delivery was measured")?;
        let months = self.given("delivery_days")? / MONTH_DAYS;
        let webhooks = self.changes.events * self.given("webhook_endpoints")?;
        let bytes = webhooks * months * (delivery.bytes + ITEM_OVERHEAD);
        self.kept(Cause::Webhooks, bytes, bytes * delivery.indexes)
    }

    fn kept(&mut self, cause: Cause, bytes: f64, index_bytes: f64) -> Result<()> {
        self.add("storage", cause, (bytes + index_bytes) / GB)?;
        self.add("pitr", cause, bytes / GB)
    }

    /// Traces and metrics.
    fn observed(&mut self) -> Result<()> {
        let seconds = self.given("busy_hours")? * 3600.0;
        let rule = (self.given("trace_first")?, self.given("trace_rate")?);
        let each = self.shape.deployments;
        let mut busy = BTreeMap::new();
        for (cause, count) in self.invocations.clone().into_values() {
            self.add("trace", cause, traces(count / each, seconds, rule) * each)?;
            *busy.entry(cause).or_insert(0.0) += count;
        }
        for series in &self.data.measured.series {
            let cause = cause_of(&series.line);
            if busy.get(&cause).is_some_and(|count| *count > 0.0) {
                let metrics = series.metrics * self.values(&series.by)?;
                let metrics = metrics * self.given("request_lines")?;
                self.add("metric", cause, metrics * each)?;
            }
        }
        Ok(())
    }

    /// The number of combinations of the values of these fields.
    fn values(&self, fields: &[String]) -> Result<f64> {
        let mut count = 1.0;
        for field in fields {
            count *= match field.as_str() {
                "route" => self.data.measured.routes,
                "trigger" => 1.0,
                "code" | "outcome" => self.given("codes")? * self.given("series_by_outcome")?,
                other => anyhow::bail!("unknown number of values of {other}"),
            };
        }
        Ok(count)
    }

    /// The costs of a deployment, in part also without requests.
    fn standing(&mut self) -> Result<()> {
        let (cause, each, template) =
            (Cause::Requests, self.shape.deployments, &self.data.template);
        let is_busy = self.requests + self.triggers > 0.0;
        if is_busy {
            self.add("key_request", cause, self.given("key_requests")? * each)?;
        }
        self.add("alarm", cause, template.alarm_metrics * each)?;
        self.add("dashboard", cause, template.dashboards * each)?;
        if self.shape.secret {
            self.add("secret", cause, each)?;
            // Each start of a function with the sync reads it once.
            let logins = self.invocations.get("login").map_or(0.0, |it| it.1);
            self.add("secret_call", cause, logins * self.given("cold_share")?)?;
        }
        let seconds = MONTH_DAYS * 24.0 * 3600.0;
        let polls = self.given("pollers")? * seconds / self.given("poll_seconds")?;
        for queue in &template.queues {
            let cause = match queue.as_str() {
                "WebhookQueue" => Cause::Webhooks,
                "InvitationQueue" => Cause::Mails,
                "ReconcileQueue" => Cause::Timers,
                _ => Cause::Requests,
            };
            self.add("queue_request", cause, polls * each)?;
        }
        Ok(())
    }
}

/// Operations and batches that differ only in size belong to one function.
fn function(operation: &str) -> &str {
    operation
        .split_once(',')
        .map_or(operation, |(function, _)| function)
}

/// Returns the cause of the log lines with this message.
fn cause_of(line: &str) -> Cause {
    match line {
        "publish events" => Cause::Publishing,
        "count members" => Cause::Counting,
        "deliver webhooks" => Cause::Webhooks,
        "send invitations" => Cause::Mails,
        "reconcile directories" | "schedule reconciles" | "recheck domains" => Cause::Timers,
        _ => Cause::Requests,
    }
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
        assert_eq!(function("track-members, 1 event"), "track-members");
    }
}
