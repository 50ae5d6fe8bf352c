//! Follows the directory for one user, as a login does, without a login.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Failure, Work};
use crate::entra::error::ReadError;
use crate::plan;
use crate::sync::SyncOutcome;
use crate::sync::apply::{Subject, held};
use crate::sync::confirm::confirmed;
use crate::sync::report::Progress;
use muster::domain::{Origin, RunNumbers, Source, UserId};
use muster::store::{self, CurrentMemberships, KnownUser, Written};

/// What is known of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// It is there and enabled.
    Enabled,
    /// It is disabled or deleted.
    Ended,
    /// It was not read.
    Unknown,
}

/// What a pass does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Whether it takes away what the first pass counted.
    pub(super) takes_away: bool,
    /// How much it may still take away.
    pub(super) left: u64,
}

/// What was done for one user.
#[derive(Debug, Default)]
pub(super) struct FollowedUser {
    pub(super) numbers: RunNumbers,
    /// What was taken away, as the first pass counts it.
    pub(super) taken: u64,
    /// Whether something is to be taken away in the second pass.
    pub(super) is_leaving: bool,
    /// Whether the next run tries again.
    pub(super) is_to_retry: bool,
    pub(super) failure: Option<Failure>,
}

/// Follows the directory for users, in one pass of a run.
pub(super) struct Follower<'a> {
    work: &'a Work<'a>,
    origin: &'a Origin,
    pass: Pass,
    /// What was taken away of these users.
    taken: AtomicU64,
}

/// Why one user could not be followed.
#[derive(Debug, thiserror::Error)]
enum Unfollowed {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Table(#[from] store::Error),
}

impl Account {
    /// Returns it from what a read returned: whether the account is enabled, and `None` if it is not there.
    pub(super) fn of(enabled: Option<bool>) -> Self {
        match enabled {
            Some(true) => Self::Enabled,
            Some(false) | None => Self::Ended,
        }
    }
}

impl<'a> Follower<'a> {
    pub(super) fn new(work: &'a Work<'a>, origin: &'a Origin, pass: Pass) -> Self {
        Self {
            work,
            origin,
            pass,
            taken: AtomicU64::new(0),
        }
    }

    /// Follows the directory for one user. What cannot be read or written changes nothing for them, and is tried again
    /// by the next run.
    pub(super) async fn follow(&self, user: &UserId, account: Account) -> FollowedUser {
        let mut done = FollowedUser::default();
        if let Err(error) = self.try_follow(user, account, &mut done).await {
            done.numbers.failed += 1;
            done.is_to_retry = true;
            done.failure = Some(error.into());
        }
        done
    }

    async fn try_follow(
        &self,
        user: &UserId,
        account: Account,
        done: &mut FollowedUser,
    ) -> Result<(), Unfollowed> {
        let Work {
            store,
            directory,
            reader,
            clock,
            ..
        } = self.work;
        let current = store
            .current_memberships(&directory.tenant_id, user)
            .await?;
        let Some(known) = current.known.as_ref().filter(|it| !it.is_being_erased()) else {
            return Ok(());
        };
        let Some(object_id) = known.account() else {
            return Ok(());
        };
        let given = given(&current);
        if !self.pass.takes_away {
            done.numbers.users_read += 1;
            done.numbers.memberships_given += given;
        }
        if account == Account::Ended {
            return self.end_account(known, given, done).await;
        }
        let read = reader.read(object_id, self.work.deadline).await;
        let reading = match read {
            // The account was deleted since the accounts were read.
            Err(ReadError::UnknownUser { .. }) => {
                return self.end_account(known, given, done).await;
            }
            read => read?.under(&directory.settings),
        };
        if account == Account::Enabled {
            let enabled = store.follow_account(self.origin, known, true).await?;
            done.numbers.users_enabled += u64::from(enabled == Written::Done);
        }
        let rules = &directory.settings;
        let held = held(&current);
        let ending = plan::ending(&reading, &held, rules) as u64;
        let takes_away = plan::takes_away(&reading, &held, rules);
        let holds_back = takes_away && !(self.pass.takes_away && self.may_take(ending));
        let reading = if takes_away && !holds_back {
            let source = (reader, rules, *clock);
            confirmed(source, object_id, reading, &held, self.work.deadline).await?
        } else {
            reading
        };
        if takes_away && !holds_back {
            done.taken = ending;
        }
        if holds_back {
            // Also without a membership that ends: a lower role and the rights of a tenant admin are confirmed by a second
            // read too, but do not count.
            done.is_leaving = true;
            if self.pass.takes_away {
                done.is_to_retry = true;
            } else {
                done.numbers.memberships_held_back += ending;
            }
        }
        let progress = Progress::default();
        let subject = Subject {
            store,
            user: known,
            origin: self.origin,
            rules,
            clock,
            progress: &progress,
            holds_back,
        };
        let applied = subject.apply(&reading, &current).await;
        progress.written(
            subject
                .leave_if_deleted((&directory.id, Source::Entra))
                .await,
        );
        let report = progress.report(SyncOutcome::Synced, None);
        let counts = report.counts;
        done.failure = report.failures.into_iter().next();
        let numbers = &mut done.numbers;
        numbers.memberships_made += counts.memberships_made as u64;
        numbers.memberships_ended += counts.memberships_removed as u64;
        numbers.roles_changed += counts.roles_changed as u64;
        numbers.organizations_made += counts.organizations_made as u64;
        numbers.teams_made += counts.teams_made as u64;
        numbers.failed += counts.failed as u64;
        done.is_to_retry |= counts.failed > 0;
        applied?;
        Ok(())
    }

    /// Disables a user whose account in the directory is disabled or deleted. Their memberships stay, and give no
    /// access.
    async fn end_account(
        &self,
        known: &KnownUser,
        given: u64,
        done: &mut FollowedUser,
    ) -> Result<(), Unfollowed> {
        if known.is_disabled() {
            return Ok(());
        }
        let taken = given.max(1);
        if !self.pass.takes_away {
            done.numbers.memberships_held_back += taken;
            done.is_leaving = true;
            return Ok(());
        }
        if !self.may_take(taken) {
            done.is_to_retry = true;
            return Ok(());
        }
        let store = self.work.store;
        let disabled = store.follow_account(self.origin, known, false).await?;
        done.taken = taken;
        done.numbers.users_disabled += u64::from(disabled == Written::Done);
        Ok(())
    }

    /// Counts what a user loses. Returns whether the run may take that away.
    fn may_take(&self, taken: u64) -> bool {
        let before = self.taken.fetch_add(taken, Ordering::Relaxed);
        taken == 0 || before + taken <= self.pass.left
    }
}

/// Returns how many memberships of a user the directory gives.
pub(super) fn given(current: &CurrentMemberships) -> u64 {
    let organizations = current.organizations.values().map(|it| it.source);
    let teams = current.teams.values().map(|it| it.source);
    let sources = organizations.chain(teams);
    sources.filter(|source| *source == Source::Entra).count() as u64
}
