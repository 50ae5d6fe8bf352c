//! The sync keeps manual changes.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use muster::domain::Clock;
use serde_json::json;
use support::Actor;

use super::setup::{ORGANIZATIONS, Setup, map};

/// With ada in `g-sales`, which is an organization with a team.
pub(super) async fn sales(more: &[(&str, &str)]) -> (Setup, Actor) {
    let setup = Setup::open(&[&[ORGANIZATIONS], more].concat()).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    (setup, root)
}

/// A change that makes the sync look at everything again.
fn change_groups(setup: &Setup, id: &str) {
    setup.graph.assign(id, id);
}

/// Makes the open invitation of a user one of eight days ago.
async fn expire(setup: &Setup, user: &str) {
    let week_ago = Clock::system().now().before(Duration::from_hours(8 * 24));
    let (pk, sk) = (format!("TENANT#acme#USER#{user}"), "ORG#g-sales");
    let time = AttributeValue::S(week_ago.to_string());
    setup.world.tamper(&pk, sk, "updated_at", time).await;
}

#[tokio::test]
async fn role_suspension_name_and_limits_stay() {
    let settings = [
        ("ENTRA_REFRESH_NAMES", "true"),
        ("ENTRA_ROLE_MAP", r#"{"g-sales": "member"}"#),
        ("DEFAULT_TEAM_PARAMS", r#"{"max_budget": 5}"#),
    ];
    let (setup, root) = sales(&settings).await;
    setup.graph.join("bob", "g-sales");
    setup.expect("bob", "synced").await;
    let members = "/organizations/g-sales/members";
    let role = json!({"role": "manager"});
    root.patch(&format!("{members}/ada"), role)
        .await
        .expect(200);
    let status = json!({"status": "suspended"});
    root.patch(&format!("{members}/bob"), status)
        .await
        .expect(200);
    let limits = json!({"name": "Sales by hand", "limits": {"max_budget": 9}});
    root.patch("/organizations/g-sales", limits)
        .await
        .expect(200);
    let limits = json!({"name": "Team by hand", "limits": {"max_budget": 8}});
    root.patch("/teams/g-sales", limits).await.expect(200);
    let before = setup.contents().await;

    setup.expect("ada", "unchanged").await;
    setup.expect("bob", "unchanged").await;
    assert_eq!(setup.contents().await, before);
    // Renamed in the directory, with another change.
    setup.graph.assign("g-sales", "Sales EMEA");
    change_groups(&setup, "g-new");
    setup.expect("ada", "synced").await;
    setup.expect("bob", "unchanged").await;
    let mut after = setup.contents().await;
    after.retain(|item| !item.contains("g-new") && !item.contains("\"MADE\""));
    let mut before = before;
    before.retain(|item| !item.contains("\"MADE\""));
    assert_eq!(after, before);
    setup.check().await;
}

#[tokio::test]
async fn a_deleted_organization_is_not_created_or_joined_again() {
    let (setup, root) = sales(&[]).await;
    let member = "/organizations/g-sales/members/ada";
    let suspended = json!({"status": "suspended"});
    root.patch(member, suspended).await.expect(200);
    root.delete("/organizations/g-sales").await.expect(204);
    setup.graph.join("bob", "g-sales");
    for (n, user) in ["ada", "bob", "ada", "bob"].iter().enumerate() {
        setup.login(user).await;
        assert_eq!(setup.all_organizations().await.get("g-sales"), None);
        assert_eq!(setup.organizations("bob").await, map([]));
        assert_eq!(setup.teams("bob").await, map([]));
        change_groups(&setup, &format!("g-new-{n}"));
    }
    let rows = setup.world.items().await;
    let of_bob = |row: &&serde_json::Map<_, _>| row["pk"] == "TENANT#acme#USER#bob";
    // The user, their email address and their account.
    assert_eq!(rows.iter().filter(of_bob).count(), 3);

    // Restored manually with its old members; users who were not members join only now.
    root.post_empty("/organizations/g-sales/restore")
        .await
        .expect(200);
    setup.login("ada").await;
    let was = map([("g-sales", "internal_user suspended entra")]);
    assert_eq!(setup.organizations("ada").await, was);
    setup.expect("bob", "synced").await;
    let joined = map([("g-sales", "internal_user active entra")]);
    assert_eq!(setup.organizations("bob").await, joined);
    setup.check().await;
}

#[tokio::test]
async fn a_deleted_team_is_not_created_or_joined_again() {
    for settings in [&[ORGANIZATIONS][..], &[]] {
        let setup = Setup::open(settings).await;
        setup.graph.assign("g-sales", "Sales");
        setup.graph.join("ada", "g-sales");
        setup.expect("ada", "synced").await;
        let root = setup.world.tenant_admin();
        root.delete("/teams/g-sales").await.expect(204);
        setup.graph.join("bob", "g-sales");
        for user in ["ada", "bob", "ada"] {
            setup.login(user).await;
            assert_eq!(setup.teams(user).await, map([]));
            root.get("/teams/g-sales").await.problem(404, "not-found");
            change_groups(&setup, &format!("g-after-{user}"));
        }
        let rows = setup.world.items().await;
        assert!(!rows.iter().any(|row| row["sk"] == "TEAM#g-sales"));
        let left = rows.iter().find(|row| row.contains_key("deleted_at"));
        assert_eq!(left.expect("what is left of the team")["version"], 2);
        setup.check().await;
    }
}

#[tokio::test]
async fn a_manual_membership_never_changes() {
    let (setup, root) = sales(&[]).await;
    let members = "/organizations/g-sales/members";
    setup.world.register(&["cy", "dan"]).await;
    for (user, role) in [("cy", "manager"), ("dan", "readonly")] {
        let body = json!({"user_id": user, "role": role, "status": "active"});
        root.post(members, body).await.expect(201);
        let body = json!({"user_id": user});
        root.post("/teams/g-sales/members", body).await.expect(201);
    }
    let by_hand = |role: &str| map([("g-sales", &*format!("{role} active manual"))]);
    let team = map([("g-sales", "active manual")]);
    // In the group or not, for a long time or until now.
    setup.graph.join("cy", "g-sales");
    for _ in 0..2 {
        setup.login("cy").await;
        setup.login("dan").await;
        assert_eq!(setup.organizations("cy").await, by_hand("manager"));
        assert_eq!(setup.organizations("dan").await, by_hand("readonly"));
        assert_eq!(setup.teams("cy").await, team);
        assert_eq!(setup.teams("dan").await, team);
        setup.graph.leave("cy", "g-sales");
    }
    setup.graph.unassign("g-sales");
    setup.login("cy").await;
    assert_eq!(setup.organizations("cy").await, by_hand("manager"));
    assert_eq!(setup.teams("cy").await, team);
    setup.check().await;
}

#[tokio::test]
async fn an_accepted_invitation_stays_manual() {
    let (setup, root) = sales(&[]).await;
    setup.world.register(&["dan", "eve"]).await;
    let members = "/organizations/g-sales/members";
    for (user, role) in [("dan", "admin"), ("eve", "owner")] {
        let body = json!({"user_id": user, "role": role});
        root.post(members, body).await.expect(201);
        // Not in the group: the invitation stays open.
        setup.login(user).await;
        let invited = map([("g-sales", &*format!("{role} invited manual"))]);
        assert_eq!(setup.organizations(user).await, invited);

        setup.graph.join(user, "g-sales");
        let line = setup.expect(user, "synced").await;
        assert_eq!(line["MembershipsMade"], 2);
        let active = map([("g-sales", &*format!("{role} active manual"))]);
        assert_eq!(setup.organizations(user).await, active);
        assert_eq!(setup.teams(user).await, map([("g-sales", "active entra")]));
        setup.expect(user, "unchanged").await;

        setup.graph.leave(user, "g-sales");
        setup.expect(user, "synced").await;
        assert_eq!(setup.organizations(user).await, active);
        assert_eq!(setup.teams(user).await, map([]));
        // An invited owner is counted.
        setup.check().await;
    }
    // A user who became the only owner that way keeps the role.
    let eve = setup.world.user("eve");
    eve.delete(&format!("{members}/me"))
        .await
        .problem(409, "last-owner");
}

#[tokio::test]
async fn an_invitation_that_is_not_valid_gives_the_directorys_role() {
    let (setup, root) = sales(&[]).await;
    setup.world.register(&["bob", "dan", "eve", "fay"]).await;
    let members = "/organizations/g-sales/members";
    let fay = json!({"user_id": "fay", "role": "owner"});
    root.post(members, fay).await.expect(201);
    setup.graph.join("fay", "g-sales");
    expire(&setup, "fay").await;
    let bob = json!({"user_id": "bob", "role": "owner", "status": "active"});
    root.post(members, bob).await.expect(201);
    let bob = setup.world.user("bob");
    for (user, role) in [("dan", "admin"), ("eve", "owner")] {
        let body = json!({"user_id": user, "role": role});
        bob.post(members, body).await.expect(201);
        setup.graph.join(user, "g-sales");
    }
    let owner = json!({"user_id": "ora", "role": "owner", "status": "active"});
    setup.world.register(&["ora"]).await;
    root.post(members, owner).await.expect(201);
    let member = format!("{members}/bob");
    // An admin can still grant the admin role, but not the owner role.
    root.patch(&member, json!({"role": "admin"}))
        .await
        .expect(200);
    for (user, role) in [
        ("dan", "admin active manual"),
        ("eve", "internal_user active entra"),
        ("fay", "internal_user active entra"),
    ] {
        let line = setup.expect(user, "synced").await;
        assert_eq!(line["MembershipsMade"], 2);
        let active = map([("g-sales", role)]);
        assert_eq!(setup.organizations(user).await, active);
        assert_eq!(setup.teams(user).await, map([("g-sales", "active entra")]));
        setup.expect(user, "unchanged").await;
    }
    let eve = root.get(&format!("{members}/eve")).await.expect(200).body;
    assert_eq!(
        (&eve["version"], &eve["invited_by_user_id"]),
        (&json!(2), &json!(null))
    );
    // What the directory granted is removed with it.
    setup.graph.leave("eve", "g-sales");
    setup.expect("eve", "synced").await;
    assert_eq!(setup.organizations("eve").await, map([]));
    setup.check().await;
}

#[tokio::test]
async fn managed_memberships_are_removed_by_force_and_return() {
    let (setup, root) = sales(&[]).await;
    let joined = map([("g-sales", "internal_user active entra")]);
    for place in ["/organizations/g-sales/members", "/teams/g-sales/members"] {
        let ada = format!("{place}/ada");
        root.delete(&ada).await.problem(409, "directory-managed");
        let by_herself = setup.world.user("ada").delete(&ada).await;
        assert!(matches!(by_herself.status, 403 | 409), "{by_herself:?}");
        root.delete(&format!("{ada}?force=true")).await.expect(204);
        assert_eq!(setup.teams("ada").await, map([]));
        setup.expect("ada", "synced").await;
        assert_eq!(setup.organizations("ada").await, joined);
        assert_eq!(setup.teams("ada").await, map([("g-sales", "active entra")]));
    }
    setup.check().await;
}

#[tokio::test]
async fn a_suspended_user_does_not_join_through_the_team() {
    let (setup, root) = sales(&[]).await;
    let suspended = json!({"status": "suspended"});
    let member = "/organizations/g-sales/members/ada";
    root.patch(member, suspended).await.expect(200);
    let team = "/teams/g-sales/members/ada?force=true";
    root.delete(team).await.expect(204);
    setup.expect("ada", "unchanged").await;
    assert_eq!(setup.teams("ada").await, map([]));
    let was = map([("g-sales", "internal_user suspended entra")]);
    assert_eq!(setup.organizations("ada").await, was);
}

/// Between the read and the write: the membership grants nothing, because the organization is
/// deleted.
#[tokio::test]
async fn an_organization_deleted_during_a_join_stays_deleted() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.expect("eve", "synced").await;
    setup.graph.join("ada", "g-sales");
    let root = setup.world.tenant_admin();
    let joining = || faults.hold("TransactWriteItems membership.added");
    let (mut one, mut other) = (joining(), joining());
    let by_hand = async {
        one.arrived().await;
        other.arrived().await;
        root.delete("/organizations/g-sales").await.expect(204);
        one.release();
        other.release();
    };
    tokio::join!(setup.login("ada"), by_hand);
    for _ in 0..2 {
        assert_eq!(setup.organizations("ada").await, map([]));
        assert_eq!(setup.teams("ada").await, map([]));
        let ada = setup.world.user("ada");
        ada.get("/organizations/g-sales")
            .await
            .problem(404, "not-found");
        ada.get("/teams/g-sales").await.problem(404, "not-found");
        setup.check().await;
        setup.login("ada").await;
    }
}
