mod examples;
mod settings;
mod table;

use std::sync::Arc;

use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;
use proptest::sample::select;
use strum::VariantArray as _;

use super::memberships::given_role;
use super::*;
use crate::snapshot::{Assigned, AssignedGroup};
use muster::domain::{Limits, OnLeave, Role, Source};
use muster::store::{FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks};
use table::Table;

fn group() -> impl Strategy<Value = GroupId> {
    (0..6).prop_map(|n| GroupId::parse(format!("{n}0000000-group")).unwrap())
}

fn name() -> impl Strategy<Value = Name> {
    select(vec!["Sales", "SALES", "Ops"]).prop_map(|name| name.parse().unwrap())
}

fn status() -> impl Strategy<Value = Status> {
    select(Status::VARIANTS.to_vec())
}

fn source() -> impl Strategy<Value = Source> {
    select(vec![Source::Manual, Source::Entra, Source::Scim])
}

/// A kind of directory.
fn directory() -> impl Strategy<Value = Source> {
    select(vec![Source::Entra, Source::Scim])
}

fn role() -> impl Strategy<Value = Role> {
    select(Role::VARIANTS.to_vec())
}

fn synced_role() -> impl Strategy<Value = Option<Role>> {
    select(vec![None, Some(Role::InternalUser), Some(Role::Manager)])
}

prop_compose! {
    fn reading()(
        is_known in prop::bool::weighted(0.8),
        assigned in btree_map(group(), (name(), any::<bool>()), 0..6),
        user_groups in btree_set(group(), 0..6),
        source in directory(),
    ) -> DirectorySnapshot {
        let groups = assigned.into_iter().map(|(id, (name, leads))| {
            let app_roles = leads.then(|| "Lead".to_owned()).into_iter().collect();
            (id, AssignedGroup { name, app_roles })
        });
        let assigned = Arc::new(Assigned::new(groups.collect(), 0));
        DirectorySnapshot::new(is_known.then_some(assigned), user_groups).given_by(source)
    }
}

prop_compose! {
    fn rules()(
        create_organizations in any::<bool>(),
        refresh_names in any::<bool>(),
        on_leave in select(vec![OnLeave::Remove, OnLeave::Suspend, OnLeave::Keep]),
    ) -> DirectorySettings {
        DirectorySettings {
            create_organizations,
            refresh_names,
            on_leave,
            role_map: r#"{"Lead": "manager"}"#.parse().unwrap(),
            ..DirectorySettings::default()
        }
    }
}

prop_compose! {
    fn table()(
        organizations in btree_map(group(), (any::<bool>(), name(), 0..3), 0..5),
        teams in btree_map(group(), (any::<bool>(), any::<bool>(), name(), 0..3), 0..5),
        in_organizations in btree_map(group(), (role(), status(), source(), synced_role(), any::<bool>(), 1_u64..3), 0..5),
        in_teams in btree_map(group(), (status(), source(), any::<bool>(), any::<bool>()), 0..5),
        waiting in btree_set(group(), 0..3),
    ) -> Table {
        let synced = |name: &Name, kind| match kind {
            0 => None,
            1 => Some(name.clone()),
            _ => Some("Renamed by hand since".parse().unwrap()),
        };
        // Names of live organizations are unique: the second one with a name is left out.
        let mut names = BTreeSet::new();
        let organizations: BTreeMap<_, _> = organizations
            .into_iter()
            .filter(|(_, (is_live, name, _))| !is_live || names.insert(name.folded()))
            .map(|(id, (is_live, name, kind))| {
                let synced_name = synced(&name, kind);
                (id.organization_id(), FoundOrganization { is_live, name, synced_name, version: 3 })
            })
            .collect();
        let teams = teams.into_iter().map(|(id, (is_live, in_organization, name, kind))| {
            let organization_id = Some(id.organization_id())
                .filter(|id| in_organization && organizations.contains_key(id));
            let team = FoundTeam {
                is_live,
                awaits_organization: organization_id.is_none() && waiting.contains(&id),
                limits: Limits::default(),
                organization_id,
                synced_name: synced(&name, kind),
                name,
                version: 3,
            };
            (id.team_id(), team)
        });
        let teams = teams.collect();
        let in_organizations = in_organizations.into_iter().map(|(id, of)| {
            let (role, status, source, synced_role, is_suspended, version) = of;
            let marks = MembershipMarks {
                synced_role: synced_role.filter(|_| status != Status::Invited),
                is_suspended: is_suspended && status == Status::Suspended,
                mapped_from: None,
            };
            // A membership that was changed by hand or invited is not in version 1.
            let version = if status == Status::Active { version } else { 2 };
            (id.organization_id(), HeldOrganization { role, status, source, version, marks })
        });
        let in_teams = in_teams.into_iter().map(|(id, (status, source, is_suspended, waits))| {
            let marks = TeamMembershipMarks {
                is_suspended: is_suspended && status == Status::Suspended,
                awaits_organization: waits && waiting.contains(&id),
            };
            (id.team_id(), HeldTeam { status, source, version: 7, marks })
        });
        let held = HeldMemberships {
            organizations: in_organizations.collect(),
            teams: in_teams.collect(),
            is_tenant_admin: false,
        };
        Table { organizations, teams, held }
    }
}

