//! Computes the difference between the directory and the table as a list of changes. Pure: the same input
//! gives the same plan. After a plan was carried out, the next plan is empty.

mod change;
mod memberships;
mod state;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use change::{Naming, NewOrganization, NewTeam, Place, Plan, PlannedChange, Step, TeamMove};
pub(super) use memberships::{ending, takes_away};
pub use state::{FoundItems, HeldMemberships, HeldOrganization, HeldTeam, Provisioned};

use crate::snapshot::DirectorySnapshot;
use muster::domain::DirectorySettings;
use muster::domain::{GroupId, Name, OrganizationId, Status, TeamId};

/// The items to look up in the table before a plan can be made. Empty if the directory has nothing new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// Organizations, including deleted ones.
    pub organizations: BTreeSet<OrganizationId>,
    /// Teams.
    pub teams: BTreeSet<TeamId>,
}

impl Lookups {
    /// Returns whether there is nothing to look up.
    pub fn is_empty(&self) -> bool {
        self.organizations.is_empty() && self.teams.is_empty()
    }
}

/// Returns the items to look up: those that may have to be created, and those that the user may join.
pub fn lookups(
    reading: &DirectorySnapshot,
    held: &HeldMemberships,
    made: Provisioned,
    rules: &DirectorySettings,
) -> Lookups {
    let mut lookups = Lookups::default();
    if made == Provisioned::Unknown {
        for (id, _) in reading.assigned() {
            lookups.teams.insert(id.team_id());
            if rules.create_organizations {
                lookups.organizations.insert(id.organization_id());
            }
        }
    }
    for (id, _) in reading.held() {
        let (organization, team) = (id.organization_id(), id.team_id());
        let joins = |status: Option<Status>| status.is_none_or(|it| it == Status::Invited);
        let held_team = held.teams.get(&team);
        let moves_team =
            rules.create_organizations && held_team.is_some_and(|it| it.marks.awaits_organization);
        let joins_team = joins(held_team.map(|it| it.status)) || moves_team;
        let joins_organization = rules.create_organizations
            && joins(held.organizations.get(&organization).map(|it| it.status));
        if joins_team || joins_organization {
            // Whether the team can be joined also depends on its organization.
            lookups.organizations.insert(organization);
        }
        if joins_team {
            lookups.teams.insert(team);
        }
    }
    for (id, _) in reading.mapped() {
        let status = held.organizations.get(id).map(|it| it.status);
        if status.is_none_or(|it| it == Status::Invited) {
            lookups.organizations.insert(id.clone());
        }
    }
    lookups
}

/// Returns the plan. `found` is the result of the [`lookups`] for the same input.
pub fn plan(
    reading: &DirectorySnapshot,
    held: &HeldMemberships,
    made: Provisioned,
    found: &FoundItems,
    rules: &DirectorySettings,
) -> Plan {
    let mut planner = Planner {
        reading,
        held,
        found,
        rules,
        changes: Vec::new(),
        organizations: BTreeSet::new(),
        teams: BTreeMap::new(),
    };
    if made == Provisioned::Unknown {
        planner.make();
    }
    for (id, group) in reading.held() {
        planner.join(id, group);
    }
    for (id, given) in reading.mapped() {
        planner.join_mapped(id, given);
    }
    planner.leave();
    let mut changes = planner.changes;
    // The sort is stable: within a step the changes stay ordered by id, regardless of the order of the input.
    changes.sort_by_key(PlannedChange::step);
    let memberships = held.organizations.len() + held.teams.len();
    let touched = changes.iter().filter(|change| {
        matches!(
            change,
            PlannedChange::AcceptInvitation { .. }
                | PlannedChange::Lift { .. }
                | PlannedChange::ChangeRole { .. }
                | PlannedChange::Leave { .. }
                | PlannedChange::Suspend { .. }
        )
    });
    Plan {
        kept: memberships.saturating_sub(touched.count()),
        changes,
        tenant_admin: (reading.is_tenant_admin() != held.is_tenant_admin)
            .then(|| reading.is_tenant_admin()),
    }
}

struct Planner<'a> {
    reading: &'a DirectorySnapshot,
    held: &'a HeldMemberships,
    found: &'a FoundItems,
    rules: &'a DirectorySettings,
    changes: Vec<PlannedChange>,
    /// Organizations that the plan creates.
    organizations: BTreeSet<OrganizationId>,
    /// Teams that the plan creates or moves, with their organizations.
    teams: BTreeMap<TeamId, Option<OrganizationId>>,
}

