//! Leaving a group removes what it granted, and only that.

mod suspension;

use serde_json::json;
use support::graph::{GraphEndpoint, GraphFault};

use super::setup::{ORGANIZATIONS, Setup, event, map};
use crate::domains::verified;
use crate::invitations::by_email::{path, token};

/// With ada in two groups.
async fn two_groups(more: &[(&str, &str)]) -> Setup {
    let setup = Setup::open(&[&[ORGANIZATIONS], more].concat()).await;
    for (id, name) in [("g-one", "One"), ("g-two", "Two")] {
        setup.graph.assign(id, name);
        setup.graph.join("ada", id);
    }
    setup.expect("ada", "synced").await;
    setup
}

const ACTIVE: &str = "internal_user active entra";

#[tokio::test]
async fn leaving_a_group_removes_only_what_it_granted() {
    let setup = two_groups(&[]).await;
    let ada = setup.world.user("ada");
    let own = setup.world.organization(&ada, "Own").await;
    // Removed when the user leaves, and when the group's assignment is removed.
    setup.graph.leave("ada", "g-one");
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["MembershipsRemoved"], 2);
    assert_eq!(line["MembershipsKept"], 3);
    let owner = (&*own, "owner active manual");
    assert_eq!(
        setup.organizations("ada").await,
        map([owner, ("g-two", ACTIVE)])
    );
    assert_eq!(setup.teams("ada").await, map([("g-two", "active entra")]));
    ada.get("/organizations/g-one")
        .await
        .problem(404, "not-found");

    setup.graph.unassign("g-two");
    setup.expect("ada", "synced").await;
    assert_eq!(setup.organizations("ada").await, map([owner]));
    assert_eq!(setup.teams("ada").await, map([]));

    // Back again like a new member.
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    assert_eq!(
        setup.organizations("ada").await,
        map([owner, ("g-one", ACTIVE)])
    );
    setup.check().await;
}

#[tokio::test]
async fn leaving_an_organization_ends_manual_team_memberships() {
    let setup = two_groups(&[]).await;
    let root = setup.world.tenant_admin();
    let mut kept = Vec::new();
    for organization in ["g-one", "g-two"] {
        let teams = format!("/organizations/{organization}/teams");
        // More than fits in one transaction.
        for n in 0..if organization == "g-one" { 95 } else { 1 } {
            let body = json!({"name": format!("Team {n}")});
            let made = root.post(&teams, body).await.expect(201).body;
            let id = made["id"].as_str().unwrap().to_owned();
            let members = format!("/teams/{id}/members");
            let body = json!({"user_id": "ada"});
            root.post(&members, body).await.expect(201);
            kept = vec![id];
        }
    }
    assert_eq!(setup.teams("ada").await.len(), 98);
    setup.graph.leave("ada", "g-one");
    setup.expect("ada", "synced").await;
    assert_eq!(setup.organizations("ada").await, map([("g-two", ACTIVE)]));
    let left = map([(&*kept[0], "active manual"), ("g-two", "active entra")]);
    assert_eq!(setup.teams("ada").await, left);
    let rows = setup.world.items().await;
    let of_ada = rows
        .iter()
        .filter(|row| row["pk"] == "TENANT#acme#USER#ada");
    // The user, their email address and account, one membership, two team memberships and the departure mark: nothing else.
    assert_eq!(of_ada.count(), 7);
    setup.check().await;
}

