//! The sync at a login: writes the profile, reads the directory, and then changes the table, change by change,
//! to match the directory. See `docs/ENTRA.md`.

pub(crate) mod confirm;
mod domains;
pub(crate) mod followed;
mod record;
mod scim;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::apply::report::{SyncOutcome, SyncProgress, SyncReport};
use crate::apply::{Subject, held, leave_if_erased};
use crate::entra::directory::EntraReader;
use crate::entra::error::{ReadError, TokenError};
use crate::entra::settings::EntraSettings;
use crate::plan;
use crate::scim::Candidates;
use crate::snapshot::DirectorySnapshot;
use muster::domain::{Clock, DirectoryStatus, EntraObjectId, Source};
use muster::store::{self, CurrentMemberships, KnownUser, Profile, Refusal, Store, WriteOutcome};

use confirm::{confirmed, not_emptied};
use domains::WithoutDomains;
use followed::{
    Brake, Directories, FollowedDirectory, FollowedDirectoryError, FollowedEntra, FollowedScim,
};
pub use record::SyncLine;

/// Why nothing is done for a user who is being erased.
const ERASING: &str = "erasing";
/// Why nothing is done without a directory.
pub(super) const OFF: &str = "off";
/// Why nothing is done while the tenant's directory is paused.
const PAUSED: &str = "directory-paused";
/// Why nothing is done while the tenant's directory is broken.
const BROKEN: &str = "directory-broken";

/// Why something was not taken away: the last run was blocked, or it is more than the limit.
const HELD_BACK: &str = "removal-limit";

/// The result of reading the directory.
enum DirectoryReading {
    /// Nothing, for this reason.
    None(&'static str),
    /// Nothing: it is not known which directory to read.
    Unknown(FollowedDirectoryError),
    /// The directory users that the login may be of, or why they could not be read.
    Scim(Arc<FollowedScim>, Result<Candidates, store::Error>),
    /// The groups, or why they could not be read.
    Of(Arc<FollowedEntra>, Result<DirectorySnapshot, ReadError>),
}

/// The login sync: its settings, and the directory that it reads.
#[derive(Debug)]
pub struct LoginSync {
    directories: Directories,
    budget: Duration,
    clock: Clock,
    without_domains: WithoutDomains,
}

/// A login of a user whom the directory may know: what it writes to, its times, and its progress.
struct SyncedLogin<'a> {
    store: &'a Store,
    profile: &'a Profile,
    /// The user in the directory.
    object_id: &'a EntraObjectId,
    started: Instant,
    deadline: Instant,
    progress: &'a SyncProgress,
}

impl LoginSync {
    /// Creates the sync from its settings, with that [client](crate::http_client).
    pub fn new(settings: EntraSettings, client: &reqwest::Client, clock: Clock) -> Self {
        let EntraSettings {
            directory,
            connections,
            rules,
            budget,
        } = settings;
        let default = directory.map(|connection| FollowedEntra {
            own: None,
            directory: EntraReader::new(connection, client.clone(), clock.clone()).into(),
            rules,
            brake: Brake::default(),
        });
        Self {
            directories: Directories::new(default, connections, client.clone(), clock.clone()),
            budget,
            clock,
            without_domains: WithoutDomains::default(),
        }
    }

    /// Overrides the time limit of the whole sync.
    #[must_use]
    pub fn with_budget(self, budget: Duration) -> Self {
        Self { budget, ..self }
    }

    /// Returns the time limit of the whole sync, from the event's arrival.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Writes the profile and syncs. Never fails, and ends before the deadline.
    pub async fn run(&self, store: &Store, profile: &Profile, deadline: Instant) -> SyncReport {
        let progress = SyncProgress::default();
        let work = self.work(store, profile, deadline, &progress);
        let (outcome, reason) = timeout_at(deadline, Box::pin(work))
            .await
            .unwrap_or((SyncOutcome::TimedOut, None));
        progress.report(outcome, reason)
    }