impl Planner<'_> {
    /// Plans to create what is missing for the assigned groups, and to rename what has a new name.
    fn make(&mut self) {
        let mut organization_names = BTreeSet::new();
        let mut team_names = BTreeSet::new();
        let mut names_of_groups = BTreeSet::new();
        for (id, group) in self.reading.assigned() {
            let naming = Naming::new(&group.name, id);
            // If two new ones have the same name, the first by id gets it, regardless of which write is faster.
            let once = |taken: &mut BTreeSet<_>| {
                if taken.insert(group.name.folded()) {
                    naming.clone()
                } else {
                    naming.clone().second()
                }
            };
            let is_first_of_name = names_of_groups.insert(group.name.folded());
            if self.rules.create_organizations {
                match self.found.organizations.get(&id.organization_id()) {
                    None => {
                        let naming = once(&mut organization_names);
                        self.make_organization(id, naming);
                    }
                    Some(found) if found.is_live => self.rename(
                        Place::Organization(id.organization_id()),
                        &found.name,
                        found.synced_name.as_ref(),
                        found.version,
                        &naming,
                    ),
                    Some(_) => {}
                }
            }
            match self.found.teams.get(&id.team_id()) {
                None => {
                    let naming = if self.rules.create_organizations {
                        // It is the only team of its organization.
                        naming
                    } else {
                        once(&mut team_names)
                    };
                    self.make_team(id, naming);
                }
                Some(found) if !found.is_live => {}
                Some(_) if self.move_team(id, Some(&group.name)) => {}
                // Names of standalone teams are not unique. If two groups have the same name, the second by id
                // keeps its suffix.
                Some(found)
                    if found.organization_id.is_none()
                        && naming.is_suffixed(&found.name)
                        && !is_first_of_name => {}
                Some(found) => self.rename(
                    Place::Team(id.team_id()),
                    &found.name,
                    found.synced_name.as_ref(),
                    found.version,
                    &naming,
                ),
            }
        }
    }

    /// Plans to move the group's team into the group's organization if the team waits for it. Returns whether
    /// it does. `name` is the name of the group, which the team gets if names are refreshed.
    fn move_team(&mut self, id: &GroupId, name: Option<&Name>) -> bool {
        let (team_id, organization_id) = (id.team_id(), id.organization_id());
        let Some(found) = self.found.teams.get(&team_id) else {
            return false;
        };
        let is_elsewhere = found
            .organization_id
            .as_ref()
            .is_some_and(|it| *it != organization_id);
        if !self.rules.create_organizations
            || !found.is_live
            || !found.awaits_organization
            || is_elsewhere
            || !self.will_be_live(&organization_id)
        {
            return false;
        }
        let in_organization = Some(organization_id.clone());
        let before = self.teams.insert(team_id.clone(), in_organization);
        if before.is_some() {
            return true;
        }
        let is_untouched = found.version == 1 || found.limits == self.rules.team_limits(false);
        let is_refreshed =
            self.rules.refresh_names && found.synced_name.as_ref() == Some(&found.name);
        let name = name.filter(|_| is_refreshed).unwrap_or(&found.name);
        self.changes.push(PlannedChange::MoveTeam(TeamMove {
            id: team_id,
            organization_id,
            version: found.version,
            naming: Naming::new(name, id),
            is_refreshed,
            limits: is_untouched.then(|| self.rules.team_limits(true)),
            is_own: self.reading.holds(id),
        }));
        true
    }

    fn make_organization(&mut self, id: &GroupId, naming: Naming) {
        let organization_id = id.organization_id();
        self.organizations.insert(organization_id.clone());
        self.changes
            .push(PlannedChange::MakeOrganization(NewOrganization {
                id: organization_id,
                naming,
                limits: self.rules.default_team_params.clone(),
                is_own: self.reading.is_own(id),
            }));
    }

    fn make_team(&mut self, id: &GroupId, naming: Naming) {
        let in_organization = self.rules.create_organizations;
        if in_organization && self.is_deleted(&id.organization_id()) {
            // The team would belong to a deleted organization.
            return;
        }
        let organization_id = in_organization.then(|| id.organization_id());
        self.teams.insert(id.team_id(), organization_id.clone());
        self.changes.push(PlannedChange::MakeTeam(NewTeam {
            id: id.team_id(),
            organization_id,
            naming,
            limits: self.rules.team_limits(in_organization),
            is_own: self.reading.holds(id),
        }));
    }

    /// Plans to rename an organization or a team that still has the name that the sync gave it. If that name has
    /// a suffix, the write finds out whether the group's own name is free again.
    fn rename(
        &mut self,
        what: Place,
        name: &Name,
        synced_name: Option<&Name>,
        version: u64,
        naming: &Naming,
    ) {
        if self.rules.refresh_names && synced_name == Some(name) && naming.name != *name {
            self.changes.push(PlannedChange::Rename {
                what,
                from: name.clone(),
                version,
                naming: naming.clone(),
            });
        }
    }

    /// Returns the organization of a team that exists or is planned, or `None` if the team does not exist.
    #[expect(
        clippy::option_option,
        reason = "a team that exists may have no organization"
    )]
    fn organization_of(&self, team: &TeamId) -> Option<Option<&OrganizationId>> {
        let found = self.found.teams.get(team);
        let planned = self.teams.get(team);
        let organization = planned.or_else(|| found.map(|team| &team.organization_id))?;
        Some(organization.as_ref())
    }

    /// Returns whether the organization of the group lacks the group's team. This happens if everything is marked
    /// as created, but a login that was cut off left the team out and the organization was deleted while the next
    /// logins checked.
    fn lacks_team(&self, organization: &OrganizationId, team: &TeamId) -> bool {
        let is_there = self.held.teams.contains_key(team)
            || self.found.teams.contains_key(team)
            || self.teams.contains_key(team);
        self.rules.create_organizations && self.will_be_live(organization) && !is_there
    }

    fn will_be_live(&self, id: &OrganizationId) -> bool {
        let found = self.found.organizations.get(id);
        found.is_some_and(|found| found.is_live) || self.organizations.contains(id)
    }

    fn is_deleted(&self, id: &OrganizationId) -> bool {
        let found = self.found.organizations.get(id);
        found.is_some_and(|found| !found.is_live)
    }
}
