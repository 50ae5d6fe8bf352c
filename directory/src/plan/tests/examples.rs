//! One example for each sentence of the rule.

mod names;

use super::*;

pub(super) fn id(text: &str) -> GroupId {
    GroupId::parse(text).unwrap()
}

pub(super) fn reading_of(assigned: &[(&str, &str)], user_groups: &[&str]) -> DirectorySnapshot {
    let groups = assigned.iter().map(|(group, name)| {
        let group_of = AssignedGroup {
            name: name.parse().unwrap(),
            app_roles: BTreeSet::new(),
        };
        (id(group), group_of)
    });
    let assigned = Arc::new(Assigned::new(groups.collect(), 0));
    let user_groups = user_groups.iter().map(|group| id(group));
    DirectorySnapshot::new(Some(assigned), user_groups.collect())
}

fn with_organizations() -> DirectorySettings {
    DirectorySettings {
        create_organizations: true,
        ..DirectorySettings::default()
    }
}

pub(super) fn empty() -> Table {
    Table {
        organizations: BTreeMap::new(),
        teams: BTreeMap::new(),
        held: HeldMemberships::default(),
    }
}

/// Describes the changes of a plan, in order.
pub(super) fn said(plan: &Plan) -> Vec<String> {
    let words = plan.changes().iter().map(|change| {
        let verb = match change {
            PlannedChange::MakeOrganization(new) => {
                return format!("make organization {}: {}", new.id, new.naming.name);
            }
            PlannedChange::MakeTeam(new) => {
                let kind = new.organization_id.as_ref().map_or("standalone", |_| "org");
                return format!("make {kind} team {}", new.id);
            }
            PlannedChange::MoveTeam(_) => "move",
            PlannedChange::MoveTeamMembership { .. } => "move in",
            PlannedChange::Lift { .. } => "lift",
            PlannedChange::ChangeRole { role, .. } => return format!("make {}", role.as_str()),
            PlannedChange::JoinOrganization { role, .. } => {
                return format!("join as {}", role.as_str());
            }
            PlannedChange::JoinTeam { .. } => "join",
            PlannedChange::AcceptInvitation { .. } => "accept",
            PlannedChange::Leave { .. } => "leave",
            PlannedChange::Suspend { .. } => "suspend",
            PlannedChange::Rename { naming, .. } => return format!("rename to {}", naming.name),
        };
        match change.place() {
            Place::Organization(id) => format!("{verb} organization {id}"),
            Place::Team(id) => format!("{verb} team {id}"),
        }
    });
    words.collect()
}

#[test]
fn first_login_creates_groups_and_joins_own_first() {
    let reading = reading_of(&[("g1", "Sales"), ("g2", "Ops")], &["g2", "unassigned"]);
    let plan = empty().plan(&reading, Provisioned::Unknown, &with_organizations());
    assert_eq!(
        said(&plan),
        [
            "make organization g2: Ops",
            "make org team g2",
            "join as internal_user",
            "join team g2",
            "make organization g1: Sales",
            "make org team g1",
        ]
    );
    let plan = empty().plan(
        &reading,
        Provisioned::Unknown,
        &DirectorySettings::default(),
    );
    assert_eq!(
        said(&plan),
        [
            "make standalone team g2",
            "join team g2",
            "make standalone team g1"
        ]
    );
}

#[test]
fn no_lookups_without_changes() {
    let reading = reading_of(&[("g1", "Sales"), ("g2", "Ops")], &["g2"]);
    for rules in [with_organizations(), DirectorySettings::default()] {
        let table = empty().synced(&reading, &rules);
        assert!(lookups(&reading, &table.held, Provisioned::Everything, &rules).is_empty());
        assert!(
            table
                .plan(&reading, Provisioned::Everything, &rules)
                .is_empty()
        );
    }
}

#[test]
fn deleted_organization_is_not_created_or_joined() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let mut table = empty().synced(&reading, &with_organizations());
    table.held = HeldMemberships::default();
    let organization = table
        .organizations
        .get_mut(&id("g1").organization_id())
        .unwrap();
    organization.is_live = false;
    for made in [Provisioned::Unknown, Provisioned::Everything] {
        assert!(table.plan(&reading, made, &with_organizations()).is_empty());
    }
    // Without the flag, the team of a deleted organization cannot be joined either.
    let plan = table.plan(
        &reading,
        Provisioned::Everything,
        &DirectorySettings::default(),
    );
    assert!(plan.is_empty(), "{plan:?}");
    let mut without_team = table.clone();
    without_team.teams.clear();
    let plan = without_team.plan(&reading, Provisioned::Unknown, &with_organizations());
    assert!(plan.is_empty(), "{plan:?}");
    // The organization was purged and its team left behind. The marker still records that it was created.
    table.organizations.clear();
    assert!(
        table
            .plan(&reading, Provisioned::Everything, &with_organizations())
            .is_empty()
    );
}

