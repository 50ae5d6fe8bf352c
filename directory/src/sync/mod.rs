//! The sync at a login: writes the profile, reads the directory, and then changes the table, change by change,
//! to match the directory. See `docs/ENTRA.md`.

mod domains;
mod followed;
mod record;
mod report;
mod writes;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::entra::directory::{ASSIGNED_GROUPS_LIFE, Directory};
use crate::entra::error::{ReadError, TokenError};
use crate::entra::settings::EntraSettings;
use crate::plan::{self, Found, Held, HeldOrganization, HeldTeam, Provisioned};
use crate::snapshot::DirectorySnapshot;
use muster::domain::{
    Clock, DirectoryId, DirectorySettings, DirectoryStatus, EntraObjectId, Timestamp,
};
use muster::store::{self, CurrentMemberships, Profile, RecordedLogin, Refusal, Store, Written};

use domains::WithoutDomains;
use followed::{Directories, Followed, Following, Unknown};
pub use record::SyncLine;
use report::Progress;
pub use report::{Counts, Report, SyncOutcome};
use writes::Writes;

/// Number of groups that are looked up and created at a time.
const PART: usize = 500;
/// Why nothing is done for a user who is being erased.
const ERASING: &str = "erasing";
/// Why nothing is done without a directory.
pub(super) const OFF: &str = "off";
/// Why nothing is done while the tenant's directory is paused.
const PAUSED: &str = "directory-paused";
/// Why nothing is done while the tenant's directory is broken.
const BROKEN: &str = "directory-broken";

/// What was read of the directory.
enum Reading {
    /// Nothing, for this reason.
    None(&'static str),
    /// Nothing: it is not known which directory to read.
    Unknown(Unknown),
    /// The groups, or why they could not be read.
    Of(Arc<Followed>, Result<DirectorySnapshot, ReadError>),
}

/// The directory, and what the user has before the sync.
type Marked<'a> = (
    &'a DirectorySnapshot,
    &'a CurrentMemberships,
    &'a RecordedLogin,
);

/// What every part of a sync works with.
type Everyone<'a> = (
    &'a Store,
    &'a Profile,
    &'a RecordedLogin,
    &'a Progress,
    &'a DirectorySettings,
);

