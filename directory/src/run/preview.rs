//! The preview of a run, which changes nothing.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::scope::{self, Accounts};
use super::user::{Account, AccountState, ConcernedUser, given};
use super::work::AT_ONCE;
use super::{RunError, Runs};
use crate::apply::{PART, held, planned};
use crate::entra::directory::EntraReader;
use crate::entra::error::ReadError;
use crate::plan::{Naming, Place, Plan, PlannedChange, Provisioned};
use crate::snapshot::DirectorySnapshot;
use crate::sync::confirm::not_emptied;
use muster::domain::{
    Directory, GroupId, OrganizationId, PreviewedGroup, PreviewedMembership, PreviewedUser,
    SyncPreview,
};
use muster::store::{CurrentMemberships, Store};

/// Users who are named.
const MAX_NAMED: usize = 1_000;

/// The changes that a run would make for one user.
#[derive(Default)]
struct Previewed {
    user: Option<PreviewedUser>,
    given: u64,
    lost: u64,
    made: PreviewedCreations,
    /// Their groups, as read.
    reading: Option<DirectorySnapshot>,
}

/// The organizations and teams that are made, by group.
#[derive(Default)]
struct PreviewedCreations {
    organizations: BTreeMap<GroupId, PreviewedGroup>,
    teams: BTreeMap<GroupId, PreviewedGroup>,
}

impl Runs {
    /// Returns what a complete run would change now. Reads as it does, and changes nothing. Stops at the deadline.
    pub async fn preview(
        &self,
        store: &Store,
        directory: &Directory,
        deadline: Instant,
    ) -> Result<SyncPreview, RunError> {
        let Some(entra) = &directory.entra else {
            // Each request of SCIM is followed at once.
            return Ok(SyncPreview {
                is_complete: true,
                ..SyncPreview::default()
            });
        };
        let reader = self.directories.directory(entra, &directory.settings)?;
        let reader = &reader;
        let state = store.run_state(&directory.tenant_id, &directory.id).await?;
        scope::assigned_groups(reader, &state, deadline).await?;
        let accounts = Accounts {
            reader,
            directory,
            were_seen: state.sees_accounts,
            deadline,
        };
        let mut is_first = true;
        let mut is_cut_off = false;
        let mut reading = None;
        let mut preview = SyncPreview::default();
        let mut organizations = BTreeMap::new();
        let mut teams = BTreeMap::new();
        let mut place: Option<String> = None;
        loop {
            let (users, next) = match accounts.page(store, place.as_deref()).await {
                // What was read until then is shown.
                Err(RunError::Read(ReadError::OutOfTime)) if !is_first => break,
                page => page?,
            };
            is_first = false;
            let mut results = stream::iter(users)
                .map(|concerned| async move {
                    preview_of(store, directory, reader, &concerned, deadline).await
                })
                .buffered(AT_ONCE);
            while let Some(result) = results.next().await {
                let previewed = match result {
                    Ok(previewed) => previewed,
                    Err(RunError::Read(error)) if error.is_of_all_users() => {
                        return Err(error.into());
                    }
                    Err(error) => {
                        is_cut_off |= error.is_out_of_time();
                        preview.failed += 1;
                        continue;
                    }
                };
                preview.users_read += 1;
                preview.memberships_given += previewed.given;
                preview.memberships_lost += previewed.lost;
                organizations.extend(previewed.made.organizations);
                teams.extend(previewed.made.teams);
                reading = reading.or(previewed.reading);
                let Some(user) = previewed.user else {
                    continue;
                };
                preview.memberships_gained += user.gains.len() as u64;
                if preview.users.len() < MAX_NAMED {
                    preview.users.push(user);
                }
            }
            place = next;
            preview.is_complete = place.is_none() && !is_cut_off;
            if place.is_none() || Instant::now() >= deadline {
                break;
            }
        }
        if preview.is_complete && preview.failed > 0 && preview.users_read == 0 {
            return Err(RunError::Unread(preview.failed));
        }
        // A run makes what is missing for the groups that no known user is in with the first user whom it follows.
        for part in reading.iter().flat_map(|reading| reading.others(PART)) {
            if Instant::now() >= deadline {
                preview.is_complete = false;
                break;
            }
            let (tenant, rules) = (&directory.tenant_id, &directory.settings);
            let none = CurrentMemberships::default();
            let made = Provisioned::Unknown;
            let (_, plan) = planned(store, tenant, &part, &none, made, rules).await?;
            let made = made_by(&plan);
            organizations.extend(made.organizations);
            teams.extend(made.teams);
        }
        preview.organizations = organizations.into_values().collect();
        preview.teams = teams.into_values().collect();
        preview
            .users
            .sort_by(|one, other| one.user_id.cmp(&other.user_id));
        let limit = directory.settings.removal_limit;
        let stays_blocked = directory.blocked_run_id.is_some()
            && preview.failed > 0
            && preview.memberships_lost > 0;
        preview.is_blocked =
            stays_blocked || !limit.allows(preview.memberships_lost, preview.memberships_given);
        Ok(preview)
    }
}

