//! What happens at a login: the profile is written, the directory read, and then, change by change,
//! the table made what the directory says. See `docs/ENTRA.md`.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::directory::Directory;
use super::plan::{
    self, Change, Found, Held, HeldTeam, Made, Naming, NewOrganization, NewTeam, Place, Plan,
};
use super::reading::{ReadCounts, Reading};
use super::rules::SyncRules;
use super::settings::EntraSettings;
use crate::domain::{
    Clock, Membership, Name, Organization, OrganizationId, Role, Source, Status, Team, TeamId,
    TeamMembership, TeamRole,
};
use crate::store::{self, Holdings, Profile, Store, Written};

/// Writes under way at once.
const AT_ONCE: usize = 32;
/// Failures that a report tells of; the rest are counted.
const MAX_FAILURES: usize = 5;

/// The login sync: what it was told to do, and the directory it asks.
#[derive(Debug)]
pub struct LoginSync {
    directory: Option<Directory>,
    rules: SyncRules,
    budget: Duration,
    clock: Clock,
}

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The table was changed to what the directory says.
    Synced,
    /// The table was what the directory says.
    Unchanged,
    /// Some of it could not be written; the next login finishes it.
    Partial,
    /// The directory or the table could not be read; nothing was changed.
    Failed,
    /// The sync is off, or the user has no object id.
    Skipped,
    /// The time was up; the next login finishes it.
    TimedOut,
}

impl Outcome {
    /// Its name in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Unchanged => "unchanged",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::TimedOut => "timed-out",
        }
    }
}

/// How much was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Groups that were read.
    pub read: ReadCounts,
    /// Organizations that were made.
    pub organizations_made: usize,
    /// Teams that were made.
    pub teams_made: usize,
    /// Memberships that were made, or became active, in organizations and teams.
    pub memberships_made: usize,
    /// Memberships that stayed as they were.
    pub memberships_kept: usize,
    /// Memberships that were taken away or suspended.
    pub memberships_removed: usize,
    /// What was renamed.
    pub renamed: usize,
    /// Writes that failed.
    pub failed: usize,
}

/// What came of a sync, without anything personal.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was skipped.
    pub reason: Option<&'static str>,
    /// How much was done.
    pub counts: Counts,
    /// How long the directory took.
    pub reading: Duration,
    /// The first failures.
    pub failures: Vec<Box<dyn std::error::Error + Send + Sync>>,
}

/// What is known of a sync while it goes on, so that one that is cut off can be reported too.
#[derive(Default)]
struct Progress(Mutex<State>);

#[derive(Default)]
struct State {
    counts: Counts,
    reading: Duration,
    failures: Vec<Box<dyn std::error::Error + Send + Sync>>,
    /// Organizations that could not be made: their teams stand alone.
    not_made: BTreeSet<OrganizationId>,
}

impl Progress {
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn fail(&self, error: impl std::error::Error + Send + Sync + 'static) {
        self.with(|state| {
            if state.failures.len() < MAX_FAILURES {
                state.failures.push(Box::new(error));
            }
        });
    }
}

/// What a change is carried out with.
struct Context<'a> {
    store: &'a Store,
    profile: &'a Profile,
    holdings: &'a Holdings,
    found: &'a Found,
    plan: &'a Plan,
    progress: &'a Progress,
}

impl LoginSync {
    /// The sync as it was set, through that [client](super::http_client).
    pub fn new(settings: EntraSettings, client: &reqwest::Client, clock: Clock) -> Self {
        Self {
            directory: settings
                .directory
                .map(|settings| Directory::new(settings, client.clone(), clock.clone())),
            rules: settings.rules,
            budget: settings.budget,
            clock,
        }
    }

    /// Time for all of it, from the event's arrival.
    pub fn budget(&self) -> Duration {
        self.budget
    }

