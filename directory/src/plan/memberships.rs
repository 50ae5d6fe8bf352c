//! Plans the changes of the user's memberships: those that groups give, and those that no group gives any more.

use std::collections::BTreeSet;

use super::{Change, Held, HeldOrganization, Naming, Place, Planner};
use crate::rules::{OnLeave, SyncRules};
use crate::snapshot::{AssignedGroup, DirectorySnapshot};
use muster::domain::{GroupId, OrganizationId, Role, Source, Status, TeamId};

impl Planner<'_> {
    /// Plans the memberships that a group gives the user.
    pub(super) fn join(&mut self, id: &GroupId, group: Option<&AssignedGroup>) {
        let organization_id = id.organization_id();
        let in_organization = self.held.organizations.get(&organization_id);
        if self.rules.also_create_organizations && self.will_be_live(&organization_id) {
            match in_organization {
                None => self.changes.push(Change::JoinOrganization {
                    role: given_role(id, group, self.rules),
                    organization_id: organization_id.clone(),
                }),
                Some(membership) if membership.status == Status::Invited => {
                    self.changes.push(Change::AcceptInvitation {
                        at: Place::Organization(organization_id.clone()),
                        version: membership.version,
                        role: Some(given_role(id, group, self.rules)),
                    });
                }
                Some(_) => {}
            }
        }
        if let Some(membership) = in_organization
            && self.rules.also_create_organizations
        {
            self.follow(id, group, membership);
        }
        let team_id = id.team_id();
        if let Some(group) = group
            && self.lacks_team(&organization_id, &team_id)
        {
            self.make_team(id, Naming::new(&group.name, id));
        }
        self.move_team(id, group.map(|group| &group.name));
        self.follow_team(&organization_id, &team_id);
        if !self.can_join_team(id, &team_id) {
            return;
        }
        match self.held.teams.get(&team_id) {
            None => self.changes.push(Change::JoinTeam { team_id }),
            Some(membership) if membership.status == Status::Invited => {
                self.changes.push(Change::AcceptInvitation {
                    at: Place::Team(team_id),
                    version: membership.version,
                    role: None,
                });
            }
            Some(_) => {}
        }
    }

    /// Ends a suspension by the sync, and changes a role that the sync gave. This includes memberships in a
    /// deleted organization, which are then correct when it is restored.
    fn follow(
        &mut self,
        id: &GroupId,
        group: Option<&AssignedGroup>,
        membership: &HeldOrganization,
    ) {
        let role = membership.followed_role(given_role(id, group, self.rules));
        let (organization_id, version) = (id.organization_id(), membership.version);
        if membership.is_suspended_by_sync() {
            self.changes.push(Change::Lift {
                at: Place::Organization(organization_id),
                version,
                role,
            });
        } else if let Some(role) = role {
            self.changes.push(Change::ChangeRole {
                organization_id,
                version,
                role,
            });
        }
    }

    /// Does the same for the membership in the group's team, which also follows its team into the organization.
    fn follow_team(&mut self, organization_id: &OrganizationId, team_id: &TeamId) {
        let Some(membership) = self.held.teams.get(team_id) else {
            return;
        };
        if membership.is_suspended_by_sync() {
            self.changes.push(Change::Lift {
                at: Place::Team(team_id.clone()),
                version: membership.version,
                role: None,
            });
        }
        if membership.marks.awaits_organization
            && self.organization_of(team_id).flatten() == Some(organization_id)
        {
            self.changes.push(Change::MoveTeamMembership {
                team_id: team_id.clone(),
                organization_id: organization_id.clone(),
            });
        }
    }

    /// Returns whether the team can be joined. The team must exist. Its organization must not be deleted, and the
    /// user must not be suspended in it.
    fn can_join_team(&self, group: &GroupId, team: &TeamId) -> bool {
        let found = self.found.teams.get(team);
        if found.is_some_and(|team| !team.is_live) {
            return false;
        }
        let Some(organization) = self.organization_of(team) else {
            return false;
        };
        organization.is_none_or(|organization| {
            let membership = self.held.organizations.get(organization);
            let is_lifted = |it: &HeldOrganization| {
                self.rules.also_create_organizations
                    && *organization == group.organization_id()
                    && it.is_suspended_by_sync()
            };
            let is_suspended =
                membership.is_some_and(|it| it.status == Status::Suspended && !is_lifted(it));
            // An organization other than the group's own was chosen by hand and is not looked up.
            let is_gone =
                *organization == group.organization_id() && !self.will_be_live(organization);
            !is_suspended && !is_gone
        })
    }

    /// Plans to end the memberships that no group gives any more.
    pub(super) fn leave(&mut self) {
        self.changes
            .extend(leaving(self.reading, self.held, self.rules));
    }
}

/// Returns whether the plan takes access from the user: ends or suspends a membership, or lowers its role.
pub(crate) fn takes_away(reading: &DirectorySnapshot, held: &Held, rules: &SyncRules) -> bool {
    let mut groups = reading.held();
    let lowers = rules.also_create_organizations
        && groups.any(|(id, group)| {
            let membership = held.organizations.get(&id.organization_id());
            membership.is_some_and(|it| {
                let role = it.followed_role(given_role(id, group, rules));
                role.is_some_and(|role| !role.reaches(it.role))
            })
        });
    lowers || !leaving(reading, held, rules).is_empty()
}

/// Returns the role that a group gives.
pub(super) fn given_role(id: &GroupId, group: Option<&AssignedGroup>, rules: &SyncRules) -> Role {
    let no_app_roles = BTreeSet::new();
    let app_roles = group.map_or(&no_app_roles, |group| &group.app_roles);
    rules.role(id, app_roles)
}

/// Returns the changes for memberships that the sync created and whose groups no longer give them.
fn leaving(reading: &DirectorySnapshot, held: &Held, rules: &SyncRules) -> Vec<Change> {
    let holds: (BTreeSet<OrganizationId>, BTreeSet<TeamId>) = reading
        .held()
        .map(|(id, _)| (id.organization_id(), id.team_id()))
        .unzip();
    let organizations = held.organizations.iter().filter(|(id, it)| {
        rules.also_create_organizations && it.source == Source::Entra && !holds.0.contains(id)
    });
    let of_organizations = organizations.map(|(id, it)| {
        let is_owner = it.role == Role::Owner && it.status == Status::Active;
        let place = Place::Organization(id.clone());
        (place, it.status, it.version, is_owner)
    });
    let teams = held.teams.iter();
    let of_teams = teams
        .filter(|(id, it)| it.source == Source::Entra && !holds.1.contains(id))
        .map(|(id, it)| (Place::Team(id.clone()), it.status, it.version, false));
    let all = of_organizations.chain(of_teams);
    all.filter_map(|(at, status, version, is_owner)| match rules.on_leave {
        OnLeave::Keep => None,
        OnLeave::Suspend if status == Status::Suspended => None,
        OnLeave::Suspend => Some(Change::Suspend {
            at,
            version,
            is_owner,
        }),
        OnLeave::Remove => Some(Change::Leave {
            at,
            version,
            is_owner,
        }),
    })
    .collect()
}