/// Returns what would change for a user, as `Follower` does it.
async fn preview_of(
    store: &Store,
    directory: &Directory,
    reader: &EntraReader,
    concerned: &ConcernedUser,
    deadline: Instant,
) -> Result<Previewed, RunError> {
    let tenant = &directory.tenant_id;
    let user = &concerned.user;
    let current = store.current_memberships(tenant, user).await?;
    let Some(known) = current.known.as_ref().filter(|it| !it.is_being_erased()) else {
        return Ok(Previewed::default());
    };
    let given = given(&current);
    let mut previewed = PreviewedUser::unchanged(user.clone());
    let reading = match concerned
        .said(reader, &directory.settings, known, deadline)
        .await?
    {
        AccountState::Groups(reading) => reading,
        AccountState::Ended if !known.is_disabled() => {
            previewed.disabled = Some(true);
            return Ok(Previewed {
                user: Some(previewed),
                given,
                lost: given.max(1),
                ..Previewed::default()
            });
        }
        AccountState::Ended | AccountState::Nothing => {
            return Ok(Previewed {
                given,
                ..Previewed::default()
            });
        }
    };
    if concerned.account == Account::Enabled
        && known.is_disabled()
        && known.is_disabled_by_directory
    {
        previewed.disabled = Some(false);
    }
    let rules = &directory.settings;
    let reading = not_emptied(reading, &held(&current), rules)?;
    let own = reading.own();
    let made = Provisioned::Unknown;
    let (_, plan) = planned(store, tenant, &own, &current, made, rules).await?;
    let mut result = Previewed {
        given,
        ..Previewed::default()
    };
    result.add(&plan, &current, &mut previewed);
    result.lost = previewed.loses.len() as u64;
    result.user = (!previewed.is_unchanged()).then_some(previewed);
    result.reading = Some(reading);
    Ok(result)
}

/// Returns what a plan makes.
fn made_by(plan: &Plan) -> PreviewedCreations {
    let one = |group_id: GroupId, naming: &Naming| {
        let name = naming.name.clone();
        (group_id.clone(), PreviewedGroup { group_id, name })
    };
    let mut made = PreviewedCreations::default();
    for change in plan.changes() {
        match change {
            PlannedChange::MakeOrganization(new) => {
                let new = one(GroupId::from(&new.id), &new.naming);
                made.organizations.extend([new]);
            }
            PlannedChange::MakeTeam(new) => made
                .teams
                .extend([one(GroupId::from(&new.id), &new.naming)]),
            _ => {}
        }
    }
    made
}

impl Previewed {
    fn add(&mut self, plan: &Plan, current: &CurrentMemberships, user: &mut PreviewedUser) {
        self.made = made_by(plan);
        user.tenant_admin = plan.tenant_admin;
        let mapped = |id: &OrganizationId| {
            let marks = current.marks.get(id);
            marks.and_then(|it| it.mapped_from.clone())
        };
        for change in plan.changes() {
            match change {
                PlannedChange::JoinOrganization {
                    organization_id,
                    role,
                    mapped_from,
                } => user.gains.push(PreviewedMembership {
                    role: Some(*role),
                    ..membership(
                        &Place::Organization(organization_id.clone()),
                        mapped_from.clone(),
                    )
                }),
                PlannedChange::JoinTeam { team_id } => {
                    user.gains
                        .push(membership(&Place::Team(team_id.clone()), None));
                }
                PlannedChange::AcceptInvitation {
                    at,
                    role,
                    mapped_from,
                    ..
                } => user.gains.push(PreviewedMembership {
                    role: *role,
                    ..membership(at, mapped_from.clone())
                }),
                PlannedChange::Lift { at, role, .. } => user.gains.push(PreviewedMembership {
                    role: *role,
                    ..place_of(at, mapped)
                }),
                PlannedChange::ChangeRole {
                    organization_id,
                    role,
                    ..
                } => user.changes.push(PreviewedMembership {
                    role: Some(*role),
                    ..place_of(&Place::Organization(organization_id.clone()), mapped)
                }),
                PlannedChange::Leave { at, .. } | PlannedChange::Suspend { at, .. } => {
                    user.loses.push(place_of(at, mapped));
                }
                PlannedChange::MakeOrganization(_)
                | PlannedChange::MakeTeam(_)
                | PlannedChange::MoveTeam(_)
                | PlannedChange::MoveTeamMembership { .. }
                | PlannedChange::Rename { .. } => {}
            }
        }
    }
}

/// Returns a membership that exists, with the group that gave it.
fn place_of(
    at: &Place,
    mapped: impl Fn(&OrganizationId) -> Option<GroupId>,
) -> PreviewedMembership {
    let from = match at {
        Place::Organization(id) => mapped(id),
        Place::Team(_) => None,
    };
    membership(at, from)
}

fn membership(at: &Place, mapped_from: Option<GroupId>) -> PreviewedMembership {
    let (organization_id, team_id, own) = match at {
        Place::Organization(id) => (Some(id.clone()), None, GroupId::from(id)),
        Place::Team(id) => (None, Some(id.clone()), GroupId::from(id)),
    };
    PreviewedMembership {
        organization_id,
        team_id,
        role: None,
        group_id: mapped_from.unwrap_or(own),
    }
}