    /// Writes the profile and syncs. Never fails, and ends by the deadline.
    pub async fn run(&self, store: &Store, profile: &Profile, deadline: Instant) -> Report {
        let progress = Progress::default();
        let work = self.work(store, profile, deadline, &progress);
        let (outcome, reason) = timeout_at(deadline, Box::pin(work))
            .await
            .unwrap_or((Outcome::TimedOut, None));
        let State {
            counts,
            reading,
            failures,
            ..
        } = progress
            .0
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Report {
            outcome,
            reason,
            counts,
            reading,
            failures,
        }
    }

    async fn work(
        &self,
        store: &Store,
        profile: &Profile,
        deadline: Instant,
        progress: &Progress,
    ) -> (Outcome, Option<&'static str>) {
        let reason = match (&self.directory, &profile.entra_object_id) {
            (None, _) => Some("off"),
            (_, None) => Some("no-object-id"),
            _ => None,
        };
        let (Some(directory), Some(object_id)) = (&self.directory, &profile.entra_object_id) else {
            return match store.record_login(profile).await {
                Ok(_) => (Outcome::Skipped, reason),
                Err(error) => {
                    progress.fail(error);
                    (Outcome::Failed, None)
                }
            };
        };
        let stored = async {
            tokio::try_join!(
                store.record_login(profile),
                store.holdings(&profile.tenant_id, &profile.user_id)
            )
        };
        let started = Instant::now();
        let read = async {
            let read = directory.read(object_id, deadline).await;
            progress.with(|state| state.reading = started.elapsed());
            read
        };
        // The profile is written whatever the directory says.
        let (stored, read) = tokio::join!(stored, read);
        let (mark, holdings) = match stored {
            Ok(stored) => stored,
            Err(error) => {
                progress.fail(error);
                return (Outcome::Failed, None);
            }
        };
        let reading = match read {
            Ok(reading) => reading,
            Err(error) => {
                progress.fail(error);
                return (Outcome::Failed, None);
            }
        };
        progress.with(|state| state.counts.read = reading.counts());
        match self
            .apply(
                store,
                profile,
                (&reading, &holdings, mark.as_deref()),
                progress,
            )
            .await
        {
            Ok(outcome) => (outcome, None),
            Err(error) => {
                progress.fail(error);
                (Outcome::Failed, None)
            }
        }
    }

    /// Plans, and carries the plan out.
    async fn apply(
        &self,
        store: &Store,
        profile: &Profile,
        (reading, holdings, mark): (&Reading, &Holdings, Option<&str>),
        progress: &Progress,
    ) -> Result<Outcome, store::Error> {
        let tenant = &profile.tenant_id;
        let fingerprint = reading.fingerprint(&self.rules);
        let is_marked = mark == Some(fingerprint.as_str());
        let made = if is_marked
            || store.made_mark(tenant).await?.as_deref() == Some(fingerprint.as_str())
        {
            Made::Everything
        } else {
            Made::Unknown
        };
        let held = held(holdings);
        let lookups = plan::lookups(reading, &held, made, &self.rules);
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
        let plan = plan::plan(reading, &held, made, &found, &self.rules);
        progress.with(|state| state.counts.memberships_kept = plan.kept);

        let context = Context {
            store,
            profile,
            holdings,
            found: &found,
            plan: &plan,
            progress,
        };
        for (_, changes) in plan.steps() {
            stream::iter(changes)
                .for_each_concurrent(AT_ONCE, |change| self.carry_out(&context, change))
                .await;
        }
        if progress.with(|state| state.counts.failed) > 0 {
            return Ok(Outcome::Partial);
        }
        if made == Made::Unknown {
            store.mark_made(tenant, None, &fingerprint).await?;
        }
        if !is_marked {
            store
                .mark_made(tenant, Some(&profile.user_id), &fingerprint)
                .await?;
        }
        let Counts {
            organizations_made,
            teams_made,
            memberships_made,
            memberships_removed,
            renamed,
            ..
        } = progress.with(|state| state.counts);
        let changed =
            organizations_made + teams_made + memberships_made + memberships_removed + renamed;
        Ok(if changed == 0 {
            Outcome::Unchanged
        } else {
            Outcome::Synced
        })
    }

