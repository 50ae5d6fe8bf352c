//! Writes the changes of a plan. Creates organizations and teams here; memberships and names have their own files.

mod memberships;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

pub(super) use self::names::take_suffixes_away;
use super::Subject;
use super::report::{Counts, SyncProgress};
use crate::plan::{FoundItems, NewOrganization, NewTeam, Place, Plan, PlannedChange, TeamMove};
use muster::domain::DirectorySettings;
use muster::domain::{
    Clock, Name, Organization, OrganizationId, Origin, Source, Status, Team, TeamId,
};
use muster::store::{self, CurrentMemberships, KnownUser, Move, Store, WriteOutcome};

/// Maximum number of concurrent writes.
const AT_ONCE: usize = 32;

/// The result of a write.
type WriteResult = Result<WriteOutcome, store::Error>;

/// A write that failed, with the organization or team it failed for, so that an operator can fix it.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
struct Failed {
    place: Place,
    source: store::Error,
}

/// The writes of one sync.
pub(super) struct Writes<'a> {
    store: &'a Store,
    /// The user, whose names new memberships have.
    user: &'a KnownUser,
    /// The origin of its changes, for their events.
    origin: &'a Origin,
    /// The source of what it creates.
    source: Source,
    current: &'a CurrentMemberships,
    plan: &'a Plan,
    progress: &'a SyncProgress,
    /// The organizations of teams that were found or are planned.
    organizations_of: BTreeMap<&'a TeamId, Option<&'a OrganizationId>>,
    /// Teams that were found standalone and wait for their organization.
    waiting: BTreeSet<&'a TeamId>,
    /// Teams that the user leaves by a separate change.
    leaving: BTreeSet<TeamId>,
}

impl<'a> Writes<'a> {
    pub(super) fn new(
        subject: Subject<'a>,
        current: &'a CurrentMemberships,
        source: Source,
        found: &'a FoundItems,
        plan: &'a Plan,
    ) -> Self {
        let teams = found.teams.iter();
        let mut organizations_of: BTreeMap<_, _> = teams
            .map(|(id, team)| (id, team.organization_id.as_ref()))
            .collect();
        let waiting = found
            .teams
            .iter()
            .filter(|(_, team)| team.awaits_organization && team.organization_id.is_none());
        let waiting = waiting.map(|(id, _)| id).collect();
        let mut leaving = BTreeSet::new();
        for change in plan.changes() {
            match change {
                PlannedChange::MakeTeam(new) => {
                    organizations_of.insert(&new.id, new.organization_id.as_ref());
                }
                PlannedChange::MoveTeam(team) => {
                    organizations_of.insert(&team.id, Some(&team.organization_id));
                }
                PlannedChange::Leave {
                    at: Place::Team(id),
                    ..
                } => {
                    leaving.insert(id.clone());
                }
                _ => {}
            }
        }
        Self {
            store: subject.store,
            user: subject.user,
            origin: subject.origin,
            source,
            current,
            plan,
            progress: subject.progress,
            organizations_of,
            waiting,
            leaving,
        }
    }

    /// Writes all changes of the plan, step by step. Counts failures and continues with the rest.
    pub(super) async fn carry_out(&self, rules: &DirectorySettings, clock: &Clock) {
        for (_, changes) in self.plan.steps() {
            stream::iter(changes)
                .for_each_concurrent(AT_ONCE, |change| self.write(change, rules, clock))
                .await;
        }
        if let Some(is_admin) = self.plan.tenant_admin {
            let written = self
                .store
                .set_directory_admin_at_login(self.origin, self.user, is_admin)
                .await;
            match self.progress.written(written) {
                Some(WriteOutcome::Done) => {
                    self.progress.with(|state| state.counts.roles_changed += 1);
                }
                Some(_) => self.progress.with(|state| state.not_taken += 1),
                None => {}
            }
        }
    }

