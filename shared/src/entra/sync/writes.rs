//! Carrying a plan out, change by change.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};

use super::report::{Counts, Progress};
use crate::domain::{
    Clock, Membership, Name, Organization, OrganizationId, Role, Source, Status, Team, TeamId,
    TeamMembership, TeamRole,
};
use crate::entra::plan::{Change, Found, Naming, NewOrganization, NewTeam, Place, Plan};
use crate::entra::rules::SyncRules;
use crate::store::{self, Holdings, Profile, Store, Written};

/// Writes under way at once.
const AT_ONCE: usize = 32;

/// What came of a write.
type Outcome = Result<Written, store::Error>;

/// A write that failed, and of what, so that whoever reads the log can put it right.
#[derive(Debug, thiserror::Error)]
#[error("{place}")]
struct Failed {
    place: Place,
    source: store::Error,
}

/// The writes of one sync.
pub(super) struct Writes<'a> {
    store: &'a Store,
    profile: &'a Profile,
    holdings: &'a Holdings,
    plan: &'a Plan,
    progress: &'a Progress,
    /// The organizations of teams that were found, or are going to be made.
    organizations_of: BTreeMap<&'a TeamId, Option<&'a OrganizationId>>,
    /// Teams that the user leaves by a change of its own.
    leaving: BTreeSet<TeamId>,
}