    /// One change. What fails is counted, and the rest goes on.
    async fn carry_out(&self, context: &Context<'_>, change: &Change) {
        let (written, count): (_, fn(&mut Counts) -> &mut usize) = match change {
            Change::MakeOrganization(new) => {
                let written = self.make_organization(context, new).await;
                if !matches!(written, Ok(Written::Done | Written::AsItWas)) {
                    context
                        .progress
                        .with(|state| state.not_made.insert(new.id.clone()));
                }
                (written, |counts| &mut counts.organizations_made)
            }
            Change::MakeTeam(new) => {
                let written = self.make_team(context, new).await;
                (written, |counts| &mut counts.teams_made)
            }
            Change::JoinOrganization {
                organization_id,
                role,
            } => {
                let written = self
                    .join_organization(context, organization_id, *role)
                    .await;
                (written, |counts| &mut counts.memberships_made)
            }
            Change::JoinTeam { team_id } => {
                let written = self.join_team(context, team_id).await;
                (written, |counts| &mut counts.memberships_made)
            }
            Change::AcceptInvitation { at, .. } => {
                let written = set_status(context, at, Status::Active).await;
                (written, |counts| &mut counts.memberships_made)
            }
            Change::Leave { at, .. } => {
                let written = leave(context, at).await;
                (written, |counts| &mut counts.memberships_removed)
            }
            Change::Suspend { at, .. } => {
                let written = set_status(context, at, Status::Suspended).await;
                (written, |counts| &mut counts.memberships_removed)
            }
            Change::Rename {
                what,
                version,
                naming,
                ..
            } => {
                let written = rename(context, what, *version, naming).await;
                (written, |counts| &mut counts.renamed)
            }
        };
        match written {
            Ok(Written::Done) => context
                .progress
                .with(|state| *count(&mut state.counts) += 1),
            Ok(Written::AsItWas) => {}
            Ok(Written::NameTaken) => {
                context.progress.with(|state| state.counts.failed += 1);
                context.progress.fail(store::Error::NameTaken);
            }
            Err(error) => {
                context.progress.with(|state| state.counts.failed += 1);
                context.progress.fail(error);
            }
        }
    }

    async fn make_organization(
        &self,
        context: &Context<'_>,
        new: &NewOrganization,
    ) -> Result<Written, store::Error> {
        let now = self.clock.now();
        let Profile {
            tenant_id, user_id, ..
        } = context.profile;
        let named = |name: &Name| {
            let (id, tenant) = (new.id.clone(), tenant_id.clone());
            Organization {
                limits: new.limits.clone(),
                source: Source::Entra,
                created_by: None,
                ..Organization::new(id, tenant, name.clone(), user_id.clone(), now)
            }
        };
        let first = context
            .store
            .make_organization(&named(&new.naming.name))
            .await?;
        if first == Written::NameTaken {
            return context
                .store
                .make_organization(&named(&new.naming.if_taken))
                .await;
        }
        Ok(first)
    }

    async fn make_team(
        &self,
        context: &Context<'_>,
        new: &NewTeam,
    ) -> Result<Written, store::Error> {
        let lost = |id| context.progress.with(|state| state.not_made.contains(id));
        let standalone;
        let new = if new.organization_id.as_ref().is_some_and(lost) {
            standalone = new.standalone(&self.rules);
            &standalone
        } else {
            new
        };
        let now = self.clock.now();
        let Profile {
            tenant_id, user_id, ..
        } = context.profile;
        let named = |name: &Name| {
            let place = (tenant_id.clone(), new.organization_id.clone());
            Team {
                limits: new.limits.clone(),
                source: Source::Entra,
                created_by: None,
                ..Team::new(new.id.clone(), place, name.clone(), user_id.clone(), now)
            }
        };
        let first = context.store.make_team(&named(&new.naming.name)).await?;
        if first == Written::NameTaken {
            return context.store.make_team(&named(&new.naming.if_taken)).await;
        }
        Ok(first)
    }

