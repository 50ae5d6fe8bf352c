//! The settings of a directory, followed without a login.

use serde_json::json;
use support::invariants;

use super::{all_groups, both_signed_in, change, run};
use crate::directories::{GLOBEX, LEADS, NUCLEAR, organizations, set_members};

#[tokio::test]
async fn manual_roles_do_not_follow_the_directory() {
    let (world, path) = both_signed_in(|office| {
        let mut settings = all_groups(office);
        settings["role_map"] = json!({"chief": "manager"});
        settings
    })
    .await;
    run(&world, &path).await;
    let give = |role: Option<&'static str>| {
        move |entra: &mut serde_json::Value| {
            let chief = json!({"id": "0c1d2e3f-4a5b-4c6d-8e7f-909192939495", "value": "chief",
                "display_name": "Chief"});
            entra["application"]["app_roles"] = json!([chief]);
            let assignments = entra["assignments"].as_array_mut().unwrap();
            let to = assignments.iter_mut().find(|it| it["to"] == NUCLEAR);
            let to = to.unwrap().as_object_mut().unwrap();
            match role {
                Some(role) => to.insert("app_role".to_owned(), role.into()),
                None => to.remove("app_role"),
            };
        }
    };
    change(&world, give(Some("chief"))).await;
    let higher = run(&world, &path).await;
    assert_eq!(higher["numbers"]["roles_changed"], 2, "{higher}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await, ["App-Nuclear: manager entra"]);

    let root = world.tenant_admin_of(GLOBEX);
    let member = format!("/organizations/{NUCLEAR}/members/homer");
    root.patch(&member, json!({"role": "admin"}))
        .await
        .expect(200);
    change(&world, give(None)).await;
    let lower = run(&world, &path).await;
    assert_eq!(lower["numbers"]["roles_changed"], 1, "{lower}");
    assert_eq!(organizations(&homer).await, ["App-Nuclear: admin entra"]);
    let hank = world.user_of(GLOBEX, "hank");
    assert_eq!(
        organizations(&hank).await[1],
        "App-Nuclear: internal_user entra"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_run_suspends_and_lifts_its_own_suspension() {
    let (world, path) = both_signed_in(|office| {
        let mut settings = all_groups(office);
        settings["on_leave"] = json!("suspend");
        settings
    })
    .await;
    run(&world, &path).await;
    let root = world.tenant_admin_of(GLOBEX);
    let member = |user: &str| format!("/organizations/{NUCLEAR}/members/{user}");
    let status = async |user: &str| {
        let shown = root.get(&member(user)).await.expect(200);
        shown.body["status"].clone()
    };
    // One of both is suspended by hand, before they leave the group.
    let by_hand = json!({"status": "suspended"});
    root.patch(&member("hank"), by_hand).await.expect(200);
    set_members(&world, NUCLEAR, &[]).await;
    let left = run(&world, &path).await;
    assert_eq!(left["outcome"], "synced", "{left}");
    assert_eq!(status("homer").await, "suspended");
    set_members(&world, NUCLEAR, &["hank", "homer"]).await;
    let back = run(&world, &path).await;
    assert_eq!(back["outcome"], "synced", "{back}");
    assert_eq!(status("homer").await, "active");
    assert_eq!(status("hank").await, "suspended");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn members_of_nested_groups_follow() {
    const INNER: &str = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40055";
    const INNERMOST: &str = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d40056";
    let (world, path) = both_signed_in(|office| {
        let mut settings = all_groups(office);
        settings["nested_groups"] = json!(true);
        settings
    })
    .await;
    let inner = |members: &'static [&str]| {
        move |entra: &mut serde_json::Value| {
            let groups = entra["groups"].as_array_mut().unwrap();
            groups.retain(|group| group["id"] != INNER && group["id"] != INNERMOST);
            groups.push(json!({"id": INNER, "display_name": "Inner", "members": members}));
            groups
                .push(json!({"id": INNERMOST, "display_name": "Innermost", "members": ["homer"]}));
        }
    };
    change(&world, inner(&[])).await;
    run(&world, &path).await;
    set_members(&world, LEADS, &["hank", INNER]).await;
    run(&world, &path).await;
    change(&world, inner(&["homer"])).await;
    let joined = run(&world, &path).await;
    assert_eq!(joined["numbers"]["memberships_made"], 2, "{joined}");
    let homer = world.user_of(GLOBEX, "homer");
    assert_eq!(organizations(&homer).await.len(), 2);
    // The innermost group leaves the inner one, and comes back: neither is assigned.
    change(&world, inner(&[])).await;
    let left = run(&world, &path).await;
    assert_eq!(left["numbers"]["memberships_ended"], 2, "{left}");
    change(&world, inner(&[INNERMOST])).await;
    let back = run(&world, &path).await;
    assert_eq!(back["numbers"]["memberships_made"], 2, "{back}");
    change(&world, inner(&[])).await;
    let left = run(&world, &path).await;
    assert_eq!(left["numbers"]["memberships_ended"], 2, "{left}");
    change(&world, inner(&[INNERMOST])).await;
    let back = run(&world, &path).await;
    assert_eq!(back["numbers"]["memberships_made"], 2, "{back}");
    // The inner group leaves the outer one, and its members with it.
    set_members(&world, LEADS, &["hank"]).await;
    let left = run(&world, &path).await;
    assert_eq!(left["numbers"]["memberships_ended"], 2, "{left}");
    assert_eq!(organizations(&homer).await.len(), 1);
    assert_eq!(run(&world, &path).await["outcome"], "unchanged");
    invariants::check(&world.items().await);
}

/// More groups than are followed by name.
#[tokio::test]
async fn hundreds_of_groups_are_followed_by_one_link() {
    let (world, path) = both_signed_in(all_groups).await;
    change(&world, |entra| {
        for n in 0..500 {
            let id = format!("d1e2f3a4-b5c6-4d7e-8f90-{n:012}");
            let group = json!({"id": id, "display_name": format!("Other {n}"), "members": []});
            entra["groups"].as_array_mut().unwrap().push(group);
            let assignments = entra["assignments"].as_array_mut().unwrap();
            assignments.push(json!({"to": id}));
        }
    })
    .await;
    run(&world, &path).await;
    let quiet = run(&world, &path).await;
    assert_eq!(quiet["kind"], "changes", "{quiet}");
    assert_eq!(quiet["numbers"]["users_read"], 0, "{quiet}");
    set_members(&world, NUCLEAR, &["hank"]).await;
    let left = run(&world, &path).await;
    assert_eq!(left["kind"], "changes", "{left}");
    assert_eq!(left["numbers"]["users_read"], 1, "{left}");
    assert_eq!(left["numbers"]["memberships_ended"], 2, "{left}");
    // One link, and not one for each fifty groups.
    let calls = |run: &serde_json::Value| run["numbers"]["graph_calls"].as_u64().unwrap();
    assert!(calls(&quiet) <= 4, "{quiet}");
}
