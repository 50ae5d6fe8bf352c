//! The passes of a run, from what it reads to what it takes away.

use std::sync::PoisonError;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::user::{Account, ConcernedUser, Follower, Pass};
use super::work::{AT_ONCE, MAX_AGAIN, Work};
use super::{RunError, scope};
use muster::domain::RunKind;
use muster::store::{self, OpenRun, RunLease, RunState, Store};

/// Time that is left for the users who are handled when the run stops.
const RESERVE: Duration = Duration::from_secs(20);
/// How often a run renews its right to run. It may wait for Graph for minutes.
const RENEW_EACH: Duration = Duration::from_secs(20);
/// Failures of users that are reported.
const MAX_FAILURES: usize = 5;
/// Users from whom something is to be taken away who are remembered by name.
const MAX_LEAVING: usize = 2_000;

/// How the work of one invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkEnd {
    Done,
    /// The time is up.
    OutOfTime,
    /// It would have ended too much.
    Blocked,
}

impl Work<'_> {
    pub(super) async fn go(
        &self,
        state: &mut RunState,
        open: &mut OpenRun,
    ) -> Result<WorkEnd, RunError> {
        let followed = self.followed(state).await?;
        let changed = self.scope(state, open, &followed).await?;
        if !open.takes_away {
            let Some(()) = self.pass(state, open, &changed).await? else {
                return Ok(WorkEnd::OutOfTime);
            };
            if open.kind == RunKind::Complete {
                let read = open.numbers.users_read - open.earlier.users_read;
                if open.unread > 0 && open.unread >= read {
                    return Err(RunError::Unread(open.unread));
                }
                state.given = open.numbers.memberships_given;
            }
            open.numbers.memberships_given = state.given;
            let held_back = open.numbers.memberships_held_back;
            if !self.may_end(held_back, state.given) {
                return Ok(WorkEnd::Blocked);
            }
            // Users who could not be read are not counted: a blocked directory would lose some at each run.
            let is_blocked = self.directory.blocked_run_id.is_some() && self.confirmed.is_none();
            if is_blocked && held_back > 0 && open.numbers.failed > 0 {
                return Ok(WorkEnd::Blocked);
            }
            let is_leaving = |leaving: &Vec<_>| !leaving.is_empty();
            if open.leaving.as_ref().is_none_or(is_leaving) {
                self.require_active().await?;
                open.takes_away = true;
                open.done_to = None;
                if let Some(leaving) = &mut open.leaving {
                    leaving.sort();
                }
                self.save(state, open).await?;
            }
        }
        if open.takes_away {
            let Some(()) = self.pass(state, open, &changed).await? else {
                return Ok(WorkEnd::OutOfTime);
            };
            open.numbers.memberships_held_back = 0;
        }
        let (numbers, earlier) = (&mut open.numbers, &open.earlier);
        let given = state.given + numbers.memberships_made - earlier.memberships_made;
        let ended = numbers.memberships_ended - earlier.memberships_ended;
        state.given = given.saturating_sub(ended);
        numbers.memberships_given = state.given;
        state.followed = if open.followed.is_empty() {
            followed.fingerprint
        } else {
            open.followed.clone()
        };
        state.groups = followed.assigned;
        Ok(WorkEnd::Done)
    }

    /// Returns whether the run may end that many memberships.
    fn may_end(&self, ended: u64, given: u64) -> bool {
        let limit = self.directory.settings.removal_limit;
        limit.allows(ended, given) || self.confirmed.is_some_and(|it| ended <= it.may_end)
    }

    /// Returns how much the second pass may still take away: what the first one counted, or what is always allowed.
    fn may_take(&self, open: &OpenRun) -> u64 {
        let always = u64::from(self.directory.settings.removal_limit.count);
        let counted = open.numbers.memberships_held_back;
        counted.max(always).saturating_sub(open.taken)
    }

    async fn save(&self, state: &mut RunState, open: &OpenRun) -> Result<(), RunError> {
        state.open = Some(open.clone());
        let is_own = self.store.save_run(self.lease, state).await?;
        state.open = None;
        if is_own {
            Ok(())
        } else {
            Err(RunError::Overtaken)
        }
    }

    /// Goes through the users whom the run concerns. Returns `None` when the time is up.
    async fn pass(
        &self,
        state: &mut RunState,
        open: &mut OpenRun,
        changed: &scope::Changed,
    ) -> Result<Option<()>, RunError> {
        let named = match &open.leaving {
            Some(leaving) if open.takes_away => Some(leaving.clone()),
            _ if open.kind == RunKind::Changes => Some(changed.users.clone()),
            _ => None,
        };
        loop {
            if Instant::now() + RESERVE >= self.deadline {
                return Ok(None);
            }
            let (users, next) = if let Some(named) = &named {
                self.some_of(named, state, open, changed).await?
            } else {
                let after = open.done_to.as_deref();
                self.accounts(state).page(self.store, after).await?
            };
            if users.iter().any(|it| it.account == Account::Unknown) {
                // Accounts may not be read: to follow them later, they are all read first.
                open.account_link = None;
            }
            open.sees_accounts |= users.iter().any(ConcernedUser::is_seen);
            self.follow(open, users).await?;
            open.done_to = next;
            if open.done_to.is_none() {
                return Ok(Some(()));
            }
            self.save(state, open).await?;
            self.require_active().await?;
        }
    }

    /// Stops the run of a directory that was paused or deleted meanwhile.
    async fn require_active(&self) -> Result<(), RunError> {
        let (tenant, id) = (&self.directory.tenant_id, &self.directory.id);
        match self.store.directory_to_run(tenant, id).await? {
            Some(_) => Ok(()),
            None => Err(RunError::Stopped),
        }
    }

    /// Follows the directory for some users at the same time.
    async fn follow(&self, open: &mut OpenRun, users: Vec<ConcernedUser>) -> Result<(), RunError> {
        let origin = store::origin_of_run(&open.id);
        let pass = Pass {
            takes_away: open.takes_away,
            left: self.may_take(open),
        };
        let follower = Follower::new(self, &origin, pass);
        let follower = &follower;
        let results: Vec<_> = stream::iter(users)
            .map(|concerned| async move {
                let done = follower.follow(&concerned).await;
                (concerned.user, done)
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut stopped = None;
        for (user, done) in results {
            stopped = stopped.or(done.stops);
            open.numbers.add(&done.numbers);
            open.unread += u64::from(done.is_unread);
            open.taken += done.taken;
            if let Some(failure) = done.failure {
                let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
                if failures.len() < MAX_FAILURES {
                    failures.push(failure);
                }
            }
            if done.is_to_retry && open.again.len() <= MAX_AGAIN && !open.again.contains(&user) {
                open.again.push(user.clone());
            }
            if done.is_leaving
                && let Some(leaving) = &mut open.leaving
            {
                leaving.push(user);
                if leaving.len() > MAX_LEAVING {
                    open.leaving = None;
                }
            }
        }
        stopped.map_or(Ok(()), |error| Err(error.into()))
    }

    /// Keeps the right to run, as long as it has it. Returns when another run has it.
    pub(super) async fn keep_right(store: &Store, lease: &RunLease) -> RunError {
        loop {
            tokio::time::sleep(RENEW_EACH).await;
            // A failing table is asked again: the right is for longer than that.
            if matches!(store.renew_run(lease).await, Ok(false)) {
                return RunError::Overtaken;
            }
        }
    }
}
