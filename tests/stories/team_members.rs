//! Team members: leaving, and the effect of a suspension in the organization. Who may do what is in
//! the tables of `roles/`.

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use support::{Actor, World};

/// A team of an organization, or a standalone one, with a member bob: organization and path.
async fn team_of_bob(world: &World, standalone: bool, role: &str) -> (String, String, Actor) {
    let id = world.organization(&world.user("ada"), "Acme").await;
    let bob = world.member(&id, "bob", "member", "active").await;
    let organization = (!standalone).then_some(id.as_str());
    let team = world.team(organization, "T", &[("bob", role)]).await;
    (id, team, bob)
}

#[tokio::test]
async fn a_member_leaves_a_team() {
    for standalone in [true, false] {
        for role in ["member", "leader"] {
            let world = World::start().await;
            let (_, team, bob) = team_of_bob(&world, standalone, role).await;
            for path in ["me", "bob"] {
                let path = format!("{team}/members/{path}");
                bob.delete(&path).await.expect(204);
            }
            let members = world.tenant_admin().all(&format!("{team}/members")).await;
            assert!(members.is_empty(), "{members:?}");
        }
    }
}

#[tokio::test]
async fn suspended_or_managed_members_cannot_leave() {
    for standalone in [true, false] {
        let world = World::start().await;
        let (_, team, bob) = team_of_bob(&world, standalone, "leader").await;
        let root = world.tenant_admin();
        let (own, member) = (format!("{team}/members/me"), format!("{team}/members/bob"));
        let sk = format!("TEAM#{}", team.trim_start_matches("/teams/"));
        let source = |source: &str| AttributeValue::S(source.to_owned());
        let pk = "TENANT#acme#USER#bob";
        world.tamper(pk, &sk, "source", source("entra")).await;
        bob.delete(&own).await.problem(409, "directory-managed");
        world.tamper(pk, &sk, "source", source("manual")).await;

        let suspend = json!({"status": "suspended"});
        root.patch(&member, suspend).await.expect(200);
        bob.delete(&own).await.problem(403, "forbidden");
        root.patch(&member, json!({"status": "active"}))
            .await
            .expect(200);
        bob.delete(&own).await.expect(204);
    }
}

#[tokio::test]
async fn a_suspended_team_member_is_not_added_again() {
    for standalone in [true, false] {
        let world = World::start().await;
        let (_, team, _) = team_of_bob(&world, standalone, "member").await;
        let root = world.tenant_admin();
        let members = format!("{team}/members");
        let suspend = json!({"status": "suspended"});
        root.patch(&format!("{members}/bob"), suspend)
            .await
            .expect(200);
        for role in ["member", "leader"] {
            let again = json!({"user_id": "bob", "role": role});
            let refused = root.post(&members, again).await;
            let refused = refused.problem(409, "already-member").body;
            assert!(refused["detail"].as_str().unwrap().contains("suspended"));
        }
    }
}

#[tokio::test]
async fn a_suspended_organization_member_is_suspended_in_teams() {
    let world = World::start().await;
    let (id, team, bob) = team_of_bob(&world, false, "leader").await;
    let ada = world.user("ada");
    let members = format!("{team}/members");
    let member = format!("{members}/bob");
    let in_organization = format!("/organizations/{id}/members/bob");
    let suspend = json!({"status": "suspended"});
    ada.patch(&in_organization, suspend).await.expect(200);

    for limit in [1, 100] {
        let listed = ada.all(&format!("{members}?limit={limit}")).await;
        assert_eq!(listed[0]["status"], "suspended");
    }
    for (role, key) in [("leader", "a"), ("member", "b")] {
        let again = json!({"user_id": "bob", "role": role});
        for refused in [
            ada.post(&members, again.clone()).await,
            ada.post_once(&members, key, again.clone()).await,
            world.tenant_admin().post(&members, again.clone()).await,
        ] {
            refused.problem(422, "not-an-organization-member");
        }
    }
    ada.patch(&member, json!({"status": "active"}))
        .await
        .problem(422, "not-an-organization-member");
    for role in ["leader", "member", "leader"] {
        let changed = ada.patch(&member, json!({"role": role})).await.expect(200);
        assert_eq!(changed.body["status"], "suspended");
    }
    bob.patch(&team, json!({"name": "Bob's"}))
        .await
        .problem(404, "not-found");
    assert!(bob.all("/users/me/teams").await.is_empty());

    // The team suspension ends with the organization's.
    ada.patch(&in_organization, json!({"status": "active"}))
        .await
        .expect(200);
    assert_eq!(ada.all(&members).await[0]["status"], "active");
    let again = json!({"user_id": "bob", "role": "leader"});
    ada.post(&members, again).await.expect(200);
    ada.patch(&member, json!({"status": "active"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn getting_a_team_member_returns_the_membership() {
    for standalone in [true, false] {
        let world = World::start().await;
        let (_, team, bob) = team_of_bob(&world, standalone, "leader").await;
        let root = world.tenant_admin();
        let path = format!("{team}/members/bob");
        let found = root.get(&path).await.expect(200);
        let listed = root.all(&format!("{team}/members")).await;
        assert_eq!(listed, std::slice::from_ref(&found.body));
        let own = bob.get(&format!("{team}/members/me")).await.expect(200);
        assert_eq!(own.body, found.body);

        let tag = found.headers["etag"].clone();
        let request = root.request(reqwest::Method::GET, &path);
        let held = root.send(request.header("if-none-match", tag)).await;
        held.expect(304);

        root.patch(&path, json!({"role": "member"}))
            .await
            .expect(200);
        let found = root.get(&path).await.expect(200);
        assert_eq!(found.body["role"], "member");
        root.delete(&path).await.expect(204);
        root.get(&path).await.problem(404, "not-found");
    }
}

#[tokio::test]
async fn getting_a_suspended_organization_member_shows_suspended() {
    let world = World::start().await;
    let (id, team, _) = team_of_bob(&world, false, "leader").await;
    let root = world.tenant_admin();
    let path = format!("{team}/members/bob");
    let body = json!({"status": "suspended"});
    root.patch(&format!("/organizations/{id}/members/bob"), body)
        .await
        .expect(200);
    let found = root.get(&path).await.expect(200);
    assert_eq!(found.body["status"], "suspended");
}
