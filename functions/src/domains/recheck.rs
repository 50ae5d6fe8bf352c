//! Looks up the records of verified domains again, a week after the last time.
//!
//! A timer runs it each hour. It takes the domains that are due, the longest due first, until none is left or its time
//! is up; the next run continues. A look-up that fails is no miss: it is repeated a day later, so that domains whose
//! look-ups fail do not take the time of the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use lambda_runtime::Context;
use muster::config::SettingError;
use muster::store::{self, DueDomain, metered};
use muster_dns::Resolvers;
use serde_json::{Value, json};

use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, deadline, event_source};
use crate::{App, Variables};

/// Time for a run. Under the timeout of the function.
const BUDGET: Duration = Duration::from_secs(50);
/// Left of the invocation's time for the log line: longer than a look-up takes.
const RESERVE: Duration = Duration::from_secs(8);
/// Domains that are read at once.
const PAGE: usize = 100;
/// Domains that are looked up at once.
const AT_ONCE: usize = 16;

/// The context of the function.
struct Recheck {
    app: App,
    resolvers: Resolvers,
}

run_counts! {
    /// One run of the weekly checks of domains.
    RecheckCounts of "recheck-domains", "recheck domains", warns of failed;
    /// Domains whose record was looked up, or whose organization is purged.
    checked => "DomainsChecked",
    /// Domains that are no longer verified, or whose organization is purged.
    ended => "DomainsEnded",
    /// Domains whose look-up failed, to be repeated a day later, or whose result could not be written.
    failed => "DomainChecksFailed",
}

/// The function, with the resolvers that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let resolvers = Resolvers::read(variables)?;
    Ok(event_source(Recheck { app, resolvers }, handle))
}

/// Looks up what is due. Fails if the domains that are due cannot be read.
async fn handle(own: Arc<Recheck>, _: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let app = &own.app;
    let until = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let run = own.run(until, &context.request_id);
    let (result, measure) = metered(run).await;
    let counts = result?;
    let line = RunLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        counts,
        duration: arrived.elapsed(),
        measure: Some(measure),
    };
    app.telemetry.write(&line);
    let RecheckCounts {
        checked,
        ended,
        failed,
    } = counts;
    Ok(json!({"checked": checked, "ended": ended, "failed": failed}))
}

impl Recheck {
    async fn run(
        &self,
        until: tokio::time::Instant,
        request_id: &str,
    ) -> Result<RecheckCounts, store::Error> {
        let store = &self.app.store;
        let now = self.app.clock.now();
        let mut done = RecheckCounts::default();
        let mut last: Option<DueDomain> = None;
        while tokio::time::Instant::now() < until {
            let due = store.due_domains(last.as_ref(), now, PAGE).await?;
            last = due.last().cloned();
            if due.is_empty() {
                break;
            }
            let mut checks = stream::iter(due)
                .map(|one| async move { self.check(&one, until, request_id).await })
                .buffer_unordered(AT_ONCE);
            while let Some(checked) = checks.next().await {
                match checked {
                    Some(Ok(is_ended)) => {
                        done.checked += 1;
                        done.ended += usize::from(is_ended);
                    }
                    Some(Err(())) => done.failed += 1,
                    None => {}
                }
            }
        }
        Ok(done)
    }

    /// Looks up one domain, unless the time is up. Returns whether it is no longer verified.
    async fn check(
        &self,
        due: &DueDomain,
        until: tokio::time::Instant,
        request_id: &str,
    ) -> Option<Result<bool, ()>> {
        if tokio::time::Instant::now() >= until {
            return None;
        }
        let app = &self.app;
        let failed = |error: &(dyn std::error::Error + 'static)| {
            let now = app.clock.now();
            app.telemetry
                .failure(now, request_id, "recheck-domains", error);
        };
        if due.is_of_purged() {
            let removed = app.store.remove_purged_domain(due, request_id).await;
            return match removed {
                Ok(removed) => removed.then_some(Ok(true)),
                Err(error) => {
                    failed(&error);
                    Some(Err(()))
                }
            };
        }
        let check = match self.resolvers.look_up(due.domain()).await {
            Ok(check) => check,
            Err(error) => {
                failed(&error);
                if let Err(error) = app.store.postpone_recheck(due).await {
                    failed(&error);
                }
                return Some(Err(()));
            }
        };
        match app.store.record_recheck(due, &check, request_id).await {
            Ok(ended) => ended.map(Ok),
            Err(error) => {
                failed(&error);
                Some(Err(()))
            }
        }
    }
}
