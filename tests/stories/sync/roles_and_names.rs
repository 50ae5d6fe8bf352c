//! The role that a group grants, whose members count, and the effect of renaming a group.

use serde_json::json;
use support::graph::GraphEndpoint;

use super::setup::{ORGANIZATIONS, Setup, map};

#[tokio::test]
async fn the_highest_role_of_group_and_app_roles_counts() {
    let roles = r#"{"lead": "manager", "boss": "org_admin", "G-IGNORED": "admin",
        "11111111-1111-4111-8111-111111111111": "readonly"}"#;
    let settings = [
        ORGANIZATIONS,
        ("ENTRA_ROLE_MAP", roles),
        ("ENTRA_DEFAULT_ROLE", "internal_user_viewer"),
    ];
    let setup = Setup::open(&settings).await;
    let (by_id, by_role, by_both) = ("11111111-1111-4111-8111-111111111111", "g-role", "g-both");
    for (id, name) in [
        (by_id, "By id"),
        (by_role, "Lead"),
        (by_both, "Both"),
        ("g-none", "None"),
    ] {
        setup.graph.assign(id, name);
        setup.graph.join("ada", id);
    }
    setup.graph.assign_with(by_role, "lead");
    setup.graph.assign_with(by_role, "unknown");
    setup.graph.assign_with(by_both, "lead");
    setup.graph.assign_with(by_both, "boss");
    setup.expect("ada", "synced").await;
    let expected = [
        (by_id, "readonly active entra"),
        (by_role, "manager active entra"),
        (by_both, "org_admin active entra"),
        ("g-none", "internal_user_viewer active entra"),
    ];
    assert_eq!(setup.organizations("ada").await, map(expected));

    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn a_role_follows_the_directory_unless_changed_manually() {
    let settings = [
        ORGANIZATIONS,
        ("ENTRA_ROLE_MAP", r#"{"lead": "manager", "boss": "admin"}"#),
    ];
    let setup = Setup::open(&settings).await;
    let root = setup.world.tenant_admin();
    setup.graph.assign("g-1", "One");
    setup.graph.join("ada", "g-1");
    let role = async || setup.organizations("ada").await["g-1"].clone();
    let is = |role: &str| format!("{role} active entra");
    setup.expect("ada", "synced").await;
    assert_eq!(role().await, is("internal_user"));

    setup.graph.assign_with("g-1", "lead");
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["RolesChanged"], 1, "{line}");
    assert_eq!(line["MembershipsKept"], 1, "{line}");
    assert_eq!(role().await, is("manager"));
    setup.expect("ada", "unchanged").await;
    let ada = "/organizations/g-1/members/ada";
    let member = root.get(ada).await.expect(200).body;
    assert_eq!(member["version"], 2);
    assert_ne!(member["updated_at"], member["created_at"]);
    assert_eq!(member.get("synced_role"), None);

    // Removed from the assignment: lowered again after both lists were read twice.
    setup.graph.take_role("g-1", "lead");
    setup.graph.calls();
    setup.expect("ada", "synced").await;
    let called = setup.graph.calls();
    let times = |which| called.iter().filter(|endpoint| **endpoint == which).count();
    assert_eq!(
        (
            times(GraphEndpoint::AssignedGroups),
            times(GraphEndpoint::UserGroups)
        ),
        (2, 2)
    );
    assert_eq!(role().await, is("internal_user"));

    // The settings count as well.
    let other = setup
        .redeployed(&[ORGANIZATIONS, ("ENTRA_ROLE_MAP", r#"{"g-1": "readonly"}"#)])
        .await;
    other.expect("ada", "synced").await;
    assert_eq!(role().await, is("readonly"));
    setup.expect("ada", "synced").await;
    assert_eq!(role().await, is("internal_user"));

    // A manual role stays, even after the directory granted the same role for a while.
    let by_hand = async |role: &str| {
        root.patch(ada, json!({"role": role})).await.expect(200);
    };
    by_hand("manager").await;
    setup.expect("ada", "unchanged").await;
    setup.graph.assign_with("g-1", "lead");
    setup.expect("ada", "unchanged").await;
    setup.graph.assign_with("g-1", "boss");
    setup.expect("ada", "unchanged").await;
    assert_eq!(role().await, is("manager"));
    // Back to the last role of the sync: it follows again.
    by_hand("internal_user").await;
    setup.expect("ada", "synced").await;
    assert_eq!(role().await, is("admin"));
    // A manual owner stays an owner.
    by_hand("owner").await;
    setup.graph.take_role("g-1", "boss");
    setup.expect("ada", "unchanged").await;
    assert_eq!(role().await, is("owner"));
    setup.check().await;
}

#[tokio::test]
async fn a_role_of_an_earlier_release_follows_if_it_was_never_changed() {
    let settings = [ORGANIZATIONS, ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#)];
    let setup = Setup::open(&settings).await;
    setup.graph.assign("g-1", "One");
    for user in ["ada", "bob"] {
        setup.graph.join(user, "g-1");
        setup.expect(user, "synced").await;
    }
    let root = setup.world.tenant_admin();
    let role = json!({"role": "readonly"});
    root.patch("/organizations/g-1/members/bob", role)
        .await
        .expect(200);
    setup.forget(&["synced_role"]).await;
    setup.graph.assign_with("g-1", "lead");
    setup.expect("ada", "synced").await;
    setup.expect("bob", "unchanged").await;
    let role = async |user: &str| setup.organizations(user).await["g-1"].clone();
    assert_eq!(role("ada").await, "manager active entra");
    assert_eq!(role("bob").await, "readonly active entra");
    setup.check().await;
}

#[tokio::test]
async fn two_groups_that_swap_their_names_end_with_plain_names() {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    for own in [&[][..], &["g-1"], &["g-2"], &["g-1", "g-2"]] {
        let setup = Setup::open(&settings).await;
        setup.graph.assign("g-1", "One");
        setup.graph.assign("g-2", "Two");
        for id in own {
            setup.graph.join("ada", id);
        }
        setup.expect("ada", "synced").await;
        setup.graph.assign("g-1", "Two");
        setup.graph.assign("g-2", "One");
        setup.expect("ada", "synced").await;
        let swapped = map([("g-1", "Two"), ("g-2", "One")]);
        assert_eq!(setup.all_organizations().await, swapped, "{own:?}");
        setup.expect("ada", "unchanged").await;
        setup.check().await;
    }
}

#[tokio::test]
async fn a_suffix_goes_when_the_plain_name_is_free() {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    let setup = Setup::open(&settings).await;
    let root = setup.world.tenant_admin();
    let eve = setup.world.user("eve");
    let taken = setup.world.organization(&eve, "One").await;
    for id in ["g-1", "g-2"] {
        setup.graph.assign(id, "One");
    }
    setup.expect("ada", "synced").await;
    let name_of = async |id: &str| setup.all_organizations().await[id].clone();
    assert_eq!(name_of("g-1").await, "One (g-1)");
    assert_eq!(name_of("g-2").await, "One (g-2)");
    for _ in 0..2 {
        setup.expect("ada", "unchanged").await;
    }
    // Renamed manually, which no read of the directory shows.
    root.patch(&format!("/organizations/{taken}"), json!({"name": "Other"}))
        .await
        .expect(200);
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["renamed"], 1, "{line}");
    let names = [name_of("g-1").await, name_of("g-2").await];
    assert!(names.contains(&"One".to_owned()), "{names:?}");
    // Renamed by the group that has it.
    let (first, second) = if names[0] == "One" {
        ("g-1", "g-2")
    } else {
        ("g-2", "g-1")
    };
    setup.expect("bob", "unchanged").await;
    setup.graph.assign(first, "Two");
    setup.expect("ada", "synced").await;
    assert_eq!(name_of(first).await, "Two");
    assert_eq!(name_of(second).await, "One");
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

#[tokio::test]
async fn a_suffix_of_a_team_in_an_organization_is_removed() {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    let setup = Setup::open(&settings).await;
    let root = setup.world.tenant_admin();
    setup.graph.assign("g-1", "One");
    setup.expect("ada", "synced").await;
    let team = json!({"name": "Two"});
    let made = root.post("/organizations/g-1/teams", team).await;
    let made = made.expect(201).headers["location"].clone();
    setup.graph.assign("g-1", "Two");
    setup.expect("ada", "synced").await;
    assert_eq!(setup.teams_in("g-1").await["g-1"], "Two (g-1)");
    setup.expect("ada", "unchanged").await;
    root.delete(&made).await.expect(204);
    setup.expect("ada", "synced").await;
    assert_eq!(setup.teams_in("g-1").await["g-1"], "Two");
    setup.check().await;
}

/// Two groups with the same name cost only an occasional look.
#[tokio::test]
async fn a_suffix_is_checked_every_five_minutes() {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    let setup = Setup::open(&settings).await;
    for id in ["g-1", "g-2"] {
        setup.graph.assign(id, "One");
    }
    setup.expect("ada", "synced").await;
    // At most one of the two is looked at when a five-minute period starts.
    setup.login("ada").await;
    let mut looks = Vec::new();
    for _ in 0..2 {
        setup.world.calls.take();
        setup.login_at_once("ada").await;
        let operations = setup.world.calls.operations();
        looks.push(operations.iter().any(|it| it == "BatchGetItem"));
    }
    assert!(looks.contains(&false), "{looks:?}");
}

#[tokio::test]
async fn members_of_nested_groups_count_if_enabled() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-outer", "Outer");
    setup.graph.nest("g-middle", "g-outer");
    setup.graph.nest("g-inner", "g-middle");
    setup.graph.join("ada", "g-inner");
    setup.expect("ada", "synced").await;
    assert_eq!(setup.organizations("ada").await, map([]));

    let nested = setup
        .redeployed(&[ORGANIZATIONS, ("ENTRA_NESTED_GROUPS", "true")])
        .await;
    nested.expect("ada", "synced").await;
    let outer = map([("g-outer", "internal_user active entra")]);
    assert_eq!(nested.organizations("ada").await, outer);
}

#[tokio::test]
async fn a_renamed_group_renames_unless_renamed_manually() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    let refreshing = setup
        .redeployed(&[ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")])
        .await;
    let names = ["One", "Two", "Three"];
    for name in names {
        setup.graph.assign(&format!("g-{name}"), name);
    }
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let by_hand = json!({"name": "Two by hand"});
    root.patch("/organizations/g-Two", by_hand)
        .await
        .expect(200);
    for name in names {
        setup
            .graph
            .assign(&format!("g-{name}"), &format!("{name} renamed"));
    }
    setup.graph.assign("g-Three", "One renamed");
    setup.expect("ada", "unchanged").await;

    // Names taken in an organization also get the id as suffix.
    let taken = json!({"name": "One renamed"});
    let teams = "/organizations/g-One/teams";
    root.post(teams, taken).await.expect(201);

    let line = refreshing.expect("ada", "synced").await;
    assert_eq!(line["renamed"], 5);
    assert_eq!(
        setup.teams_in("g-One").await["g-One"],
        "One renamed (g-One)"
    );
    let all = setup.all_organizations().await;
    assert_eq!(all["g-Two"], "Two by hand");
    let mut same: Vec<_> = [&*all["g-One"], &all["g-Three"]].into();
    same.sort_by_key(|name| name.len());
    assert_eq!(same[0], "One renamed");
    assert!(
        ["One renamed (g-One)", "One renamed (g-Three)"].contains(&same[1]),
        "{same:?}"
    );
    assert_eq!(setup.teams_in("g-Two").await["g-Two"], "Two renamed");
    refreshing.expect("ada", "unchanged").await;
    refreshing.expect("bob", "unchanged").await;

    for place in ["/organizations/g-One", "/teams/g-One"] {
        let renamed = root.get(place).await.expect(200).body;
        assert_eq!(renamed["version"], 2, "{renamed}");
        assert_ne!(renamed["updated_at"], renamed["created_at"], "{renamed}");
    }

    // The old name is free.
    setup
        .world
        .organization(&setup.world.user("eve"), "One")
        .await;
    setup.check().await;
}

/// Otherwise it would not be looked at again: everything marked as created has its name.
#[tokio::test]
async fn a_change_during_a_rename_is_renamed_at_the_next_login() {
    // Holds the renames of the organization and its team; or the reads before them, which follow
    // the read of the mark.
    for (operation, before) in [("TransactWriteItems", 0), ("GetItem", 1)] {
        is_renamed_later(operation, before).await;
    }
}

async fn is_renamed_later(operation: &str, before: usize) {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    let (setup, faults) = Setup::with_faults(&settings).await;
    setup.graph.assign("g-one", "One");
    setup.expect("ada", "synced").await;
    setup.graph.assign("g-one", "One renamed");

    let first: Vec<_> = (0..before).map(|_| faults.hold(operation)).collect();
    let (mut one, mut other) = (faults.hold(operation), faults.hold(operation));
    let by_hand = async {
        for mut held in first {
            held.arrived().await;
            held.release();
        }
        one.arrived().await;
        other.arrived().await;
        let domain = json!({"domain": "one.example"});
        let root = setup.world.tenant_admin();
        root.patch("/organizations/g-one", domain).await.expect(200);
        one.release();
        other.release();
    };
    let (line, ()) = tokio::join!(setup.login("ada"), by_hand);
    assert_eq!(
        (&line["outcome"], &line["renamed"]),
        (&json!("synced"), &json!(1))
    );
    assert_eq!(setup.all_organizations().await, map([("g-one", "One")]));
    setup.expect("eve", "synced").await;
    assert_eq!(
        setup.all_organizations().await,
        map([("g-one", "One renamed")])
    );
    for user in ["eve", "ada"] {
        setup.expect(user, "unchanged").await;
    }
    setup.check().await;
}