    /// Writes the profile and syncs, and looks up whether the domain of the email address belongs to an organization at
    /// the same time. Then the user joins it. What the directory says comes first.
    async fn work(
        &self,
        store: &Store,
        profile: &Profile,
        deadline: Instant,
        progress: &SyncProgress,
    ) -> (SyncOutcome, Option<&'static str>) {
        let mut login = None;
        let (result, auto_join) = tokio::join!(
            self.sync(store, profile, deadline, progress, &mut login),
            self.without_domains
                .auto_join(store, profile, self.clock.now())
        );
        let auto_join = progress.kept(auto_join).flatten();
        if let (Some(login), Some(by)) = (&login, auto_join) {
            let joined = store.join_by_domain(profile, login, &by).await;
            if let Some(WriteOutcome::Done) = progress.kept(joined) {
                progress.with(|state| state.counts.memberships_made += 1);
                let left =
                    leave_if_erased(store, login, &profile.directory_origin(), progress).await;
                progress.kept(left);
            }
        }
        result
    }

    /// Reads what the directory of the tenant has of the user.
    async fn read(
        &self,
        store: &Store,
        profile: &Profile,
        object_id: &EntraObjectId,
        deadline: Instant,
    ) -> DirectoryReading {
        match self.directories.of(store, &profile.tenant_id).await {
            Err(error) => DirectoryReading::Unknown(error),
            Ok(FollowedDirectory::Nothing) => DirectoryReading::None(OFF),
            Ok(FollowedDirectory::Inactive(DirectoryStatus::Broken)) => {
                DirectoryReading::None(BROKEN)
            }
            Ok(FollowedDirectory::Inactive(_)) => DirectoryReading::None(PAUSED),
            Ok(FollowedDirectory::Scim(followed)) => {
                DirectoryReading::scim(store, followed, profile).await
            }
            Ok(FollowedDirectory::Directory(followed)) => {
                let read = followed.directory.read(object_id, deadline).await;
                let read = read.map(|reading| reading.under(&followed.rules));
                DirectoryReading::Of(followed, read)
            }
        }
    }

    async fn sync(
        &self,
        store: &Store,
        profile: &Profile,
        deadline: Instant,
        progress: &SyncProgress,
        recorded_login: &mut Option<KnownUser>,
    ) -> (SyncOutcome, Option<&'static str>) {
        let tenant = &profile.tenant_id;
        let Some(object_id) = &profile.entra_object_id else {
            let without = self.sync_without_object_id(store, profile, progress, recorded_login);
            return Box::pin(without).await;
        };
        if self.directories.follows_nothing(tenant) {
            return record_only(store, profile, progress, recorded_login, OFF).await;
        }
        let started = Instant::now();
        let read = async {
            let reading = self.read(store, profile, object_id, deadline).await;
            progress.with(|state| state.reading = started.elapsed());
            reading
        };
        // Runs all three to the end: the profile is written even if the others fail. The directory of the tenant is read
        // from the table beside the others, so that it adds no round trip to them.
        let (recorded, current, read) = tokio::join!(
            store.record_login(profile),
            store.current_memberships(&profile.tenant_id, &profile.user_id),
            read
        );
        if recorded.as_ref().is_err_and(is_being_erased) {
            return (SyncOutcome::Skipped, Some(ERASING));
        }
        let current = progress.kept(current);
        *recorded_login = progress.kept(recorded);
        let login = recorded_login.as_ref();
        if let Some(login) = login {
            let refreshed = store.refresh_names_at_login(login, current.as_ref()).await;
            progress.written(refreshed);
        }
        let (followed, read) = match read {
            DirectoryReading::None(reason) if login.is_some() => {
                return (SyncOutcome::Skipped, Some(reason));
            }
            DirectoryReading::None(_) => return (SyncOutcome::Failed, None),
            DirectoryReading::Unknown(error) => {
                progress.fail(error);
                return (SyncOutcome::Failed, None);
            }
            DirectoryReading::Scim(followed, read) => {
                let scim = self.scim(store, &followed, profile, progress);
                return scim.apply(progress.kept(read), login, current).await;
            }
            DirectoryReading::Of(followed, read) => (followed, read),
        };
        let failed = match &read {
            Err(error) => outcome_of(error),
            Ok(_) => SyncOutcome::Failed,
        };
        let (Some(login), Some(current), Some(reading)) = (login, current, progress.kept(read))
        else {
            return (failed, None);
        };
        let synced = SyncedLogin {
            store,
            profile,
            object_id,
            started,
            deadline,
            progress,
        };
        self.follow(synced, &followed, login, &current, reading)
            .await
    }

