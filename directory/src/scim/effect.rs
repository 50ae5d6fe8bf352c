//! Follows directories for the users whom a request has changed, or that earlier ones have left.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::follow::{FollowOutcome, Follower, rules_of};
use crate::apply::report::{Counts, Failure, SyncOutcome, SyncProgress};
use muster::domain::{Clock, DirectorySettings, Origin, ScimScope, ScimUserId};
use muster::store::{self, ScimFinished, Store};

/// Users whom one request follows. The others are marked, and followed by a run.
const AT_MOST: usize = 100;
/// Users who are followed at the same time.
const AT_ONCE: usize = 8;
/// Failures of users that are reported.
const MAX_FAILURES: usize = 5;
/// How long a request follows users.
const BUDGET: Duration = Duration::from_secs(6);

/// Follows users of directories of type `scim` after their identity provider has written to them.
#[derive(Clone, Debug)]
pub struct ScimEffect {
    clock: Clock,
}

/// The result of the work after a request.
#[derive(Debug, Default)]
pub struct ScimReport {
    /// Users who were followed.
    pub followed: usize,
    /// Directory users whose linked users are left for the next run or login.
    pub left: Vec<ScimUserId>,
    /// Recorded changes that could not be carried out. They are left for the next run.
    pub records_left: usize,
    /// Whether the time was up before all were looked at.
    pub is_out_of_time: bool,
    /// The numbers of changes.
    pub counts: Counts,
    /// The first failures.
    pub failures: Vec<Failure>,
}

/// A directory of type `scim`, and how it is followed.
#[derive(Clone, Copy)]
struct ScimDirectory<'a> {
    scope: &'a ScimScope,
    rules: &'a DirectorySettings,
}

impl ScimReport {
    /// Returns whether something is left that failed.
    pub fn is_unfinished(&self) -> bool {
        !self.left.is_empty() || self.records_left > 0
    }

    fn fail(&mut self, failures: impl IntoIterator<Item = Failure>) {
        let room = MAX_FAILURES.saturating_sub(self.failures.len());
        self.failures.extend(failures.into_iter().take(room));
    }
}

impl ScimEffect {
    /// Creates it.
    pub fn new(clock: Clock) -> Self {
        Self { clock }
    }

    /// Follows the directory for these directory users, up to 100. Those that are left stay marked, for
    /// [`ScimEffect::take_up`]. While the directory is not active, nothing is done.
    pub async fn follow(
        &self,
        store: &Store,
        scope: &ScimScope,
        affected: &[ScimUserId],
        origin: &Origin,
    ) -> ScimReport {
        let mut report = ScimReport::default();
        if affected.is_empty() {
            return report;
        }
        let deadline = Instant::now() + BUDGET;
        match rules_of(store, scope).await {
            Ok(Some(rules)) => {
                let users = affected.iter().collect::<BTreeSet<_>>().into_iter();
                let (users, rest): (Vec<_>, Vec<_>) =
                    users.enumerate().partition(|(n, _)| *n < AT_MOST);
                report.left = rest.into_iter().map(|(_, user)| user.clone()).collect();
                let users = users.into_iter().map(|(_, user)| user.clone()).collect();
                let rules = &rules;
                let directory = ScimDirectory { scope, rules };
                self.follow_all(store, directory, users, origin, deadline, &mut report)
                    .await;
            }
            Ok(None) => {}
            Err(error) => {
                report.left = affected.to_vec();
                report.failures.push(error.into());
            }
        }
        report
    }

    /// Finishes what requests left unfinished, until the deadline: changes of members that are recorded and not finished, and
    /// users whose last change is not applied. What fails does not keep the rest from being done. While the directory is
    /// not active, nothing is done.
    ///
    /// Two at the same time do no harm: each step is written on the condition that it was not done yet.
    pub async fn take_up(
        &self,
        store: &Store,
        scope: &ScimScope,
        origin: &Origin,
        deadline: Instant,
    ) -> Result<ScimReport, store::Error> {
        let mut report = ScimReport::default();
        if rules_of(store, scope).await?.is_none() {
            return Ok(report);
        }
        let Ok(finished) = timeout_at(deadline, store.finish_scim_changes(scope, origin)).await
        else {
            report.is_out_of_time = true;
            return Ok(report);
        };
        let ScimFinished { affected, failures } = finished?;
        report.records_left = failures.len();
        report.fail(failures.into_iter().map(Failure::from));
        // Read after the records: new settings that are recorded are among them.
        let Some(rules) = rules_of(store, scope).await? else {
            return Ok(report);
        };
        let rules = &rules;
        let directory = ScimDirectory { scope, rules };
        self.follow_all(store, directory, affected, origin, deadline, &mut report)
            .await;
        let mut after = None;
        loop {
            let users = store
                .unapplied_scim_users(scope, after.as_ref(), AT_MOST)
                .await?;
            let Some(last) = users.last().cloned() else {
                report.is_out_of_time = !report.left.is_empty() && Instant::now() >= deadline;
                return Ok(report);
            };
            if Instant::now() >= deadline {
                report.is_out_of_time = true;
                return Ok(report);
            }
            self.follow_all(store, directory, users, origin, deadline, &mut report)
                .await;
            after = Some(last);
        }
    }

    async fn follow_all(
        &self,
        store: &Store,
        directory: ScimDirectory<'_>,
        users: Vec<ScimUserId>,
        origin: &Origin,
        deadline: Instant,
        report: &mut ScimReport,
    ) {
        let ScimDirectory { scope, rules } = directory;
        let mut results = stream::iter(users)
            .map(|user| async move {
                let progress = SyncProgress::default();
                let follower = Follower {
                    store,
                    scope,
                    rules,
                    origin,
                    clock: &self.clock,
                    progress: &progress,
                };
                let work = Box::pin(follower.follow_linked(&user));
                let end = match timeout_at(deadline, work).await {
                    Ok(end) => progress.kept(end).unwrap_or(FollowOutcome::NotYet),
                    Err(_) => FollowOutcome::NotYet,
                };
                let left = (end == FollowOutcome::NotYet).then_some(user);
                if let Some(user) = &left {
                    // Another request may have removed the mark before this one wrote something.
                    progress.kept(store.mark_scim_user(scope, user).await);
                }
                (left, progress.report(SyncOutcome::Synced, None))
            })
            .buffer_unordered(AT_ONCE);
        while let Some((left, one)) = results.next().await {
            match left {
                None => report.followed += 1,
                Some(user) => report.left.push(user),
            }
            report.counts.add(&one.counts);
            report.fail(one.failures);
        }
    }
}
