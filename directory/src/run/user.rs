//! Follows the directory for one user, as a login does, without a login.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Failure;
use super::work::Work;
use crate::apply::report::{SyncOutcome, SyncProgress};
use crate::apply::{Subject, held};
use crate::entra::directory::EntraReader;
use crate::entra::error::ReadError;
use crate::plan;
use crate::snapshot::DirectorySnapshot;
use crate::sync::confirm::{confirmed, not_emptied};
use muster::domain::{DirectorySettings, Origin, RunNumbers, Source, UserId};
use muster::store::{self, CurrentMemberships, KnownUser, WriteOutcome};
use tokio::time::Instant;

/// The known state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// It is there and enabled.
    Enabled,
    /// It is disabled.
    Ended,
    /// It is not in the list.
    Absent,
    /// It was not read.
    Unknown,
}

/// A user whom a run concerns.
#[derive(Clone, Debug)]
pub(super) struct ConcernedUser {
    pub(super) user: UserId,
    pub(super) account: Account,
    /// Whether a change of the directory names the account.
    pub(super) is_named: bool,
    /// Whether the account is known to be one of this directory. An account that is not there and never was is of
    /// another directory, and says nothing about its user.
    pub(super) is_of_directory: bool,
}

/// The state of a user in the directory.
pub(super) enum AccountState {
    /// Nothing: they have no account in it.
    Nothing,
    /// Their account has ended.
    Ended,
    /// These are their groups.
    Groups(DirectorySnapshot),
}

/// The settings of a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    /// Whether it takes away what the first pass counted.
    pub(super) takes_away: bool,
    /// How much it may still take away.
    pub(super) left: u64,
}

/// The result for one user.
#[derive(Debug, Default)]
pub(super) struct FollowedUser {
    pub(super) numbers: RunNumbers,
    /// Number of memberships taken away, as the first pass counts them.
    pub(super) taken: u64,
    /// Whether something is to be taken away in the second pass.
    pub(super) is_leaving: bool,
    /// Whether the next run tries again.
    pub(super) is_to_retry: bool,
    pub(super) failure: Option<Failure>,
    /// Whether the user was not followed to the end.
    pub(super) is_unread: bool,
    /// Why no user can be followed any more.
    pub(super) stops: Option<ReadError>,
}

/// Follows the directory for users, in one pass of a run.
pub(super) struct Follower<'a> {
    work: &'a Work<'a>,
    origin: &'a Origin,
    pass: Pass,
    /// Number of memberships of these users that were counted as taken away.
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

impl ConcernedUser {
    /// Returns whether it was read if the account is enabled.
    pub(super) fn is_seen(&self) -> bool {
        matches!(self.account, Account::Enabled | Account::Ended)
    }

    /// Reads what the directory says about the user.
    pub(super) async fn said(
        &self,
        reader: &EntraReader,
        rules: &DirectorySettings,
        known: &KnownUser,
        deadline: Instant,
    ) -> Result<AccountState, ReadError> {
        let Some(object_id) = known.account() else {
            return Ok(AccountState::Nothing);
        };
        match self.account {
            Account::Ended => return Ok(AccountState::Ended),
            Account::Absent if !self.is_of_directory => return Ok(AccountState::Nothing),
            // A list can lack an account that is there, for example a new one.
            Account::Enabled | Account::Unknown | Account::Absent => {
                match reader.read(object_id, deadline).await {
                    // It was deleted since the accounts were read, or those were not read.
                    Err(ReadError::UnknownUser { .. }) => {}
                    read => return Ok(AccountState::Groups(read?.under(rules))),
                }
            }
        }
        Ok(if self.is_of_directory {
            AccountState::Ended
        } else {
            AccountState::Nothing
        })
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
    pub(super) async fn follow(&self, concerned: &ConcernedUser) -> FollowedUser {
        let mut done = FollowedUser::default();
        match self.try_follow(concerned, &mut done).await {
            // A change can be named before every server of Entra has it: what was read may be older.
            Ok(()) if concerned.is_named && !self.pass.takes_away => {
                done.is_to_retry |= done.numbers.changed() == 0 && !done.is_leaving;
            }
            Ok(()) => {}
            Err(Unfollowed::Read(error)) if error.is_of_all_users() => {
                done.stops = Some(error);
            }
            Err(error) => {
                done.is_unread = true;
                done.numbers.failed += 1;
                done.is_to_retry = true;
                done.failure = Some(error.into());
            }
        }
        done
    }

    async fn try_follow(
        &self,
        concerned: &ConcernedUser,
        done: &mut FollowedUser,
    ) -> Result<(), Unfollowed> {
        let Work {
            store,
            directory,
            reader,
            clock,
            ..
        } = self.work;
        let (tenant, user) = (&directory.tenant_id, &concerned.user);
        let current = store.current_memberships(tenant, user).await?;
        let Some(known) = current.known.as_ref().filter(|it| !it.is_being_erased()) else {
            return Ok(());
        };
        let given = given(&current);
        if !self.pass.takes_away {
            done.numbers.users_read += 1;
            done.numbers.memberships_given += given;
        }
        let reading = match concerned
            .said(reader, &directory.settings, known, self.work.deadline)
            .await?
        {
            AccountState::Nothing => return Ok(()),
            AccountState::Ended => {
                let ended = self.end_account(known, given, done).await;
                // One that was missing may be back.
                done.is_to_retry |= !concerned.is_seen() && done.numbers.users_disabled > 0;
                return ended;
            }
            AccountState::Groups(reading) => reading,
        };
        let Some(object_id) = known.account() else {
            return Ok(());
        };
        if concerned.account == Account::Enabled {
            if !concerned.is_of_directory {
                store
                    .see_account(tenant, user, object_id, &directory.id)
                    .await?;
            }
            let enabled = store.follow_account(self.origin, known, true).await?;
            done.numbers.users_enabled += u64::from(enabled == WriteOutcome::Done);
        }
        let rules = &directory.settings;
        let held = held(&current);
        let ending = plan::ending(&reading, &held, rules) as u64;
        let takes_away = plan::takes_away(&reading, &held, rules);
        let mut reading = not_emptied(reading, &held, rules)?;
        let mut holds_back = takes_away && !(self.pass.takes_away && self.may_take(ending));
        if takes_away && !holds_back {
            let deadline = self.work.deadline;
            let again =
                confirmed(reader, rules, clock, object_id, reading, &held, deadline).await?;
            reading = not_emptied(again, &held, rules)?;
            // The second read may give less than the first one.
            let now = plan::ending(&reading, &held, rules) as u64;
            holds_back = now > ending && !self.may_take(now - ending);
            done.taken = if holds_back { 0 } else { now };
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
        let progress = SyncProgress::default();
        let subject = Subject {
            store,
            user: known,
            origin: self.origin,
            rules,
            clock,
            progress: &progress,
            holds_back,
            own: Some((&directory.id, Source::Entra)),
        };
        let applied = subject.apply(&reading, &current).await;
        // A membership or the profile has changed meanwhile.
        done.is_to_retry |= progress.with(|state| state.not_taken > 0);
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
        done.numbers.users_disabled += u64::from(disabled == WriteOutcome::Done);
        // The profile has changed meanwhile.
        done.is_to_retry |= disabled != WriteOutcome::Done;
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
