//! The settings that only directories of tenants have: filters, mapped groups, and groups of tenant admins.

use serde_json::{Value, json};

use super::examples::{empty, id, reading_of, said};
use super::*;
use crate::plan::takes_away;

const OFFICE: &str = "office";

fn settings(value: Value) -> DirectorySettings {
    serde_json::from_value(value).unwrap()
}

fn mapped(groups: &[(&str, &str, &str)], create_organizations: bool) -> DirectorySettings {
    let entries = groups.iter().map(|(group, organization, role)| {
        let to = json!({"organization_id": organization, "role": role});
        ((*group).to_owned(), to)
    });
    let map: serde_json::Map<_, _> = entries.collect();
    settings(json!({"create_organizations": create_organizations, "group_map": map}))
}

/// A table with the organization that groups are mapped to.
fn with_office() -> Table {
    let office = FoundOrganization {
        is_live: true,
        name: "Head office".parse().unwrap(),
        synced_name: None,
        version: 1,
    };
    let mut table = empty();
    table
        .organizations
        .insert(OrganizationId::parse(OFFICE).unwrap(), office);
    table
}

fn role_in(table: &Table, organization: &str) -> Option<Role> {
    let id = OrganizationId::parse(organization).unwrap();
    table.held.organizations.get(&id).map(|it| it.role)
}

#[test]
fn a_mapped_group_gives_the_chosen_organization_alone() {
    for create_organizations in [true, false] {
        let rules = mapped(&[("g1", OFFICE, "admin")], create_organizations);
        let reading = reading_of(&[("g1", "Sales")], &["g1"]).under(&rules);
        let plan = with_office().plan(&reading, Provisioned::Unknown, &rules);
        assert_eq!(said(&plan), ["join as admin"]);
        let PlannedChange::JoinOrganization { mapped_from, .. } = &plan.changes()[0] else {
            panic!("{plan:?}");
        };
        assert_eq!(mapped_from.as_ref(), Some(&id("g1")));
        let synced = with_office().synced(&reading, &rules);
        assert!(
            synced
                .plan(&reading, Provisioned::Everything, &rules)
                .is_empty()
        );
        // Out of the group, out of the organization: with and without the flag.
        let left = reading_of(&[("g1", "Sales")], &[]).under(&rules);
        assert!(takes_away(&left, &synced.held, &rules));
        let plan = synced.plan(&left, Provisioned::Everything, &rules);
        assert_eq!(said(&plan), ["leave organization office"]);
        // And so it is when the group is no longer mapped.
        let none = mapped(&[], create_organizations);
        let unmapped = reading_of(&[], &[]).under(&none);
        let plan = synced.plan(&unmapped, Provisioned::Everything, &none);
        assert_eq!(said(&plan), ["leave organization office"]);
    }
}

#[test]
fn a_mapped_organization_is_never_made_and_never_restored() {
    let rules = mapped(&[("g1", OFFICE, "admin")], true);
    let reading = reading_of(&[("g1", "Sales")], &["g1"]).under(&rules);
    assert!(
        empty()
            .plan(&reading, Provisioned::Unknown, &rules)
            .is_empty()
    );
    let mut table = with_office();
    table
        .organizations
        .values_mut()
        .for_each(|it| it.is_live = false);
    assert!(
        table
            .plan(&reading, Provisioned::Unknown, &rules)
            .is_empty()
    );
}

#[test]
fn of_several_mapped_groups_the_highest_role_wins() {
    let rules = mapped(
        &[("g1", OFFICE, "readonly"), ("g2", OFFICE, "manager")],
        false,
    );
    let both = reading_of(&[("g1", "A"), ("g2", "B")], &["g1", "g2"]).under(&rules);
    let synced = with_office().synced(&both, &rules);
    assert_eq!(role_in(&synced, OFFICE), Some(Role::Manager));
    // The lower one is left: the role follows, which takes access away.
    let one = reading_of(&[("g1", "A"), ("g2", "B")], &["g1"]).under(&rules);
    assert!(takes_away(&one, &synced.held, &rules));
    let lowered = synced.synced(&one, &rules);
    assert_eq!(role_in(&lowered, OFFICE), Some(Role::Readonly));
}

#[test]
fn a_mapped_and_an_own_group_give_the_higher_role() {
    for (mapped_role, expected) in [("admin", Role::Admin), ("readonly", Role::InternalUser)] {
        // g2 gives a membership in the organization of g1.
        let rules = mapped(&[("g2", "g1", mapped_role)], true);
        let reading = reading_of(&[("g1", "A"), ("g2", "B")], &["g1", "g2"]).under(&rules);
        let plan = empty().plan(&reading, Provisioned::Unknown, &rules);
        for (_, changes) in plan.steps() {
            let places: BTreeSet<_> = changes.iter().map(PlannedChange::place).collect();
            assert_eq!(places.len(), changes.len(), "{plan:?}");
        }
        let synced = empty().synced(&reading, &rules);
        assert_eq!(role_in(&synced, "g1"), Some(expected));
        assert!(
            synced
                .plan(&reading, Provisioned::Everything, &rules)
                .is_empty()
        );
    }
}

