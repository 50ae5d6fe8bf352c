//! Which role a group gives, whose members count, and what follows when it is renamed.

use serde_json::json;

use super::office::{ORGANIZATIONS, Office, map};

#[tokio::test]
async fn the_highest_role_that_group_and_app_roles_give_wins() {
    let roles = r#"{"lead": "manager", "boss": "org_admin", "G-IGNORED": "admin",
        "11111111-1111-4111-8111-111111111111": "readonly"}"#;
    let settings = [
        ORGANIZATIONS,
        ("ENTRA_ROLE_MAP", roles),
        ("ENTRA_DEFAULT_ROLE", "internal_user_viewer"),
    ];
    let office = Office::open(&settings).await;
    let (by_id, by_role, by_both) = ("11111111-1111-4111-8111-111111111111", "g-role", "g-both");
    for (id, name) in [
        (by_id, "By id"),
        (by_role, "Lead"),
        (by_both, "Both"),
        ("g-none", "None"),
    ] {
        office.graph.assign(id, name);
        office.graph.join("ada", id);
    }
    office.graph.assign_with(by_role, "lead");
    office.graph.assign_with(by_role, "unknown");
    office.graph.assign_with(by_both, "lead");
    office.graph.assign_with(by_both, "boss");
    office.expect("ada", "synced").await;
    let expected = [
        (by_id, "readonly active entra"),
        (by_role, "manager active entra"),
        (by_both, "org_admin active entra"),
        ("g-none", "internal_user_viewer active entra"),
    ];
    assert_eq!(office.organizations("ada").await, map(expected));

    // What was given stays: a role is changed by hand alone.
    office.graph.assign_with("g-none", "boss");
    office.expect("ada", "unchanged").await;
    assert_eq!(office.organizations("ada").await, map(expected));
    office.check().await;
}

#[tokio::test]
async fn members_of_groups_within_the_group_count_when_that_is_set() {
    let office = Office::open(&[ORGANIZATIONS]).await;
    office.graph.assign("g-outer", "Outer");
    office.graph.nest("g-middle", "g-outer");
    office.graph.nest("g-inner", "g-middle");
    office.graph.join("ada", "g-inner");
    office.expect("ada", "synced").await;
    assert_eq!(office.organizations("ada").await, map([]));

    let nested = office
        .anew(&[ORGANIZATIONS, ("ENTRA_NESTED_GROUPS", "true")])
        .await;
    nested.expect("ada", "synced").await;
    let outer = map([("g-outer", "internal_user active entra")]);
    assert_eq!(nested.organizations("ada").await, outer);
}

#[tokio::test]
async fn a_renamed_group_renames_what_nobody_renamed_by_hand_when_that_is_set() {
    let office = Office::open(&[ORGANIZATIONS]).await;
    let refreshing = office
        .anew(&[ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")])
        .await;
    let names = ["One", "Two", "Three"];
    for name in names {
        office.graph.assign(&format!("g-{name}"), name);
    }
    office.expect("ada", "synced").await;
    let root = office.world.tenant_admin();
    let by_hand = json!({"name": "Two by hand"});
    root.patch("/organizations/g-Two", by_hand)
        .await
        .expect(200);
    for name in names {
        office
            .graph
            .assign(&format!("g-{name}"), &format!("{name} anew"));
    }
    office.graph.assign("g-Three", "One anew");
    office.expect("ada", "unchanged").await;

    // A name that is taken in an organization, too, is taken with the id behind it.
    let taken = json!({"name": "One anew"});
    let teams = "/organizations/g-One/teams";
    root.post(teams, taken).await.expect(201);

    let line = refreshing.expect("ada", "synced").await;
    assert_eq!(line["renamed"], 5);
    assert_eq!(office.teams_in("g-One").await["g-One"], "One anew (g-One)");
    let all = office.all_organizations().await;
    assert_eq!(all["g-Two"], "Two by hand");
    let mut same: Vec<_> = [&*all["g-One"], &all["g-Three"]].into();
    same.sort_by_key(|name| name.len());
    assert_eq!(same[0], "One anew");
    assert!(
        ["One anew (g-One)", "One anew (g-Three)"].contains(&same[1]),
        "{same:?}"
    );
    assert_eq!(office.teams_in("g-Two").await["g-Two"], "Two anew");
    refreshing.expect("ada", "unchanged").await;
    refreshing.expect("bob", "unchanged").await;

    for place in ["/organizations/g-One", "/teams/g-One"] {
        let renamed = root.get(place).await.expect(200).body;
        assert_eq!(renamed["version"], 2, "{renamed}");
        assert_ne!(renamed["updated_at"], renamed["created_at"], "{renamed}");
    }

    // The name that was left is free.
    office
        .world
        .organization(&office.world.user("eve"), "One")
        .await;
    office.check().await;
}

/// Or nobody would look at it again: all that is marked as made has its name.
#[tokio::test]
async fn what_was_changed_while_it_was_renamed_is_renamed_by_the_next_login() {
    // What is held are the new names of the organization and of its team; or the reads before them, which
    // come after that of the mark.
    for (operation, before) in [("TransactWriteItems", 0), ("GetItem", 1)] {
        is_renamed_later(operation, before).await;
    }
}

async fn is_renamed_later(operation: &str, before: usize) {
    let settings = [ORGANIZATIONS, ("ENTRA_REFRESH_NAMES", "true")];
    let (office, faults) = Office::with_faults(&settings).await;
    office.graph.assign("g-one", "One");
    office.expect("ada", "synced").await;
    office.graph.assign("g-one", "One anew");

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
        let root = office.world.tenant_admin();
        root.patch("/organizations/g-one", domain).await.expect(200);
        one.release();
        other.release();
    };
    let (line, ()) = tokio::join!(office.login("ada"), by_hand);
    assert_eq!(
        (&line["outcome"], &line["renamed"]),
        (&json!("synced"), &json!(1))
    );
    assert_eq!(office.all_organizations().await, map([("g-one", "One")]));
    office.expect("eve", "synced").await;
    assert_eq!(
        office.all_organizations().await,
        map([("g-one", "One anew")])
    );
    for user in ["eve", "ada"] {
        office.expect(user, "unchanged").await;
    }
    office.check().await;
}
