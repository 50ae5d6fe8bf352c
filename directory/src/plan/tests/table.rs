use super::*;
use muster::domain::FoldedName;

/// The part of the table that the sync reads, with one user.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) organizations: BTreeMap<OrganizationId, FoundOrganization>,
    pub(super) teams: BTreeMap<TeamId, FoundTeam>,
    pub(super) held: HeldMemberships,
}

impl Table {
    fn found(&self, lookups: &Lookups) -> FoundItems {
        let organizations = lookups.organizations.iter();
        let teams = lookups.teams.iter();
        FoundItems {
            organizations: organizations
                .filter_map(|id| Some((id.clone(), self.organizations.get(id)?.clone())))
                .collect(),
            teams: teams
                .filter_map(|id| Some((id.clone(), self.teams.get(id)?.clone())))
                .collect(),
        }
    }

    pub(super) fn plan(
        &self,
        reading: &DirectorySnapshot,
        made: Provisioned,
        rules: &DirectorySettings,
    ) -> Plan {
        let found = self.found(&lookups(reading, &self.held, made, rules));
        plan(reading, &self.held, made, &found, rules)
    }

    pub(super) fn synced(&self, reading: &DirectorySnapshot, rules: &DirectorySettings) -> Self {
        let mut table = self.clone();
        for change in self.plan(reading, Provisioned::Unknown, rules).changes() {
            table.write(change, reading.source());
        }
        if rules.refresh_names {
            for change in self.plan(reading, Provisioned::Unknown, rules).changes() {
                match change {
                    PlannedChange::MakeOrganization(new) => {
                        table.take_suffix_away(&new.id, &new.naming);
                    }
                    PlannedChange::Rename {
                        what: Place::Organization(id),
                        naming,
                        ..
                    } => table.take_suffix_away(id, naming),
                    _ => {}
                }
            }
        }
        table
    }

    /// Removes the suffix if the plain name is free, as a sync does at its end after other names were given up.
    fn take_suffix_away(&mut self, id: &OrganizationId, naming: &Naming) {
        let name = &self.organizations[id].name;
        if naming.is_suffixed(name) {
            let name = self.free_name(naming, Some(name));
            let organization = self.organizations.get_mut(id).unwrap();
            organization.name = name.clone();
            organization.synced_name = Some(name);
        }
    }

    /// Returns a free name for an item. `from` is its current name if it exists.
    fn free_name(&self, naming: &Naming, from: Option<&Name>) -> Name {
        let taken = |name: &FoldedName| {
            let own = from.map(Name::folded);
            let mut live = self.organizations.values().filter(|it| it.is_live);
            own.as_ref() != Some(name) && live.any(|it| it.name.folded() == *name)
        };
        if taken(&naming.name.folded()) {
            assert!(!taken(&naming.if_taken.folded()));
            return naming.if_taken.clone();
        }
        naming.name.clone()
    }

