//! The amounts of batches: those that follow the changes, and what timers start.

use anyhow::{Context as _, Result};

use super::{Changes, GB, MONTH_DAYS, Usage};
use crate::cause::Cause;
use crate::data::Batch;

/// Minutes of a mean month.
const MONTH_MINUTES: f64 = MONTH_DAYS * 24.0 * 60.0;
/// Hours between two checks of which domains are due, as in the template.
const CHECK_HOURS: f64 = 1.0;
/// Days between two checks of a domain.
const DOMAIN_DAYS: f64 = 7.0;
/// Users of the measured complete run. A directory is read completely each day.
const USERS_OF_RUN: f64 = 50.0;
/// The operations after which a run reads a user whose groups have changed.
const CHANGES_OF_GROUPS: [&str; 2] = ["login, one more group", "login, first into 10 groups"];
/// Number of requests that Lambda makes to a queue for a message: it receives and deletes it.
const READS_OF_MESSAGE: f64 = 2.0;

impl<'a> Usage<'a> {
    /// The batches that follow the changes. Each has one event or message, which is the most expensive.
    pub(super) fn batches(&mut self) -> Result<()> {
        let Changes {
            events,
            of_members,
            mails,
            ..
        } = self.changes;
        let endpoints = self.given("webhook_endpoints")?;
        let webhooks = events * endpoints;
        let failures = webhooks * self.given("webhook_failures")?;
        self.batch("publish-events, 1 event", Cause::Publishing, events)?;
        self.batch("track-members, 1 event", Cause::Counting, of_members)?;

        // An event for webhooks is published anyway: they cause the additional cost.
        let matching = events * endpoints.min(1.0);
        let cause = Cause::Webhooks;
        let plain = "publish-events, 1 event";
        self.more(
            (plain, "publish-events, 1 event with a webhook"),
            cause,
            matching,
        )?;
        self.batch("deliver-webhook, 1 webhook", cause, webhooks)?;
        self.batch("deliver-webhook, 1 webhook that fails", cause, failures)?;
        self.read_queue(cause, webhooks + failures)?;

        let cause = Cause::Mails;
        self.more((plain, "publish-events, 1 event with a mail"), cause, mails)?;
        self.batch("send-invitation, 1 mail", cause, mails)?;
        self.read_queue(cause, mails)
    }

    /// The work that timers start. Not a part of the requests: it happens without them too.
    pub(super) fn timers(&mut self) -> Result<()> {
        let (cause, shape) = (Cause::Timers, self.shape);
        let times = MONTH_MINUTES / self.data.template.reconcile_minutes;
        let schedule = "schedule-reconciles, 1 directory";
        self.batch(schedule, cause, times * shape.deployments)?;
        let (checks, none_due) = (MONTH_DAYS * 24.0 / CHECK_HOURS, "recheck-domains, none due");
        self.batch(none_due, cause, checks * shape.deployments)?;
        if shape.directories <= 0.0 {
            return Ok(());
        }
        let (runs, quiet) = (times * shape.directories, "reconcile-directory, no change");
        self.batch(quiet, cause, runs)?;
        self.read_queue(cause, runs)?;
        // Each day, one of the runs of a directory reads all users: what this costs more is that of many small runs.
        let complete = MONTH_DAYS * shape.users / USERS_OF_RUN;
        let all = "reconcile-directory, all 50 users";
        let run = self.measured(all)?;
        self.used(&run, cause, complete)?;
        let ms = self.batch_ms(&run)? / self.given("users_at_once")?;
        self.lasted(cause, complete * ms)?;
        // A login and a run both read a change; here, both also write it.
        let changes = CHANGES_OF_GROUPS.map(|login| shape.monthly.get(login).copied());
        let changes: f64 = changes.into_iter().flatten().sum();
        let users = changes * shape.users * self.given("requests")?;
        let one = "reconcile-directory, 1 changed user";
        self.more((quiet, one), cause, users)?;
        let due = MONTH_DAYS / DOMAIN_DAYS * shape.directories;
        self.more((none_due, "recheck-domains, 1 domain"), cause, due)
    }

    /// The extra cost of a batch over a plain one of its function, so many times.
    fn more(&mut self, (plain, name): (&str, &str), cause: Cause, count: f64) -> Result<()> {
        let batch = self.measured(name)?;
        let plain = self.measured(plain)?;
        self.used(&batch, cause, count)?;
        self.used(&plain, cause, -count)?;
        let more = self.batch_ms(&batch)?.ceil() - self.batch_ms(&plain)?.ceil();
        self.lasted(cause, count * more)?;
        let bytes = self.given("request_lines")? * (batch.log_bytes - plain.log_bytes);
        self.logged(cause, count * bytes)
    }

    /// A batch, so many times.
    fn batch(&mut self, name: &'a str, cause: Cause, count: f64) -> Result<()> {
        let batch = self.measured(name)?;
        self.used(&batch, cause, count)?;
        self.invoked(name, cause, count, self.batch_ms(&batch)?)?;
        self.written(cause, count, batch.log_bytes)
    }

    fn measured(&self, batch: &str) -> Result<Batch> {
        let found = self.data.measured.batches.get(batch).copied();
        found.with_context(|| format!("{batch} was not measured"))
    }

    /// The units, events, messages, mails and webhooks of a batch.
    fn used(&mut self, batch: &Batch, cause: Cause, count: f64) -> Result<()> {
        self.add("read_unit", cause, count * batch.read_units)?;
        self.add("write_unit", cause, count * batch.write_units)?;
        self.add("bus_event", cause, count * batch.bus_events)?;
        self.add("queue_request", cause, count * batch.queue_requests)?;
        self.add("queue_group", cause, count * batch.queue_requests)?;
        self.add("mail", cause, count * batch.mails)?;
        self.add("transfer", cause, count * batch.webhook_bytes / GB)
    }

    /// Messages that Lambda reads.
    fn read_queue(&mut self, cause: Cause, messages: f64) -> Result<()> {
        self.add("queue_request", cause, messages * READS_OF_MESSAGE)?;
        self.add("queue_group", cause, messages * READS_OF_MESSAGE)
    }

    /// The duration of a warm invocation with a batch. Its calls follow each other.
    fn batch_ms(&self, batch: &Batch) -> Result<f64> {
        let table = batch.table_calls * self.given("trip_ms")?;
        let services = batch.service_calls * self.given("service_ms")?;
        let webhooks = batch.webhooks * self.given("webhook_ms")?;
        let graph = batch.graph_calls * self.given("graph_ms")?;
        Ok(self.given("own_ms")? + table + services + webhooks + graph)
    }
}