#[test]
fn a_restored_organization_gets_its_missing_team() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let mut table = empty().synced(&reading, &with_organizations());
    table.held = HeldMemberships::default();
    table.teams.clear();
    let plan = table.plan(&reading, Provisioned::Everything, &with_organizations());
    assert_eq!(
        said(&plan),
        ["make org team g1", "join as internal_user", "join team g1"]
    );
    let of_others = reading_of(&[("g1", "Sales")], &[]);
    let plan = table.plan(&of_others, Provisioned::Everything, &with_organizations());
    assert!(plan.is_empty(), "{plan:?}");
}

#[test]
fn a_standalone_team_stays_beside_the_new_organization() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let table = empty().synced(&reading, &DirectorySettings::default());
    let plan = table.plan(&reading, Provisioned::Unknown, &with_organizations());
    assert_eq!(
        said(&plan),
        ["make organization g1: Sales", "join as internal_user"]
    );
}

#[test]
fn an_existing_team_is_joined_without_the_flag() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let mut table = empty().synced(&reading, &with_organizations());
    table.held = HeldMemberships::default();
    for made in [Provisioned::Unknown, Provisioned::Everything] {
        let plan = table.plan(&reading, made, &DirectorySettings::default());
        assert_eq!(said(&plan), ["join team g1"]);
    }
}

#[test]
fn leaving_a_group_ends_its_memberships() {
    let before = reading_of(&[("g1", "Sales")], &["g1"]);
    let table = empty().synced(&before, &with_organizations());
    let after = reading_of(&[("g1", "Sales")], &[]);
    let plan = |on_leave| {
        let rules = DirectorySettings {
            on_leave,
            ..with_organizations()
        };
        said(&table.plan(&after, Provisioned::Everything, &rules))
    };
    assert_eq!(
        plan(OnLeave::Remove),
        ["leave organization g1", "leave team g1"]
    );
    assert_eq!(
        plan(OnLeave::Suspend),
        ["suspend organization g1", "suspend team g1"]
    );
    assert!(plan(OnLeave::Keep).is_empty());
}

#[test]
fn promoted_owner_leaves_with_owner_count() {
    let mut table = empty();
    let owner = HeldOrganization {
        role: Role::Owner,
        status: Status::Active,
        source: Source::Entra,
        version: 4,
        marks: MembershipMarks::default(),
    };
    let organization = id("g1").organization_id();
    table.held.organizations.insert(organization.clone(), owner);
    let plan = table.plan(
        &reading_of(&[], &[]),
        Provisioned::Everything,
        &with_organizations(),
    );
    assert_eq!(
        plan.changes(),
        [PlannedChange::Leave {
            at: Place::Organization(organization),
            version: 4,
            is_owner: true,
        }]
    );
}

#[test]
fn suspended_member_does_not_join_team() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let mut table = empty().synced(&reading, &with_organizations());
    table.held.teams.clear();
    let organization = id("g1").organization_id();
    let membership = table.held.organizations.get_mut(&organization).unwrap();
    membership.status = Status::Suspended;
    assert!(
        table
            .plan(&reading, Provisioned::Unknown, &with_organizations())
            .is_empty()
    );
}

#[test]
fn fingerprint_covers_only_what_is_created() {
    let rules = with_organizations();
    let sales = reading_of(&[("g1", "Sales")], &[]);
    let fingerprint = sales.fingerprint(&rules);
    assert_eq!(fingerprint.len(), 32);
    let same = reading_of(&[("g1", "Vertrieb")], &["g1"]);
    assert_eq!(same.fingerprint(&rules), fingerprint);
    let others = [
        reading_of(&[("g1", "Sales"), ("g2", "Ops")], &[]).fingerprint(&rules),
        reading_of(&[], &[]).fingerprint(&rules),
        sales.fingerprint(&DirectorySettings::default()),
        sales.fingerprint(&DirectorySettings {
            refresh_names: true,
            ..rules
        }),
    ];
    assert!(!others.contains(&fingerprint));
}