impl<'a> Writes<'a> {
    pub(super) fn new(
        (store, profile, holdings): (&'a Store, &'a Profile, &'a Holdings),
        found: &'a Found,
        plan: &'a Plan,
        progress: &'a Progress,
    ) -> Self {
        let teams = found.teams.iter();
        let mut organizations_of: BTreeMap<_, _> = teams
            .map(|(id, team)| (id, team.organization_id.as_ref()))
            .collect();
        let mut leaving = BTreeSet::new();
        for change in plan.changes() {
            match change {
                Change::MakeTeam(new) => {
                    organizations_of.insert(&new.id, new.organization_id.as_ref());
                }
                Change::Leave {
                    at: Place::Team(id),
                    ..
                } => {
                    leaving.insert(id.clone());
                }
                _ => {}
            }
        }
        Self {
            store,
            profile,
            holdings,
            plan,
            progress,
            organizations_of,
            leaving,
        }
    }

    /// All of the plan, step by step. What fails is counted, and the rest goes on.
    pub(super) async fn carry_out(&self, rules: &SyncRules, clock: &Clock) {
        for (_, changes) in self.plan.steps() {
            stream::iter(changes)
                .for_each_concurrent(AT_ONCE, |change| self.write(change, rules, clock))
                .await;
        }
    }

    async fn write(&self, change: &Change, rules: &SyncRules, clock: &Clock) {
        let (outcome, count): (_, fn(&mut Counts) -> &mut usize) = match change {
            Change::MakeOrganization(new) => {
                let outcome = self.make_organization(new, clock).await;
                if !matches!(outcome, Ok(Written::Done | Written::AsItWas)) {
                    self.progress
                        .with(|state| state.not_made.insert(new.id.clone()));
                }
                (outcome, |counts| &mut counts.organizations_made)
            }
            Change::MakeTeam(new) => {
                let outcome = self.make_team(new, rules, clock).await;
                if !matches!(outcome, Ok(Written::Done | Written::AsItWas)) {
                    self.progress
                        .with(|state| state.teams_not_made.insert(new.id.clone()));
                }
                (outcome, |counts| &mut counts.teams_made)
            }
            Change::JoinOrganization {
                organization_id,
                role,
            } => (
                self.join_organization(organization_id, *role, clock).await,
                |counts| &mut counts.memberships_made,
            ),
            Change::JoinTeam { team_id } => (self.join_team(team_id, clock).await, |counts| {
                &mut counts.memberships_made
            }),
            Change::AcceptInvitation { at, .. } => {
                (self.set_status(at, Status::Active).await, |counts| {
                    &mut counts.memberships_made
                })
            }
            Change::Leave { at, .. } => (self.leave(at).await, |counts| {
                &mut counts.memberships_removed
            }),
            Change::Suspend { at, .. } => {
                (self.set_status(at, Status::Suspended).await, |counts| {
                    &mut counts.memberships_removed
                })
            }
            Change::Rename {
                what,
                version,
                naming,
                ..
            } => (self.rename(what, *version, naming).await, |counts| {
                &mut counts.renamed
            }),
        };
        let outcome = outcome.and_then(|written| match written {
            Written::NameTaken => Err(store::Error::NameTaken),
            written => Ok(written),
        });
        let outcome = outcome.map_err(|source| Failed {
            place: change.place(),
            source,
        });
        match self.progress.written(outcome) {
            Some(Written::Done) => self.progress.with(|state| *count(&mut state.counts) += 1),
            Some(_) if matches!(change, Change::Rename { .. }) => {
                self.progress.with(|state| state.overtaken = true);
            }
            Some(_) => {}
            None => {
                let makes = matches!(
                    change,
                    Change::MakeOrganization(_) | Change::MakeTeam(_) | Change::Rename { .. }
                );
                self.progress.with(|state| state.not_all_made |= makes);
            }
        }
    }

    fn is_not_made(&self, organization: &OrganizationId) -> bool {
        self.progress
            .with(|state| state.not_made.contains(organization))
    }

    async fn make_organization(&self, new: &NewOrganization, clock: &Clock) -> Outcome {
        let now = clock.now();
        let Profile {
            tenant_id, user_id, ..
        } = self.profile;
        let named = |name: &Name| {
            let (id, tenant) = (new.id.clone(), tenant_id.clone());
            Organization {
                limits: new.limits.clone(),
                source: Source::Entra,
                created_by: None,
                ..Organization::new(id, tenant, name.clone(), user_id.clone(), now)
            }
        };
        let first = named(&new.naming.name);
        match self.store.make_organization(&first).await? {
            Written::NameTaken => {
                let second = named(&new.naming.if_taken);
                self.store.make_organization(&second).await
            }
            written => Ok(written),
        }
    }

    async fn make_team(&self, new: &NewTeam, rules: &SyncRules, clock: &Clock) -> Outcome {
        let standalone;
        let new = if new
            .organization_id
            .as_ref()
            .is_some_and(|id| self.is_not_made(id))
        {
            standalone = new.standalone(rules);
            &standalone
        } else {
            new
        };
        let now = clock.now();
        let Profile {
            tenant_id, user_id, ..
        } = self.profile;
        let named = |name: &Name| {
            let place = (tenant_id.clone(), new.organization_id.clone());
            Team {
                limits: new.limits.clone(),
                source: Source::Entra,
                created_by: None,
                ..Team::new(new.id.clone(), place, name.clone(), user_id.clone(), now)
            }
        };
        match self.store.make_team(&named(&new.naming.name)).await? {
            Written::NameTaken => self.store.make_team(&named(&new.naming.if_taken)).await,
            written => Ok(written),
        }
    }

    async fn join_organization(
        &self,
        organization: &OrganizationId,
        role: Role,
        clock: &Clock,
    ) -> Outcome {
        if self.is_not_made(organization) {
            return Ok(Written::AsItWas);
        }
        let Profile {
            tenant_id, user_id, ..
        } = self.profile.clone();
        let what = (role, Status::Active);
        let id = organization.clone();
        let membership = Membership {
            source: Source::Entra,
            ..Membership::new(tenant_id, id, user_id, what, clock.now())
        };
        self.store.join_organization(&membership).await
    }

    async fn join_team(&self, team: &TeamId, clock: &Clock) -> Outcome {
        // Who is in a team already does not make it at their next login.
        if self
            .progress
            .with(|state| state.teams_not_made.contains(team))
        {
            return Ok(Written::AsItWas);
        }
        let Profile {
            tenant_id, user_id, ..
        } = self.profile.clone();
        let now = clock.now();
        let organization = self.organizations_of.get(team).copied().flatten();
        let membership = TeamMembership {
            tenant_id,
            team_id: team.clone(),
            organization_id: organization.filter(|id| !self.is_not_made(id)).cloned(),
            user_id,
            role: TeamRole::Member,
            status: Status::Active,
            source: Source::Entra,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        self.store.join_team(&membership, self.holdings).await
    }

    async fn set_status(&self, at: &Place, status: Status) -> Outcome {
        match at {
            Place::Organization(id) => match self.holdings.organizations.get(id) {
                Some(before) => self.store.change_synced_membership(before, status).await,
                None => Ok(Written::AsItWas),
            },
            Place::Team(id) => match self.holdings.teams.get(id) {
                Some(before) => {
                    self.store
                        .change_synced_team_membership(before, status)
                        .await
                }
                None => Ok(Written::AsItWas),
            },
        }
    }

    async fn leave(&self, at: &Place) -> Outcome {
        match at {
            Place::Organization(id) => match self.holdings.organizations.get(id) {
                Some(before) => {
                    self.store
                        .leave_organization(before, self.holdings, &self.leaving)
                        .await
                }
                None => Ok(Written::AsItWas),
            },
            Place::Team(id) => match self.holdings.teams.get(id) {
                Some(before) => self.store.leave_team(before).await,
                None => Ok(Written::AsItWas),
            },
        }
    }

    async fn rename(&self, what: &Place, version: u64, naming: &Naming) -> Outcome {
        let tenant = &self.profile.tenant_id;
        let mut written = Written::NameTaken;
        for name in [&naming.name, &naming.if_taken] {
            if written == Written::NameTaken {
                written = match what {
                    Place::Organization(id) => {
                        self.store
                            .rename_organization(tenant, id, version, name)
                            .await?
                    }
                    Place::Team(id) => self.store.rename_team(tenant, id, version, name).await?,
                };
            }
        }
        Ok(written)
    }
}
