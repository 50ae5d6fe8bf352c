//! Whom a run adds and disables, and what it makes.

use serde_json::{Value, json};
use support::invariants;

use super::{
    all_groups, both_signed_in, change, created, organizations, run, set_members, sign_in, started,
};
use crate::directories::{GLOBEX, LEADS, NUCLEAR};

/// Deletes a user of the Entra tenant.
async fn delete_account(world: &support::World, user: &str) {
    change(world, |entra| {
        let users = entra["users"].as_array_mut().unwrap();
        users.retain(|one| one["user_id"] != user);
        for group in entra["groups"].as_array_mut().unwrap() {
            let members = group["members"].as_array_mut().unwrap();
            members.retain(|member| member != user);
        }
    })
    .await;
}

#[tokio::test]
async fn an_account_deleted_before_the_first_run_is_disabled() {
    let (world, path) = both_signed_in(all_groups).await;
    delete_account(&world, "homer").await;
    let first = run(&world, &path).await;
    assert_eq!(first["kind"], "complete", "{first}");
    assert_eq!(first["numbers"]["users_disabled"], 1, "{first}");
    let root = world.tenant_admin_of(GLOBEX);
    let homer = root.get("/users/homer").await.expect(200).body;
    assert_eq!(homer["status"], "disabled", "{homer}");
}

#[tokio::test]
async fn a_run_does_not_create_who_never_signed_in() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    let first = run(&world, &path).await;
    assert_eq!(first["numbers"]["users_read"], 1, "{first}");
    set_members(&world, LEADS, &[]).await;
    set_members(&world, LEADS, &["hank"]).await;
    let second = run(&world, &path).await;
    assert_eq!(second["numbers"]["memberships_made"], 0, "{second}");
    let root = world.tenant_admin_of(GLOBEX);
    root.get("/users/hank").await.expect(404);
    // The first login adds them.
    sign_in(&world, GLOBEX, "hank").await;
    root.get("/users/hank").await.expect(200);
    assert_eq!(organizations(&world.user_of(GLOBEX, "hank")).await.len(), 2);
}

#[tokio::test]
async fn a_group_map_to_a_deleted_organization_gives_nothing() {
    let (world, path) = both_signed_in(|office| {
        let mut settings = all_groups(office);
        settings["group_map"] = json!({LEADS: {"organization_id": office, "role": "manager"}});
        settings
    })
    .await;
    run(&world, &path).await;
    let root = world.tenant_admin_of(GLOBEX);
    let shown = root.get(&path).await.expect(200).body;
    let office = shown["settings"]["group_map"][LEADS]["organization_id"].clone();
    let office = format!("/organizations/{}", office.as_str().unwrap());
    root.delete(&office).await.expect(204);
    // Another one comes into the mapped group, and out of the other one.
    set_members(&world, LEADS, &["hank", "homer"]).await;
    set_members(&world, NUCLEAR, &["hank"]).await;
    let ended = run(&world, &path).await;
    assert_eq!(ended["numbers"]["failed"], 0, "{ended}");
    assert_eq!(ended["numbers"]["memberships_ended"], 2, "{ended}");
    let homer = world.user_of(GLOBEX, "homer");
    assert!(organizations(&homer).await.is_empty());
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_dry_run_names_what_is_made_for_groups_without_known_users() {
    let world = started().await;
    let (path, _) = created(&world, all_groups).await;
    sign_in(&world, GLOBEX, "homer").await;
    let new = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40077";
    change(&world, |entra| {
        let groups = entra["groups"].as_array_mut().unwrap();
        groups.push(json!({"id": new, "display_name": "App-New", "members": []}));
        let assignments = entra["assignments"].as_array_mut().unwrap();
        assignments.push(json!({"to": new}));
    })
    .await;
    let root = world.tenant_admin_of(GLOBEX);
    let dry = json!({"dry_run": true});
    let plan = root.post(&format!("{path}/sync"), dry).await.expect(200);
    let plan = plan.body["plan"].clone();
    let expected = json!([{"group_id": new, "name": "App-New"}]);
    assert_eq!(plan["organizations"], expected, "{plan}");
    assert_eq!(plan["teams"], expected, "{plan}");
    let done = run(&world, &path).await;
    assert_eq!(done["numbers"]["organizations_made"], 1, "{done}");
    assert_eq!(done["numbers"]["teams_made"], 1, "{done}");
    root.get(&format!("/organizations/{new}")).await.expect(200);
    let plan: Value = root
        .post(&format!("{path}/sync"), json!({"dry_run": true}))
        .await
        .expect(200)
        .body["plan"]
        .clone();
    assert_eq!(plan["organizations"], json!([]), "{plan}");
}

#[tokio::test]
async fn changes_of_a_run_name_the_user() {
    let (world, path) = both_signed_in(all_groups).await;
    run(&world, &path).await;
    let root = world.tenant_admin_of(GLOBEX);
    let name = json!({"display_name": "Homer"});
    root.put("/users/homer", name).await.expect(200);
    set_members(&world, NUCLEAR, &["hank"]).await;
    set_members(&world, LEADS, &["hank", "homer"]).await;
    run(&world, &path).await;
    let events = root.all("/events?actor_id=entra&user_id=homer").await;
    let of_runs = events
        .iter()
        .filter(|it| it["context"]["operation"] == "reconcileDirectory");
    let of_runs: Vec<_> = of_runs.collect();
    for expected in [
        "membership.added",
        "membership.removed",
        "team_membership.added",
    ] {
        assert!(
            of_runs.iter().any(|it| it["type"] == expected),
            "{of_runs:?}"
        );
    }
    for event in of_runs {
        assert_eq!(event["targets"][0]["name"], "Homer", "{event}");
    }
}