    async fn write(&self, change: &PlannedChange, rules: &DirectorySettings, clock: &Clock) {
        let (outcome, count): (_, fn(&mut Counts) -> &mut usize) = match change {
            PlannedChange::MakeOrganization(new) => {
                let outcome = self.make_organization(new, rules, clock).await;
                if !matches!(outcome, Ok(WriteOutcome::Done | WriteOutcome::Unchanged)) {
                    self.progress
                        .with(|state| state.not_made.insert(new.id.clone()));
                }
                (outcome, |counts| &mut counts.organizations_made)
            }
            PlannedChange::MakeTeam(new) => {
                let outcome = self.make_team(new, rules, clock).await;
                if !matches!(outcome, Ok(WriteOutcome::Done | WriteOutcome::Unchanged)) {
                    self.progress
                        .with(|state| state.teams_not_made.insert(new.id.clone()));
                }
                (outcome, |counts| &mut counts.teams_made)
            }
            PlannedChange::MoveTeam(team) => {
                let outcome = self.move_team(team).await;
                if !matches!(outcome, Ok(WriteOutcome::Done)) {
                    self.progress
                        .with(|state| state.teams_not_moved.insert(team.id.clone()));
                }
                (outcome, |counts| &mut counts.moved)
            }
            PlannedChange::MoveTeamMembership {
                team_id,
                organization_id,
            } => (
                self.move_team_membership(team_id, organization_id).await,
                |counts| &mut counts.moved,
            ),
            PlannedChange::Lift { at, role, .. } => (self.lift(at, *role).await, |counts| {
                &mut counts.memberships_made
            }),
            PlannedChange::ChangeRole {
                organization_id,
                role,
                ..
            } => (self.change_role(organization_id, *role).await, |counts| {
                &mut counts.roles_changed
            }),
            PlannedChange::JoinOrganization {
                organization_id,
                role,
                mapped_from,
            } => (
                self.join_organization(organization_id, *role, mapped_from.as_ref(), clock)
                    .await,
                |counts| &mut counts.memberships_made,
            ),
            PlannedChange::JoinTeam { team_id } => {
                (self.join_team(team_id, clock).await, |counts| {
                    &mut counts.memberships_made
                })
            }
            PlannedChange::AcceptInvitation {
                at,
                role,
                mapped_from,
                ..
            } => (
                self.accept(at, *role, mapped_from.as_ref()).await,
                |counts| &mut counts.memberships_made,
            ),
            PlannedChange::Leave { at, .. } => (self.leave(at).await, |counts| {
                &mut counts.memberships_removed
            }),
            PlannedChange::Suspend { at, .. } => {
                (self.set_status(at, Status::Suspended).await, |counts| {
                    &mut counts.memberships_removed
                })
            }
            PlannedChange::Rename {
                what,
                from,
                version,
                naming,
            } => match self.rename(what, from, *version, naming).await {
                // The name is still taken.
                Ok(None) => return,
                Ok(Some(written)) => (Ok(written), |counts| &mut counts.renamed),
                Err(error) => (Err(error), |counts| &mut counts.renamed),
            },
        };
        self.count(change, outcome, count);
    }

    /// Counts a write by its result, and notes what the next login must check again.
    fn count(
        &self,
        change: &PlannedChange,
        outcome: WriteResult,
        count: fn(&mut Counts) -> &mut usize,
    ) {
        let outcome = outcome.and_then(|written| match written {
            WriteOutcome::NameTaken => Err(store::Refusal::NameTaken.into()),
            written => Ok(written),
        });
        let outcome = outcome.map_err(|source| Failed {
            place: change.place(),
            source,
        });
        match self.progress.written(outcome) {
            Some(WriteOutcome::Done) => self.progress.with(|state| *count(&mut state.counts) += 1),
            Some(_)
                if matches!(
                    change,
                    PlannedChange::Rename { .. } | PlannedChange::MoveTeam(_)
                ) =>
            {
                self.progress.with(|state| state.overtaken = true);
            }
            Some(_)
                if matches!(
                    change,
                    PlannedChange::Leave { .. }
                        | PlannedChange::Suspend { .. }
                        | PlannedChange::ChangeRole { .. }
                ) =>
            {
                self.progress.with(|state| state.not_taken += 1);
            }
            Some(_) => {}
            None => {
                let makes = matches!(
                    change,
                    PlannedChange::MakeOrganization(_)
                        | PlannedChange::MakeTeam(_)
                        | PlannedChange::MoveTeam(_)
                        | PlannedChange::Rename { .. }
                );
                self.progress.with(|state| state.not_all_made |= makes);
            }
        }
    }