/// An invitation from before the group gave access must not give it back.
#[tokio::test]
async fn leaving_a_group_revokes_the_invitation_of_the_address() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    let (world, root) = (&setup.world, setup.world.tenant_admin());
    setup.graph.assign("g-one", "One");
    setup.graph.join("ada", "g-one");
    setup.graph.join("bob", "g-one");
    setup.expect("bob", "synced").await;
    let invitations = "/organizations/g-one/invitations";
    let made = root
        .post(invitations, json!({"email": "ada@acme.example"}))
        .await
        .expect(201);
    let mut login = event("ada");
    login["request"]["userAttributes"]["email_verified"] = json!("true");
    setup.sign_in(login.clone()).await;
    let active = map([("g-one", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, active);
    let invitation = path(&made);
    let shown = root.get(&invitation).await.expect(200).body;
    assert_eq!(shown["status"], "pending");

    setup.graph.leave("ada", "g-one");
    setup.pass_ten_minutes();
    setup.sign_in(login).await;
    assert_eq!(setup.organizations("ada").await, map([]));
    let shown = root.get(&invitation).await.expect(200).body;
    assert_eq!(shown["status"], "revoked");
    let body = json!({"token": token(&made)});
    let ada = world.user("ada");
    let reply = ada.post("/invitations/accept", body).await;
    reply.problem(404, "not-found");
    setup.check().await;
}

#[tokio::test]
async fn on_leave_keep_keeps_the_membership() {
    let setup = two_groups(&[("ENTRA_ON_LEAVE", "keep")]).await;
    setup.graph.leave("ada", "g-one");
    setup.expect("ada", "unchanged").await;
    let both = map([("g-one", ACTIVE), ("g-two", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, both);
}

#[tokio::test]
async fn the_last_owner_is_kept_and_reported_until_there_is_another() {
    for (setting, left) in [("remove", None), ("suspend", Some("owner suspended entra"))] {
        let setup = two_groups(&[("ENTRA_ON_LEAVE", setting)]).await;
        let root = setup.world.tenant_admin();
        let members = "/organizations/g-one/members";
        let owner = json!({"role": "owner"});
        root.patch(&format!("{members}/ada"), owner)
            .await
            .expect(200);
        setup.graph.leave("ada", "g-one");
        for _ in 0..2 {
            setup.sign_in(super::setup::event("ada")).await;
            let lines = setup.lines.take();
            let failure = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
            assert_eq!(failure["error"], "organization g-one: the last owner");
            assert_eq!(lines.last().unwrap()["outcome"], "partial");
            let organizations = setup.organizations("ada").await;
            assert_eq!(organizations["g-one"], "owner active entra");
            setup.login("ada").await;
        }

        setup.world.register(&["eve"]).await;
        let body = json!({"user_id": "eve", "role": "owner", "status": "active"});
        root.post(members, body).await.expect(201);
        setup.expect("ada", "synced").await;
        let organizations = setup.organizations("ada").await;
        assert_eq!(organizations.get("g-one").map(String::as_str), left);
        setup.expect("ada", "unchanged").await;
        setup.check().await;
    }
}

/// The read is outdated: the next login checks whether there is another owner.
#[tokio::test]
async fn a_demoted_owner_is_removed_by_the_next_login() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-one", "One");
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let members = "/organizations/g-one/members";
    let ada = format!("{members}/ada");
    root.patch(&ada, json!({"role": "owner"})).await.expect(200);
    setup.world.register(&["eve"]).await;
    let eve = json!({"user_id": "eve", "role": "owner", "status": "active"});
    root.post(members, eve).await.expect(201);
    setup.graph.leave("ada", "g-one");

    let mut held = faults.hold("TransactWriteItems");
    let by_hand = async {
        held.arrived().await;
        root.patch(&ada, json!({"role": "admin"})).await.expect(200);
        held.release();
    };
    let (line, ()) = tokio::join!(setup.login("ada"), by_hand);
    assert_eq!(line["outcome"], "synced");
    let in_it = map([("g-one", "admin active entra")]);
    assert_eq!(setup.organizations("ada").await, in_it);
    setup.expect("ada", "synced").await;
    assert_eq!(setup.organizations("ada").await, map([]));
    setup.check().await;
}

/// In any order: a team member is always a member of the organization.
#[tokio::test]
async fn a_team_joined_during_removal_is_left_too() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-one", "One");
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let teams = "/organizations/g-one/teams";
    let made = root
        .post(teams, json!({"name": "By hand"}))
        .await
        .expect(201);
    let members = format!("/teams/{}/members", made.body["id"].as_str().unwrap());
    setup.graph.leave("ada", "g-one");

    // Holds the writes of the membership and of the membership in the group's team.
    let removal = || faults.hold("TransactWriteItems membership.removed");
    let (mut one, mut other) = (removal(), removal());
    let by_hand = async {
        one.arrived().await;
        other.arrived().await;
        root.post(&members, json!({"user_id": "ada"}))
            .await
            .expect(201);
        one.release();
        other.release();
    };
    tokio::join!(setup.login("ada"), by_hand);
    let in_it = map([("g-one", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, in_it);
    assert_eq!(setup.teams("ada").await.len(), 1);
    setup.expect("ada", "synced").await;
    assert_eq!(setup.organizations("ada").await, map([]));
    assert_eq!(setup.teams("ada").await, map([]));
    setup.check().await;
}

/// The assigned groups are cached in the warm function: groups that another instance created
/// meanwhile are not removed because of an older list.
#[tokio::test]
async fn a_cached_list_of_groups_removes_nothing() {
    for setting in ["remove", "suspend"] {
        let settings = [ORGANIZATIONS, ("ENTRA_ON_LEAVE", setting)];
        let warm = Setup::open(&settings).await;
        warm.expect("eve", "unchanged").await;
        warm.graph.assign("g-one", "One");
        warm.graph.join("ada", "g-one");
        warm.redeployed(&settings)
            .await
            .expect("ada", "synced")
            .await;
        assert_eq!(warm.organizations("ada").await, map([("g-one", ACTIVE)]));

        warm.graph.calls();
        let line = warm.login_at_once("ada").await;
        assert_eq!(line["outcome"], "unchanged", "{line}");
        assert_eq!(warm.organizations("ada").await, map([("g-one", ACTIVE)]));
        let mut called = warm.graph.calls();
        called.sort();
        assert_eq!(
            called,
            [
                GraphEndpoint::AssignedGroups,
                GraphEndpoint::UserGroups,
                GraphEndpoint::UserGroups
            ]
        );
        // Now it is cached.
        warm.login_at_once("ada").await;
        assert_eq!(warm.graph.calls(), [GraphEndpoint::UserGroups]);

        // And a failed second read removes nothing.
        warm.graph.unassign("g-one");
        let gone = warm.redeployed(&settings).await;
        gone.expect("eve", "unchanged").await;
        warm.graph.fail(
            GraphEndpoint::AssignedGroups,
            None,
            GraphFault::Error(500, "generalException"),
        );
        let line = gone.login_at_once("ada").await;
        assert_eq!(line["outcome"], "failed", "{line}");
        assert_eq!(warm.organizations("ada").await, map([("g-one", ACTIVE)]));
        warm.graph.heal();
        gone.expect("ada", "synced").await;
        assert_ne!(warm.organizations("ada").await, map([("g-one", ACTIVE)]));
        warm.check().await;
    }
}

/// Auto-join was turned on after their first login.
#[tokio::test]
async fn who_left_their_group_does_not_join_by_its_domain() {
    let setup = two_groups(&[]).await;
    let root = setup.world.tenant_admin();
    verified(&setup.world, &root, "g-one", "acme.example").await;
    let domain = "/organizations/g-one/domains/acme.example";
    root.patch(domain, json!({"auto_join": true}))
        .await
        .expect(200);
    setup.graph.leave("ada", "g-one");
    let verified = |user: &str| {
        let mut event = event(user);
        event["request"]["userAttributes"]["email_verified"] = "true".into();
        event
    };
    for _ in 0..2 {
        setup.pass_ten_minutes();
        setup.sign_in(verified("ada")).await;
        assert_eq!(setup.organizations("ada").await, map([("g-two", ACTIVE)]));
    }
    // The domain adds others.
    setup.graph.user("bob");
    setup.sign_in(verified("bob")).await;
    assert_eq!(
        setup.organizations("bob").await,
        map([("g-one", "member active domain")])
    );
    // Their group does.
    setup.graph.join("ada", "g-one");
    setup.pass_ten_minutes();
    setup.sign_in(verified("ada")).await;
    assert_eq!(
        setup.organizations("ada").await,
        map([("g-one", ACTIVE), ("g-two", ACTIVE)])
    );
    setup.check().await;
}