    /// Applies one change as a conditional write. Panics if the condition fails, which is a bug of the plan.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of change")]
    pub(super) fn write(&mut self, change: &PlannedChange, by: Source) {
        match change.clone() {
            PlannedChange::MakeOrganization(new) => {
                let name = self.free_name(&new.naming, None);
                let made = FoundOrganization {
                    is_live: true,
                    synced_name: Some(name.clone()),
                    name,
                    version: 1,
                };
                assert_eq!(self.organizations.insert(new.id, made), None);
            }
            PlannedChange::MakeTeam(new) => {
                let in_organization = new.organization_id.is_some();
                assert_eq!(new.limits.models == ["all-org-models"], in_organization);
                let made = FoundTeam {
                    is_live: true,
                    organization_id: new.organization_id,
                    awaits_organization: false,
                    limits: new.limits,
                    name: new.naming.name.clone(),
                    synced_name: Some(new.naming.name),
                    version: 1,
                };
                assert_eq!(self.teams.insert(new.id, made), None);
            }
            PlannedChange::MoveTeam(team) => {
                assert!(self.organizations[&team.organization_id].is_live);
                let moved = self.teams.get_mut(&team.id).unwrap();
                assert!(moved.is_live && moved.awaits_organization);
                assert_eq!(moved.version, team.version);
                moved.organization_id = Some(team.organization_id);
                moved.awaits_organization = false;
                if moved.synced_name.as_ref() == Some(&moved.name) {
                    moved.synced_name = Some(team.naming.name.clone());
                }
                moved.name = team.naming.name;
            }
            PlannedChange::MoveTeamMembership {
                team_id,
                organization_id,
            } => {
                assert_eq!(self.teams[&team_id].organization_id, Some(organization_id));
                let moved = self.held.teams.get_mut(&team_id).unwrap();
                assert!(moved.marks.awaits_organization);
                moved.marks.awaits_organization = false;
            }
            PlannedChange::Lift { at, version, role } => {
                let (status, source, found) = self.membership(&at);
                assert_eq!((*status, source), (Status::Suspended, by));
                assert_eq!(*found, version);
                *status = Status::Active;
                *found += 1;
                match at {
                    Place::Organization(id) => {
                        let it = self.held.organizations.get_mut(&id).unwrap();
                        assert!(it.marks.is_suspended);
                        it.marks.is_suspended = false;
                        it.give(role);
                    }
                    Place::Team(id) => {
                        let marks = &mut self.held.teams.get_mut(&id).unwrap().marks;
                        assert!(marks.is_suspended);
                        marks.is_suspended = false;
                    }
                }
            }
            PlannedChange::ChangeRole {
                organization_id,
                version,
                role,
            } => {
                let it = self.held.organizations.get_mut(&organization_id).unwrap();
                assert_eq!((it.source, it.version), (by, version));
                it.version += 1;
                it.give(Some(role));
            }
            PlannedChange::JoinOrganization {
                organization_id,
                role,
                mapped_from,
            } => {
                assert!(self.organizations[&organization_id].is_live);
                let joined = HeldOrganization {
                    role,
                    status: Status::Active,
                    source: by,
                    version: 1,
                    marks: MembershipMarks {
                        synced_role: Some(role),
                        is_suspended: false,
                        mapped_from,
                    },
                };
                let before = self.held.organizations.insert(organization_id, joined);
                assert_eq!(before, None);
            }
            PlannedChange::JoinTeam { team_id } => {
                assert!(self.teams.contains_key(&team_id));
                let joined = HeldTeam {
                    status: Status::Active,
                    source: by,
                    version: 1,
                    marks: TeamMembershipMarks::default(),
                };
                assert_eq!(self.held.teams.insert(team_id, joined), None);
            }
            PlannedChange::AcceptInvitation { at, version, .. } => {
                let (status, _, found) = self.membership(&at);
                assert_eq!((*status, *found), (Status::Invited, version));
                *status = Status::Active;
                *found += 1;
            }
            PlannedChange::Suspend { at, version, .. } => {
                let (status, source, found) = self.membership(&at);
                assert_eq!((source, *found), (by, version));
                *status = Status::Suspended;
                *found += 1;
                match at {
                    Place::Organization(id) => {
                        let it = self.held.organizations.get_mut(&id).unwrap();
                        it.marks.is_suspended = true;
                    }
                    Place::Team(id) => {
                        self.held.teams.get_mut(&id).unwrap().marks.is_suspended = true;
                    }
                }
            }
            PlannedChange::Leave { at, version, .. } => {
                let (_, source, found) = self.membership(&at);
                assert_eq!((source, *found), (by, version));
                match at {
                    Place::Organization(id) => drop(self.held.organizations.remove(&id)),
                    Place::Team(id) => drop(self.held.teams.remove(&id)),
                }
            }
            PlannedChange::Rename {
                what,
                from,
                version,
                naming,
            } => match what {
                Place::Organization(id) => {
                    let name = self.free_name(&naming, Some(&from));
                    let renamed = self.organizations.get_mut(&id).unwrap();
                    assert!(renamed.is_live);
                    assert_eq!((&renamed.name, renamed.version), (&from, version));
                    renamed.name = name.clone();
                    renamed.synced_name = Some(name);
                }
                Place::Team(id) => {
                    let renamed = self.teams.get_mut(&id).unwrap();
                    assert_eq!((&renamed.name, renamed.version), (&from, version));
                    renamed.name = naming.name.clone();
                    renamed.synced_name = Some(naming.name);
                }
            },
        }
    }

    fn membership(&mut self, at: &Place) -> (&mut Status, Source, &mut u64) {
        match at {
            Place::Organization(id) => {
                let it = self.held.organizations.get_mut(id).unwrap();
                (&mut it.status, it.source, &mut it.version)
            }
            Place::Team(id) => {
                let it = self.held.teams.get_mut(id).unwrap();
                (&mut it.status, it.source, &mut it.version)
            }
        }
    }
}

impl HeldOrganization {
    fn give(&mut self, role: Option<Role>) {
        if let Some(role) = role {
            self.role = role;
            self.marks.synced_role = Some(role);
        }
    }
}