    async fn join_organization(
        &self,
        context: &Context<'_>,
        organization: &OrganizationId,
        role: Role,
    ) -> Result<Written, store::Error> {
        if context
            .progress
            .with(|state| state.not_made.contains(organization))
        {
            return Ok(Written::AsItWas);
        }
        let Profile {
            tenant_id, user_id, ..
        } = context.profile.clone();
        let what = (role, Status::Active);
        let membership = Membership {
            source: Source::Entra,
            ..Membership::new(
                tenant_id,
                organization.clone(),
                user_id,
                what,
                self.clock.now(),
            )
        };
        context.store.join_organization(&membership).await
    }

    async fn join_team(
        &self,
        context: &Context<'_>,
        team: &TeamId,
    ) -> Result<Written, store::Error> {
        let Profile {
            tenant_id, user_id, ..
        } = context.profile.clone();
        let now = self.clock.now();
        let membership = TeamMembership {
            tenant_id,
            team_id: team.clone(),
            organization_id: context.organization_of(team),
            user_id,
            role: TeamRole::Member,
            status: Status::Active,
            source: Source::Entra,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        context.store.join_team(&membership, context.holdings).await
    }
}

impl Context<'_> {
    /// The organization of a team that was found, or made just now.
    fn organization_of(&self, team: &TeamId) -> Option<OrganizationId> {
        if let Some(found) = self.found.teams.get(team) {
            return found.organization_id.clone();
        }
        let made = self.plan.changes().iter().find_map(|change| match change {
            Change::MakeTeam(new) if new.id == *team => new.organization_id.clone(),
            _ => None,
        });
        made.filter(|id| !self.progress.with(|state| state.not_made.contains(id)))
    }
}

/// What the user has, as the plan looks at it.
fn held(holdings: &Holdings) -> Held {
    let organizations = holdings.organizations.iter();
    let teams = holdings.teams.iter();
    Held {
        organizations: organizations
            .map(|(id, one)| (id.clone(), one.into()))
            .collect(),
        teams: teams
            .map(|(id, one)| (id.clone(), HeldTeam::from(one)))
            .collect(),
    }
}

async fn set_status(
    context: &Context<'_>,
    at: &Place,
    status: Status,
) -> Result<Written, store::Error> {
    match at {
        Place::Organization(id) => match context.holdings.organizations.get(id) {
            Some(before) => context.store.change_synced_membership(before, status).await,
            None => Ok(Written::AsItWas),
        },
        Place::Team(id) => match context.holdings.teams.get(id) {
            Some(before) => {
                context
                    .store
                    .change_synced_team_membership(before, status)
                    .await
            }
            None => Ok(Written::AsItWas),
        },
    }
}

async fn leave(context: &Context<'_>, at: &Place) -> Result<Written, store::Error> {
    match at {
        Place::Organization(id) => {
            let apart: Vec<TeamId> = context
                .plan
                .changes()
                .iter()
                .filter_map(|change| match change {
                    Change::Leave {
                        at: Place::Team(team),
                        ..
                    } => Some(team.clone()),
                    _ => None,
                })
                .collect();
            match context.holdings.organizations.get(id) {
                Some(before) => {
                    context
                        .store
                        .leave_organization(before, context.holdings, &apart)
                        .await
                }
                None => Ok(Written::AsItWas),
            }
        }
        Place::Team(id) => match context.holdings.teams.get(id) {
            Some(before) => context.store.leave_team(before).await,
            None => Ok(Written::AsItWas),
        },
    }
}

async fn rename(
    context: &Context<'_>,
    what: &Place,
    version: u64,
    naming: &Naming,
) -> Result<Written, store::Error> {
    let tenant = &context.profile.tenant_id;
    let mut written = Written::NameTaken;
    for name in [&naming.name, &naming.if_taken] {
        if written == Written::NameTaken {
            written = match what {
                Place::Organization(id) => {
                    context
                        .store
                        .rename_organization(tenant, id, version, name)
                        .await?
                }
                Place::Team(id) => context.store.rename_team(tenant, id, version, name).await?,
            };
        }
    }
    Ok(written)
}