#[test]
fn memberships_by_hand_in_a_mapped_organization_stay() {
    let rules = mapped(&[("g1", OFFICE, "admin")], false);
    let mut table = with_office();
    let by_hand = HeldOrganization {
        role: Role::Readonly,
        status: Status::Active,
        source: Source::Manual,
        version: 1,
        marks: MembershipMarks::default(),
    };
    let office = OrganizationId::parse(OFFICE).unwrap();
    table.held.organizations.insert(office, by_hand);
    for groups in [&["g1"][..], &[]] {
        let reading = reading_of(&[("g1", "Sales")], groups).under(&rules);
        assert!(
            table
                .plan(&reading, Provisioned::Unknown, &rules)
                .is_empty()
        );
    }
}

#[test]
fn filtered_groups_give_and_make_nothing() {
    let filter = json!({"create_organizations": true, "group_filter": {"prefix": "App-"},
        "group_map": {"g3": {"organization_id": OFFICE, "role": "member"}}});
    let rules = settings(filter);
    let all = [("g1", "App-Sales"), ("g2", "Bowling"), ("g3", "Leads")];
    let reading = reading_of(&all, &["g1", "g2", "g3"]).under(&rules);
    let plan = with_office().plan(&reading, Provisioned::Unknown, &rules);
    assert_eq!(
        said(&plan),
        [
            "make organization g1: App-Sales",
            "make org team g1",
            "join as internal_user",
            "join team g1",
            "join as member",
        ]
    );
    // A filter that is set later takes away what its groups gave, and another one makes what is missing.
    let open = settings(json!({"create_organizations": true}));
    let before = reading_of(&all, &["g2"]).under(&open);
    let synced = with_office().synced(&before, &open);
    let after = reading_of(&all, &["g2"]).under(&rules);
    let plan = synced.plan(&after, Provisioned::Everything, &rules);
    assert_eq!(said(&plan), ["leave organization g2", "leave team g2"]);
    assert_ne!(before.fingerprint(&open), after.fingerprint(&rules));
}

#[test]
fn groups_make_tenant_admins_and_end_that() {
    const LEADS: &str = "CDB555E3-B33E-4FD5-A427-17FADACBDFA7";
    let rules = settings(json!({"tenant_admin_groups": [LEADS.to_lowercase()]}));
    // The group need not be assigned to the application.
    let admin = reading_of(&[], &[LEADS]).under(&rules);
    let mut table = empty();
    let plan = table.plan(&admin, Provisioned::Everything, &rules);
    assert_eq!((plan.tenant_admin, plan.is_empty()), (Some(true), false));
    table.held.is_tenant_admin = true;
    assert!(
        table
            .plan(&admin, Provisioned::Everything, &rules)
            .is_empty()
    );
    let none = reading_of(&[], &["g1"]).under(&rules);
    assert!(takes_away(&none, &table.held, &rules));
    let plan = table.plan(&none, Provisioned::Everything, &rules);
    assert_eq!(plan.tenant_admin, Some(false));
    // Without such groups, no user is one.
    let without = settings(json!({}));
    let reading = reading_of(&[], &[LEADS]).under(&without);
    assert!(!reading.is_tenant_admin());
}

#[test]
fn the_default_settings_change_no_snapshot() {
    let reading = reading_of(&[("g1", "A"), ("g2", "B")], &["g1"]);
    let under = reading.clone().under(&DirectorySettings::default());
    assert!(under.agrees_with(&reading));
    assert_eq!(under.counts(), reading.counts());
}

proptest! {
    #[test]
    fn a_second_plan_with_mapped_groups_is_empty(
        reading in reading(),
        rules in rules(),
        table in table(),
        map in btree_map(group(), (group(), select(vec!["admin", "readonly"])), 0..4),
    ) {
        let entries = map.iter().map(|(from, (to, role))| {
            (from.to_string(), json!({"organization_id": to.as_str(), "role": role}))
        });
        let map: serde_json::Map<_, _> = entries.collect();
        let mapped = settings(json!({ "group_map": map }));
        // Names are the business of other tests.
        let rules = DirectorySettings { group_map: mapped.group_map, refresh_names: false, ..rules };
        let reading = reading.under(&rules);
        let synced = table.synced(&reading, &rules);
        let plan = synced.plan(&reading, Provisioned::Unknown, &rules);
        prop_assert!(plan.is_empty(), "{:?}", plan);
        for (id, membership) in &synced.held.organizations {
            let is_new_owner = membership.role == Role::Owner
                && table.held.organizations.get(id).is_none_or(|it| it.role != Role::Owner);
            prop_assert!(!is_new_owner, "the sync makes an owner");
        }
    }
}