/// The login sync: its settings, and the directory that it reads.
#[derive(Debug)]
pub struct LoginSync {
    directories: Directories,
    budget: Duration,
    clock: Clock,
    without_domains: WithoutDomains,
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
        let default = directory.map(|connection| Followed {
            own: None,
            directory: Directory::new(connection, client.clone(), clock.clone()),
            rules,
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
    pub async fn run(&self, store: &Store, profile: &Profile, deadline: Instant) -> Report {
        let progress = Progress::default();
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
        progress: &Progress,
    ) -> (SyncOutcome, Option<&'static str>) {
        let mut login = None;
        let (result, auto_join) = tokio::join!(
            self.sync(store, profile, deadline, (progress, &mut login)),
            self.without_domains
                .auto_join(store, profile, self.clock.now())
        );
        let auto_join = progress.kept(auto_join).flatten();
        if let (Some(login), Some(by)) = (&login, auto_join) {
            let joined = store.join_by_domain(profile, login, &by).await;
            if let Some(Written::Done) = progress.kept(joined) {
                progress.with(|state| state.counts.memberships_made += 1);
                let left = leave_if_erased(store, profile, progress).await;
                progress.kept(left);
            }
        }
        result
    }

    async fn sync(
        &self,
        store: &Store,
        profile: &Profile,
        deadline: Instant,
        (progress, recorded_login): (&Progress, &mut Option<RecordedLogin>),
    ) -> (SyncOutcome, Option<&'static str>) {
        let tenant = &profile.tenant_id;
        let object_id = match &profile.entra_object_id {
            Some(object_id) if !self.directories.follows_nothing(tenant) => object_id,
            without => {
                let is_off = without.is_some() || !self.directories.has_default();
                let reason = if is_off { OFF } else { "no-object-id" };
                return record_only(store, profile, (progress, recorded_login), reason).await;
            }
        };
        let started = Instant::now();
        let read = async {
            let following = self.directories.of(store, tenant).await;
            let reading = match following {
                Err(error) => Reading::Unknown(error),
                Ok(Following::Nothing) => Reading::None(OFF),
                Ok(Following::Inactive(DirectoryStatus::Broken)) => Reading::None(BROKEN),
                Ok(Following::Inactive(_)) => Reading::None(PAUSED),
                Ok(Following::Directory(followed)) => {
                    let read = followed.directory.read(object_id, deadline).await;
                    let read = read.map(|reading| reading.under(&followed.rules));
                    Reading::Of(followed, read)
                }
            };
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
            Reading::None(reason) if login.is_some() => {
                return (SyncOutcome::Skipped, Some(reason));
            }
            Reading::None(_) => return (SyncOutcome::Failed, None),
            Reading::Unknown(error) => {
                progress.fail(error);
                return (SyncOutcome::Failed, None);
            }
            Reading::Of(followed, read) => (followed, read),
        };
        let failed = match &read {
            Err(error) => outcome_of(error),
            Ok(_) => SyncOutcome::Failed,
        };
        let (Some(login), Some(current), Some(reading)) = (login, current, progress.kept(read))
        else {
            return (failed, None);
        };
        let followed = &*followed;
        let held = held(&current);
        let confirmed = self
            .confirmed(followed, object_id, reading, &held, deadline)
            .await;
        progress.with(|state| state.reading = started.elapsed());
        let reading = match confirmed {
            Ok(reading) => reading,
            Err(error) => {
                let outcome = outcome_of(&error);
                progress.fail(error);
                return (outcome, None);
            }
        };
        progress.with(|state| state.counts.read = reading.counts());
        let marked = (&reading, &current, login);
        let applied = self
            .apply(store, profile, (marked, &followed.rules), progress)
            .await;
        let outcome = progress.kept(applied).unwrap_or(SyncOutcome::Failed);
        if let Some((id, _)) = &followed.own {
            let left = leave_if_deleted(store, profile, id, progress).await;
            progress.written(left);
        }
        (outcome, None)
    }

    /// Confirms a snapshot that may remove access. Returns a snapshot that removes nothing as it is. Otherwise reads
    /// both lists again, which must match the first snapshot.
    ///
    /// Cached assigned groups may be out of date without any contradiction: the group may have been assigned since,
    /// and another instance of the function that saw this may have created the membership. In this case the second
    /// snapshot replaces the first.
    async fn confirmed(
        &self,
        followed: &Followed,
        user: &EntraObjectId,
        mut reading: DirectorySnapshot,
        held: &Held,
        deadline: Instant,
    ) -> Result<DirectorySnapshot, ReadError> {
        let Followed {
            directory, rules, ..
        } = followed;
        while plan::takes_away(&reading, held, rules) {
            let again = directory
                .read_again(user, self.clock.now(), deadline)
                .await?
                .under(rules);
            if again.agrees_with(&reading) {
                return Ok(again);
            }
            if !reading.is_kept() || !again.has_groups_of(&reading) {
                return Err(ReadError::Contradictory);
            }
            reading = again;
        }
        Ok(reading)
    }

    /// Plans the changes and writes them. Returns an error if the lookups for the user fail; then nothing was
    /// changed.
    async fn apply(
        &self,
        store: &Store,
        profile: &Profile,
        ((reading, current, login), rules): (Marked<'_>, &DirectorySettings),
        progress: &Progress,
    ) -> Result<SyncOutcome, store::Error> {
        let tenant = &profile.tenant_id;
        let fingerprint = reading.fingerprint(rules);
        let for_a_while = for_a_while(&fingerprint, self.clock.now());
        let is_good =
            |mark: Option<&str>| mark.is_some_and(|it| it == fingerprint || it == for_a_while);
        let is_marked = is_good(login.mark.as_deref());
        let mut tenant_mark = None;
        if !is_marked {
            tenant_mark = store.provisioned_fingerprint(tenant).await?;
        }
        let made = if is_marked || is_good(tenant_mark.as_deref()) {
            Provisioned::Everything
        } else {
            Provisioned::Unknown
        };
        // Handles this user's groups first. If the time is up before every group was checked, the user still has
        // their memberships.
        let everyone = (store, profile, login, progress, rules);
        let kept = self.follow(everyone, &reading.own(), current, made).await?;
        progress.with(|state| state.counts.memberships_kept = kept);
        if made == Provisioned::Unknown {
            let none = CurrentMemberships::default();
            let mut parts = reading.others(PART);
            // Starts at a random part, so that no part always waits for all others when logins are cut off.
            let start = fastrand::usize(..=parts.len());
            parts.rotate_left(start);
            for part in parts {
                let followed = self.follow(everyone, &part, &none, made).await;
                if progress.kept(followed).is_none() {
                    progress.with(|state| state.not_all_made = true);
                }
            }
        }
        writes::take_suffixes_away(store, profile, progress).await;

        // The next login of any user retries what could not be created. The results of the user's memberships do
        // not affect the marks.
        if progress.with(|state| state.not_all_made) {
            leave_if_erased(store, profile, progress).await?;
            return Ok(SyncOutcome::Partial);
        }
        let is_all_seen = !progress.with(|state| state.overtaken);
        let mark = match (made, tenant_mark) {
            // The user's mark expires with the tenant's mark.
            (Provisioned::Everything, Some(mark)) => mark,
            _ if progress.with(|state| state.has_suffixes) => for_a_while,
            _ => fingerprint,
        };
        if made == Provisioned::Unknown && is_all_seen {
            progress.written(store.mark_provisioned(tenant, None, &mark).await);
        }
        let mut is_known = false;
        if !is_marked && is_all_seen {
            let user = Some(&profile.user_id);
            let marked = store.mark_provisioned(tenant, user, &mark).await;
            is_known = matches!(marked, Ok(true));
            progress.written(marked);
        }
        let counts = progress.with(|state| state.counts);
        if !is_known {
            leave_if_erased(store, profile, progress).await?;
        }
        Ok(match (counts.failed, counts.changed()) {
            (0, 0) => SyncOutcome::Unchanged,
            (0, _) => SyncOutcome::Synced,
            _ => SyncOutcome::Partial,
        })
    }

    /// Does the lookups for a part of the directory, plans the changes, and writes them. Returns how many
    /// memberships do not change.
    async fn follow(
        &self,
        (store, profile, login, progress, rules): Everyone<'_>,
        reading: &DirectorySnapshot,
        current: &CurrentMemberships,
        made: Provisioned,
    ) -> Result<usize, store::Error> {
        let tenant = &profile.tenant_id;
        let held = held(current);
        let lookups = plan::lookups(reading, &held, made, rules);
        let organizations: Vec<_> = lookups.organizations.into_iter().collect();
        let teams: Vec<_> = lookups.teams.into_iter().collect();
        let (organizations, teams) = tokio::try_join!(
            store.found_organizations(tenant, &organizations),
            store.found_teams(tenant, &teams)
        )?;
        let found = Found {
            organizations,
            teams,
        };
        let plan = plan::plan(reading, &held, made, &found, rules);
        Writes::new((store, profile, current), login, &found, &plan, progress)
            .carry_out(rules, &self.clock)
            .await;
        Ok(plan.kept)
    }
}

/// Writes the profile when no directory is read.
async fn record_only(
    store: &Store,
    profile: &Profile,
    (progress, recorded_login): (&Progress, &mut Option<RecordedLogin>),
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

/// Takes back what the login has made if the tenant's directory has been deleted since the login read it.
async fn leave_if_deleted(
    store: &Store,
    profile: &Profile,
    directory: &DirectoryId,
    progress: &Progress,
) -> Result<(), store::Error> {
    if progress.with(|state| state.counts.changed()) > 0 {
        let (tenant, user) = (&profile.tenant_id, &profile.user_id);
        let origin = profile.directory_origin();
        store
            .end_given_by_deleted(tenant, user, directory, &origin)
            .await?;
    }
    Ok(())
}

/// Removes what the login has made if the user has been erased since the login was recorded.
async fn leave_if_erased(
    store: &Store,
    profile: &Profile,
    progress: &Progress,
) -> Result<(), store::Error> {
    if progress.with(|state| state.counts.changed()) > 0 {
        let (tenant, user) = (&profile.tenant_id, &profile.user_id);
        let origin = profile.directory_origin();
        store.remove_from_erased(tenant, user, &origin).await?;
    }
    Ok(())
}

fn is_being_erased(error: &store::Error) -> bool {
    matches!(error, store::Error::Refused(Refusal::BeingErased))
}

/// Returns a mark that is valid for at most five minutes: a taken name may be given up by hand, which no read of
/// the directory shows.
fn for_a_while(fingerprint: &str, now: Timestamp) -> String {
    let life = i64::try_from(ASSIGNED_GROUPS_LIFE.as_secs()).unwrap_or(1);
    format!("{fingerprint}~{}", now.as_second() / life)
}

/// Returns the outcome of a sync that could not read the directory.
fn outcome_of(error: &ReadError) -> SyncOutcome {
    match error {
        ReadError::OutOfTime | ReadError::Token(TokenError::OutOfTime) => SyncOutcome::TimedOut,
        _ => SyncOutcome::Failed,
    }
}

/// Returns the user's memberships in the form that the plan uses.
fn held(current: &CurrentMemberships) -> Held {
    let organizations = current.organizations.iter();
    let teams = current.teams.iter();
    Held {
        is_tenant_admin: current.is_directory_admin,
        organizations: organizations
            .map(|(id, one)| {
                let marks = current.marks.get(id).cloned().unwrap_or_default();
                (id.clone(), HeldOrganization::new(one, marks))
            })
            .collect(),
        teams: teams
            .map(|(id, one)| {
                let marks = current.team_marks.get(id).copied().unwrap_or_default();
                (id.clone(), HeldTeam::new(one, marks))
            })
            .collect(),
    }
}