    fn is_not_made(&self, organization: &OrganizationId) -> bool {
        self.progress
            .with(|state| state.not_made.contains(organization))
    }

    async fn make_organization(
        &self,
        new: &NewOrganization,
        rules: &DirectorySettings,
        clock: &Clock,
    ) -> WriteResult {
        let now = clock.now();
        let (tenant_id, user_id) = (self.user.tenant_id(), self.user.user_id());
        let named = |name: &Name| {
            let (id, tenant) = (new.id.clone(), tenant_id.clone());
            Organization {
                limits: new.limits.clone(),
                source: self.source,
                created_by: None,
                ..Organization::new(id, tenant, name.clone(), user_id.clone(), now)
            }
        };
        let first = named(&new.naming.name);
        if rules.refresh_names && new.naming.is_second() {
            self.progress.with(|state| state.has_suffixes = true);
        }
        match self.store.make_organization(self.origin, &first).await? {
            WriteOutcome::NameTaken => {
                let second = named(&new.naming.if_taken);
                let written = self.store.make_organization(self.origin, &second).await?;
                if rules.refresh_names && written == WriteOutcome::Done {
                    let place = Place::Organization(new.id.clone());
                    self.suffixed(&place, 1, &new.naming, true);
                }
                Ok(written)
            }
            written => Ok(written),
        }
    }

    async fn make_team(
        &self,
        new: &NewTeam,
        rules: &DirectorySettings,
        clock: &Clock,
    ) -> WriteResult {
        let standalone;
        let awaited = new.organization_id.as_ref();
        let awaited = awaited.filter(|id| self.is_not_made(id));
        let new = if awaited.is_some() {
            standalone = new.standalone(rules);
            &standalone
        } else {
            new
        };
        let now = clock.now();
        let (tenant_id, user_id) = (self.user.tenant_id(), self.user.user_id());
        let named = |name: &Name| Team {
            limits: new.limits.clone(),
            source: self.source,
            created_by: None,
            ..Team::new(
                new.id.clone(),
                tenant_id.clone(),
                new.organization_id.clone(),
                name.clone(),
                user_id.clone(),
                now,
            )
        };
        if rules.refresh_names && new.naming.is_second() {
            self.progress.with(|state| state.has_suffixes = true);
        }
        let first = named(&new.naming.name);
        match self.store.make_team(self.origin, &first, awaited).await? {
            WriteOutcome::NameTaken => {
                let second = named(&new.naming.if_taken);
                let written = self.store.make_team(self.origin, &second, awaited).await?;
                if rules.refresh_names && written == WriteOutcome::Done {
                    self.suffixed(&Place::Team(new.id.clone()), 1, &new.naming, true);
                }
                Ok(written)
            }
            written => Ok(written),
        }
    }

    async fn move_team(&self, team: &TeamMove) -> WriteResult {
        let TeamMove {
            id,
            organization_id,
            ..
        } = team;
        if self.is_not_made(organization_id) {
            return Ok(WriteOutcome::Unchanged);
        }
        let tenant = self.user.tenant_id();
        let mut how = Move {
            version: team.version,
            name: &team.naming.name,
            limits: team.limits.as_ref(),
        };
        match self
            .store
            .move_team(self.origin, tenant, id, organization_id, how)
            .await?
        {
            WriteOutcome::NameTaken => {
                how.name = &team.naming.if_taken;
                let written = self
                    .store
                    .move_team(self.origin, tenant, id, organization_id, how)
                    .await?;
                if team.is_refreshed && written == WriteOutcome::Done {
                    let place = Place::Team(id.clone());
                    self.suffixed(&place, team.version + 1, &team.naming, true);
                }
                Ok(written)
            }
            written => Ok(written),
        }
    }

    fn is_not_moved(&self, team: &TeamId) -> bool {
        self.progress
            .with(|state| state.teams_not_moved.contains(team))
    }
}