    /// Follows the tenant's directory, or the default one, for a user whose groups were read.
    async fn follow(
        &self,
        synced: SyncedLogin<'_>,
        followed: &FollowedEntra,
        login: &KnownUser,
        current: &CurrentMemberships,
        reading: DirectorySnapshot,
    ) -> (SyncOutcome, Option<&'static str>) {
        let SyncedLogin {
            store,
            profile,
            object_id,
            started,
            deadline,
            progress,
        } = synced;
        let held = held(current);
        let rules = &followed.rules;
        let own = followed.own.as_ref().map(|(id, _)| id);
        let is_held_back = |reading: &DirectorySnapshot| {
            plan::takes_away(reading, &held, rules)
                && followed.brake.holds(plan::ending(reading, &held, rules))
        };
        let holds_back = is_held_back(&reading);
        let confirmed = if holds_back {
            Ok(reading)
        } else {
            confirmed(
                &followed.directory,
                rules,
                &self.clock,
                object_id,
                reading,
                &held,
                deadline,
            )
            .await
        };
        progress.with(|state| state.reading = started.elapsed());
        let confirmed = match own {
            Some(_) => confirmed.and_then(|reading| not_emptied(reading, &held, rules)),
            None => confirmed,
        };
        let reading = match confirmed {
            Ok(reading) => reading,
            Err(error) => {
                let outcome = outcome_of(&error);
                progress.fail(error);
                return (outcome, None);
            }
        };
        progress.with(|state| state.counts.read = reading.counts());
        // The second read may give less than the first one.
        let holds_back = holds_back || is_held_back(&reading);
        let subject = Subject {
            store,
            user: login,
            origin: &profile.directory_origin(),
            rules: &followed.rules,
            clock: &self.clock,
            progress,
            holds_back,
            own: own.map(|id| (id, Source::Entra)),
        };
        let seen = async {
            // A run disables the user when this account is gone.
            match own {
                Some(id) if current.seen_in.as_ref() != Some(id) => {
                    store
                        .see_account(&profile.tenant_id, &profile.user_id, object_id, id)
                        .await
                }
                _ => Ok(()),
            }
        };
        let (applied, seen) = tokio::join!(subject.apply(&reading, current), seen);
        progress.written(seen);
        let outcome = progress.kept(applied).unwrap_or(SyncOutcome::Failed);
        (outcome, holds_back.then_some(HELD_BACK))
    }
}

/// Writes the profile when no directory is read.
async fn record_only(
    store: &Store,
    profile: &Profile,
    progress: &SyncProgress,
    recorded_login: &mut Option<KnownUser>,
    reason: &'static str,
) -> (SyncOutcome, Option<&'static str>) {
    let recorded = async {
        let login = recorded_login.insert(store.record_login(profile).await?);
        store.refresh_names_at_login(login, None).await
    };
    match recorded.await {
        Ok(()) => (SyncOutcome::Skipped, Some(reason)),
        Err(error) if is_being_erased(&error) => (SyncOutcome::Skipped, Some(ERASING)),
        Err(error) => {
            progress.fail(error);
            (SyncOutcome::Failed, None)
        }
    }
}

fn is_being_erased(error: &store::Error) -> bool {
    matches!(error, store::Error::Refused(Refusal::BeingErased))
}

/// Returns the outcome of a sync that could not read the directory.
fn outcome_of(error: &ReadError) -> SyncOutcome {
    match error {
        ReadError::OutOfTime | ReadError::Token(TokenError::OutOfTime) => SyncOutcome::TimedOut,
        _ => SyncOutcome::Failed,
    }
}
