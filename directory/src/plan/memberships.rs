//! Plans the changes of the user's memberships: those that groups give, and those that no group gives any more.

use std::collections::BTreeSet;

use super::{HeldMemberships, HeldOrganization, Naming, Place, PlannedChange, Planner};
use crate::snapshot::{AssignedGroup, DirectorySnapshot, MappedMembership};
use muster::domain::{DirectorySettings, GroupId, OnLeave, OrganizationId, Role, Status, TeamId};

impl Planner<'_> {
    /// Plans the memberships that a group gives the user.
    pub(super) fn join(&mut self, id: &GroupId, group: Option<&AssignedGroup>) {
        let organization_id = id.organization_id();
        if self.rules.create_organizations {
            let role = given_role(self.reading, id, group, self.rules);
            self.join_organization(&organization_id, role, None);
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
            None => self.changes.push(PlannedChange::JoinTeam { team_id }),
            Some(membership) if membership.status == Status::Invited => {
                self.changes.push(PlannedChange::AcceptInvitation {
                    at: Place::Team(team_id),
                    version: membership.version,
                    role: None,
                    mapped_from: None,
                });
            }
            Some(_) => {}
        }
    }

    /// Plans the membership that a group gives through `group_map`, unless a group of the organization itself gives
    /// one too, with the higher role of both.
    pub(super) fn join_mapped(&mut self, id: &OrganizationId, given: &MappedMembership) {
        if self.rules.create_organizations && self.reading.holds(&GroupId::from(id)) {
            return;
        }
        self.join_organization(id, given.role, Some(&given.group));
    }

    /// Plans a membership in an organization that is live, and lets one that exists follow the directory.
    fn join_organization(
        &mut self,
        organization_id: &OrganizationId,
        role: Role,
        mapped_from: Option<&GroupId>,
    ) {
        let held = self.held.organizations.get(organization_id);
        if self.will_be_live(organization_id) {
            match held {
                None => self.changes.push(PlannedChange::JoinOrganization {
                    role,
                    organization_id: organization_id.clone(),
                    mapped_from: mapped_from.cloned(),
                }),
                Some(membership) if membership.status == Status::Invited => {
                    self.changes.push(PlannedChange::AcceptInvitation {
                        at: Place::Organization(organization_id.clone()),
                        version: membership.version,
                        role: Some(role),
                        mapped_from: mapped_from.cloned(),
                    });
                }
                Some(_) => {}
            }
        }
        if let Some(membership) = held {
            self.follow(organization_id, role, membership);
        }
    }

    /// Ends a suspension by the sync, and changes a role that the sync gave. This includes memberships in a
    /// deleted organization, which are then correct when it is restored.
    fn follow(
        &mut self,
        organization_id: &OrganizationId,
        given: Role,
        membership: &HeldOrganization,
    ) {
        let role = membership.followed_role(given, self.reading.source());
        let version = membership.version;
        if membership.is_suspended_by(self.reading.source()) {
            self.changes.push(PlannedChange::Lift {
                at: Place::Organization(organization_id.clone()),
                version,
                role,
            });
        } else if let Some(role) = role {
            self.changes.push(PlannedChange::ChangeRole {
                organization_id: organization_id.clone(),
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
        if membership.is_suspended_by(self.reading.source()) {
            self.changes.push(PlannedChange::Lift {
                at: Place::Team(team_id.clone()),
                version: membership.version,
                role: None,
            });
        }
        if membership.marks.awaits_organization
            && self.organization_of(team_id).flatten() == Some(organization_id)
        {
            self.changes.push(PlannedChange::MoveTeamMembership {
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
                self.rules.create_organizations
                    && *organization == group.organization_id()
                    && it.is_suspended_by(self.reading.source())
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

/// Returns whether the plan takes access from the user: ends or suspends a membership, lowers its role, or ends that
/// they are a tenant admin.
pub(crate) fn takes_away(
    reading: &DirectorySnapshot,
    held: &HeldMemberships,
    rules: &DirectorySettings,
) -> bool {
    let lowers = |organization: &OrganizationId, given: Role| {
        let membership = held.organizations.get(organization);
        membership.is_some_and(|it| {
            let role = it.followed_role(given, reading.source());
            role.is_some_and(|role| !role.reaches(it.role))
        })
    };
    let mut groups = reading.held();
    let mut mapped = reading.mapped();
    (held.is_tenant_admin && !reading.is_tenant_admin())
        || (rules.create_organizations
            && groups.any(|(id, group)| {
                lowers(&id.organization_id(), given_role(reading, id, group, rules))
            }))
        || mapped.any(|(id, given)| {
            let is_own = rules.create_organizations && reading.holds(&GroupId::from(id));
            !is_own && lowers(id, given.role)
        })
        || !leaving(reading, held, rules).is_empty()
}

/// Returns how many memberships end because no group gives them any more.
pub(crate) fn ending(
    reading: &DirectorySnapshot,
    held: &HeldMemberships,
    rules: &DirectorySettings,
) -> usize {
    leaving(reading, held, rules).len()
}

/// Returns the role that a group gives in its own organization: the higher one, if `group_map` gives one there too.
pub(super) fn given_role(
    reading: &DirectorySnapshot,
    id: &GroupId,
    group: Option<&AssignedGroup>,
    rules: &DirectorySettings,
) -> Role {
    let no_app_roles = BTreeSet::new();
    let app_roles = group.map_or(&no_app_roles, |group| &group.app_roles);
    let own = rules.role(id, app_roles);
    match reading.mapped_role(&id.organization_id()) {
        Some(mapped) if mapped.rank() > own.rank() => mapped,
        _ => own,
    }
}

/// Returns the changes for memberships that the sync created and whose groups no longer give them. Unless groups
/// become organizations, only those that `group_map` gave.
fn leaving(
    reading: &DirectorySnapshot,
    held: &HeldMemberships,
    rules: &DirectorySettings,
) -> Vec<PlannedChange> {
    let (mut in_organizations, in_teams): (BTreeSet<OrganizationId>, BTreeSet<TeamId>) = reading
        .held()
        .map(|(id, _)| (id.organization_id(), id.team_id()))
        .unzip();
    if !rules.create_organizations {
        in_organizations.clear();
    }
    in_organizations.extend(reading.mapped().map(|(id, _)| id.clone()));
    let organizations = held.organizations.iter().filter(|(id, it)| {
        (rules.create_organizations || it.marks.mapped_from.is_some())
            && it.source == reading.source()
            && !in_organizations.contains(*id)
    });
    let of_organizations = organizations.map(|(id, it)| {
        let is_owner = it.role == Role::Owner && it.status == Status::Active;
        let place = Place::Organization(id.clone());
        (place, it.status, it.version, is_owner)
    });
    let teams = held.teams.iter();
    let of_teams = teams
        .filter(|(id, it)| it.source == reading.source() && !in_teams.contains(*id))
        .map(|(id, it)| (Place::Team(id.clone()), it.status, it.version, false));
    let all = of_organizations.chain(of_teams);
    all.filter_map(|(at, status, version, is_owner)| match rules.on_leave {
        OnLeave::Keep => None,
        OnLeave::Suspend if status == Status::Suspended => None,
        OnLeave::Suspend => Some(PlannedChange::Suspend {
            at,
            version,
            is_owner,
        }),
        OnLeave::Remove => Some(PlannedChange::Leave {
            at,
            version,
            is_owner,
        }),
    })
    .collect()
}