/// Returns the memberships in organizations and in teams, by place.
fn memberships(held: &HeldMemberships) -> BTreeMap<Place, (Option<Role>, Status, Source)> {
    let organizations = held.organizations.iter().map(|(id, it)| {
        let place = Place::Organization(id.clone());
        (place, (Some(it.role), it.status, it.source))
    });
    let teams = held.teams.iter();
    let teams = teams.map(|(id, it)| (Place::Team(id.clone()), (None, it.status, it.source)));
    organizations.chain(teams).collect()
}

fn is_of(place: &Place, groups: &BTreeSet<&str>) -> bool {
    groups.contains(match place {
        Place::Organization(id) => id.as_str(),
        Place::Team(id) => id.as_str(),
    })
}

proptest! {
    #[test]
    fn plan_after_sync_is_empty(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let after = table.synced(&reading, &rules);
        for made in [Provisioned::Unknown, Provisioned::Everything] {
            let again = after.plan(&reading, made, &rules);
            // Every plan tries to remove a suffix while the name without it is taken.
            let is_done = |change: &PlannedChange| {
                matches!(change, PlannedChange::Rename { from, naming, .. } if naming.is_suffixed(from))
            };
            prop_assert!(again.changes().iter().all(is_done), "{again:?}");
            prop_assert_eq!(&after.synced(&reading, &rules), &after);
        }
    }

    #[test]
    fn next_login_finishes_interrupted_sync(
        reading in reading(), rules in rules(), table in table(), written in 0_usize..20,
    ) {
        let mut cut_off = table.clone();
        for change in table.plan(&reading, Provisioned::Unknown, &rules).changes().iter().take(written) {
            cut_off.write(change, reading.source());
        }
        let after = cut_off.synced(&reading, &rules);
        prop_assert_eq!(memberships(&after.held), memberships(&table.synced(&reading, &rules).held));
    }

    #[test]
    fn keeps_what_others_gave_and_accepts_invitations(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let after = memberships(&table.synced(&reading, &rules).held);
        for (place, (role, status, source)) in memberships(&table.held) {
            if source == reading.source() {
                continue;
            }
            let (role_after, status_after, source_after) = after[&place];
            prop_assert_eq!((role_after, source_after), (role, source));
            prop_assert!(status_after == status
                || (status, status_after) == (Status::Invited, Status::Active));
        }
    }

    #[test]
    fn only_groups_that_match_the_rule_grant_access(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let held: BTreeSet<&str> = reading.held().map(|(id, _)| id.as_str()).collect();
        let after = table.synced(&reading, &rules);
        let before = memberships(&table.held);
        for (place, (_, status, source)) in memberships(&after.held) {
            let was_active = before.get(&place).is_some_and(|it| it.1 == Status::Active);
            if status == Status::Active && !was_active {
                prop_assert!(is_of(&place, &held), "let in to {place:?}");
            }
            let is_ruled = rules.create_organizations || matches!(place, Place::Team(_));
            if source == reading.source() && is_ruled && !is_of(&place, &held) {
                prop_assert!(match rules.on_leave {
                    OnLeave::Remove => false,
                    OnLeave::Suspend => status == Status::Suspended,
                    OnLeave::Keep => true,
                }, "left in {place:?}");
            }
        }
        for id in held {
            let organization = OrganizationId::parse(id).unwrap();
            let is_live = after.organizations.get(&organization).is_some_and(|it| it.is_live);
            if rules.create_organizations && is_live {
                prop_assert!(after.held.organizations.contains_key(&organization));
            }
        }
    }

    #[test]
    fn keeps_manual_roles_suspensions_and_deletions(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let synced = table.synced(&reading, &rules);
        let after = memberships(&synced.held);
        for (place, (role, status, _)) in memberships(&table.held) {
            if let Some((role_after, status_after, _)) = after.get(&place) {
                let marks = |place: &Place| match place {
                    Place::Organization(id) => {
                        let it = &table.held.organizations[id];
                        let given = it.marks.synced_role.or((it.version == 1).then_some(it.role));
                        (given == Some(it.role) && it.role != Role::Owner, it.marks.is_suspended)
                    }
                    Place::Team(id) => (false, table.held.teams[id].marks.is_suspended),
                };
                let (is_synced_role, is_synced_suspension) = marks(&place);
                prop_assert!(is_synced_role || *role_after == role);
                prop_assert!(status != Status::Suspended || is_synced_suspension
                    || *status_after == Status::Suspended);
            }
        }
        for (id, before) in &table.organizations {
            let after = &synced.organizations[id];
            prop_assert_eq!(after.is_live, before.is_live);
            if before.synced_name.as_ref() != Some(&before.name) || !before.is_live {
                prop_assert_eq!(&after.name, &before.name);
            }
            if !before.is_live {
                let joined = synced.held.organizations.contains_key(id)
                    && !table.held.organizations.contains_key(id);
                prop_assert!(!joined, "joined what is deleted");
            }
        }
        for (id, before) in &table.teams {
            let after = &synced.teams[id];
            prop_assert!(before.awaits_organization
                || after.organization_id == before.organization_id);
            prop_assert_eq!(after.is_live, before.is_live);
            if !before.is_live {
                prop_assert_eq!(&after.organization_id, &before.organization_id);
                prop_assert_eq!(&after.name, &before.name);
                let joined = synced.held.teams.contains_key(id) && !table.held.teams.contains_key(id);
                prop_assert!(!joined, "joined what is deleted");
            }
        }
    }

    #[test]
    fn roles_that_the_sync_gave_follow_the_directory(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let rules = DirectorySettings { create_organizations: true, ..rules };
        let after = table.synced(&reading, &rules);
        for (id, group) in reading.held() {
            let organization = id.organization_id();
            let Some(before) = table.held.organizations.get(&organization) else {
                continue;
            };
            let is_synced = before.source == reading.source() && before.role != Role::Owner
                && before.marks.synced_role == Some(before.role);
            if is_synced {
                let given = given_role(&reading, id, group, &rules);
                prop_assert_eq!(after.held.organizations[&organization].role, given);
            }
        }
        for (id, membership) in &after.held.organizations {
            let is_new_owner = membership.role == Role::Owner
                && table.held.organizations.get(id).is_none_or(|it| it.role != Role::Owner);
            prop_assert!(!is_new_owner, "the sync makes an owner");
        }
    }

    #[test]
    fn waiting_teams_move_into_existing_organization(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let rules = DirectorySettings { create_organizations: true, ..rules };
        let after = table.synced(&reading, &rules);
        for (id, _) in reading.assigned() {
            let (organization, team) = (id.organization_id(), id.team_id());
            let Some(before) = table.teams.get(&team) else {
                continue;
            };
            let is_live = after.organizations.get(&organization).is_some_and(|it| it.is_live);
            if before.awaits_organization && before.is_live && is_live {
                prop_assert_eq!(&after.teams[&team].organization_id, &Some(organization));
            }
        }
    }

    #[test]
    fn organizations_do_not_change_without_the_flag(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let rules = DirectorySettings { create_organizations: false, ..rules };
        let after = table.synced(&reading, &rules);
        prop_assert_eq!(after.organizations, table.organizations);
        prop_assert_eq!(after.held.organizations, table.held.organizations);
    }

    #[test]
    fn no_assigned_groups_grants_nothing(
        groups in btree_set(group(), 0..6), rules in rules(), table in table(),
    ) {
        let reading = DirectorySnapshot::new(Some(Arc::default()), groups);
        let plan = table.plan(&reading, Provisioned::Unknown, &rules);
        prop_assert!(plan.changes().iter().all(|change| change.step() == Step::Leave));
    }

    #[test]
    fn the_marker_or_a_missing_application_prevents_creation(
        reading in reading(), groups in btree_set(group(), 0..6), rules in rules(), table in table(),
    ) {
        let unknown = DirectorySnapshot::new(None, groups);
        for plan in [
            table.plan(&reading, Provisioned::Everything, &rules),
            table.plan(&unknown, Provisioned::Unknown, &rules),
        ] {
            for change in plan.changes() {
                // A team of the user's own group whose organization exists without it.
                let is_lacking = matches!(change, PlannedChange::MakeTeam(new) if new.is_own
                    && new.organization_id.as_ref().is_some_and(|it| table.organizations[it].is_live));
                let is_membership =
                    matches!(change.step(), Step::Join | Step::Follow | Step::Leave);
                // A team that waits for its organization and that belongs to the user's own group.
                let is_moved = matches!(change, PlannedChange::MoveTeam(team) if team.is_own);
                prop_assert!(is_membership || is_lacking || is_moved, "{plan:?}");
            }
        }
    }

    #[test]
    fn adds_before_removes_and_one_write_per_place_in_step(
        reading in reading(), rules in rules(), table in table(),
    ) {
        let plan = table.plan(&reading, Provisioned::Unknown, &rules);
        let steps: Vec<Step> = plan.steps().map(|(step, _)| step).collect();
        prop_assert!(steps.is_sorted_by(|one, other| one < other));
        prop_assert!(Step::Join < Step::Leave);
        for (_, changes) in plan.steps() {
            let places: BTreeSet<Place> = changes.iter().map(PlannedChange::place).collect();
            prop_assert_eq!(places.len(), changes.len());
        }
        prop_assert_eq!(plan.steps().flat_map(|(_, changes)| changes).count(), plan.changes().len());
    }
}