#[test]
fn role_follows_directory_unless_changed_by_hand() {
    let leads = |group: &str| DirectorySettings {
        role_map: format!(r#"{{"{group}": "manager"}}"#).parse().unwrap(),
        ..with_organizations()
    };
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let organization = id("g1").organization_id();
    let mut table = empty().synced(&reading, &leads("g1"));
    let plan = table.plan(&reading, Provisioned::Everything, &with_organizations());
    assert_eq!(said(&plan), ["make internal_user"]);
    let down = table.synced(&reading, &with_organizations());
    let plan = down.plan(&reading, Provisioned::Everything, &leads("g1"));
    assert_eq!(said(&plan), ["make manager"]);

    let changes = |table: &Table| {
        let plan = table.plan(&reading, Provisioned::Everything, &with_organizations());
        said(&plan)
    };
    let membership = table.held.organizations.get_mut(&organization).unwrap();
    // A membership from an earlier release, first unchanged by hand, then changed.
    membership.marks.synced_role = None;
    assert_eq!(changes(&table), ["make internal_user"]);
    let membership = table.held.organizations.get_mut(&organization).unwrap();
    membership.version = 2;
    assert!(changes(&table).is_empty());
    // Changed by hand to another role, to owner, and back to the role that the sync gave.
    for (role, is_followed) in [
        (Role::Admin, false),
        (Role::Owner, false),
        (Role::Manager, true),
    ] {
        let membership = table.held.organizations.get_mut(&organization).unwrap();
        membership.marks.synced_role = Some(Role::Manager);
        membership.role = role;
        assert_eq!(!changes(&table).is_empty(), is_followed, "{role:?}");
    }
}

#[test]
fn lowering_a_role_takes_access_away() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let higher = DirectorySettings {
        default_role: Role::Manager,
        ..with_organizations()
    };
    let table = empty().synced(&reading, &higher);
    assert!(takes_away(&reading, &table.held, &with_organizations()));
    let low = empty().synced(&reading, &with_organizations());
    assert!(!takes_away(&reading, &low.held, &higher));
}

#[test]
fn only_a_suspension_by_the_sync_is_lifted() {
    let rules = DirectorySettings {
        on_leave: OnLeave::Suspend,
        ..with_organizations()
    };
    let inside = reading_of(&[("g1", "Sales")], &["g1"]);
    let outside = reading_of(&[("g1", "Sales")], &[]);
    let mut table = empty().synced(&inside, &rules).synced(&outside, &rules);
    let later = DirectorySettings {
        default_role: Role::Manager,
        ..rules
    };
    let plan = table.plan(&inside, Provisioned::Everything, &later);
    assert_eq!(said(&plan), ["lift organization g1", "lift team g1"]);
    let after = table.synced(&inside, &later);
    let membership = &after.held.organizations[&id("g1").organization_id()];
    assert_eq!(
        (membership.role, membership.status),
        (Role::Manager, Status::Active)
    );

    // Suspended by hand since.
    for membership in table.held.organizations.values_mut() {
        membership.marks.is_suspended = false;
        membership.marks.synced_role = None;
    }
    let plan = table.plan(&inside, Provisioned::Everything, &later);
    assert_eq!(said(&plan), ["lift team g1"]);
}

#[test]
fn waiting_team_moves_into_organization() {
    let reading = reading_of(&[("g1", "Sales")], &["g1"]);
    let rules = with_organizations();
    let mut table = empty().synced(&reading, &DirectorySettings::default());
    let team = id("g1").team_id();
    let waits = |table: &mut Table| {
        table.teams.get_mut(&team).unwrap().awaits_organization = true;
        let marks = &mut table.held.teams.get_mut(&team).unwrap().marks;
        marks.awaits_organization = true;
    };
    waits(&mut table);
    let plan = table.plan(&reading, Provisioned::Unknown, &rules);
    assert_eq!(
        said(&plan),
        [
            "make organization g1: Sales",
            "move team g1",
            "join as internal_user",
            "move in team g1",
        ]
    );
    // A user in the group gets the move even if the marker says that everything was created.
    let mut marked = table.synced(&reading, &rules);
    marked.teams.get_mut(&team).unwrap().organization_id = None;
    waits(&mut marked);
    let plan = marked.plan(&reading, Provisioned::Everything, &rules);
    assert_eq!(said(&plan), ["move team g1", "move in team g1"]);
    // Without the flag, the team stays standalone.
    let plan = marked.plan(
        &reading,
        Provisioned::Unknown,
        &DirectorySettings::default(),
    );
    assert!(plan.is_empty(), "{plan:?}");
}
