//! Teams: in organizations and standalone, with leaders, budgets and models.

mod limits;

use serde_json::{Value, json};
use support::{World, invariants};

fn id(reply: &support::Reply) -> String {
    reply.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_manager_creates_a_team_and_its_leader_manages_it() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let mia = world
        .member(&organization, "mia", "manager", "active")
        .await;
    let lee = world.member(&organization, "lee", "member", "active").await;
    let max = world
        .member(&organization, "max", "readonly", "active")
        .await;

    let teams = format!("/organizations/{organization}/teams");
    lee.post(&teams, json!({"name": "Sales"}))
        .await
        .problem(403, "forbidden");
    let made = mia
        .post(&teams, json!({"name": "Sales", "description": "EMEA"}))
        .await
        .expect(201);
    let team = made.headers["location"].clone();
    assert_eq!(team, format!("/teams/{}", id(&made)));
    mia.post(&teams, json!({"name": " SALES "}))
        .await
        .problem(409, "name-taken");

    let members = format!("{team}/members");
    mia.post(&members, json!({"user_id": "lee", "role": "leader"}))
        .await
        .expect(201);
    mia.post(&members, json!({"user_id": "lee", "role": "leader"}))
        .await
        .expect(200);
    mia.post(&members, json!({"user_id": "lee"}))
        .await
        .problem(409, "already-member");
    world.register(&["eve"]).await;
    lee.post(&members, json!({"user_id": "eve"}))
        .await
        .problem(422, "not-an-organization-member");
    world.user("eve").get(&team).await.problem(404, "not-found");

    // A leader changes the team and its members, but cannot delete it.
    lee.patch(&team, json!({"name": "Sales EMEA"}))
        .await
        .expect(200);
    lee.post(&members, json!({"user_id": "max"}))
        .await
        .expect(201);
    lee.delete(&team).await.problem(403, "forbidden");
    max.get(&team).await.expect(200);
    max.patch(&team, json!({"name": "Max"}))
        .await
        .problem(403, "forbidden");
    assert_eq!(max.all(&members).await.len(), 2);
    assert_eq!(
        max.all("/users/me/teams").await[0]["team"]["name"],
        "Sales EMEA"
    );
    mia.post(&teams, json!({"name": "Sales"})).await.expect(201);

    // A leader who became a member is not a leader any more.
    lee.patch(&format!("{members}/lee"), json!({"role": "member"}))
        .await
        .expect(200);
    lee.delete(&format!("{members}/max"))
        .await
        .problem(403, "forbidden");
    mia.delete(&format!("{members}/max")).await.expect(204);
    mia.delete(&format!("{members}/max")).await.expect(204);

    mia.delete(&team).await.expect(204);
    mia.get(&team).await.problem(404, "not-found");
    assert_eq!(lee.all("/users/me/teams").await, Vec::<Value>::new());
    let left = world.items().await;
    assert!(
        !left
            .iter()
            .any(|item| item["sk"].as_str().unwrap().starts_with("TEAM#"))
    );
}

#[tokio::test]
async fn leaving_an_organization_leaves_only_its_teams() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let other = world.organization(&ada, "Other").await;
    let bob = world.member(&organization, "bob", "member", "active").await;
    world.member(&other, "bob", "member", "active").await;
    for (organization, count) in [(&organization, 3), (&other, 1)] {
        for n in 0..count {
            let name = format!("Team {n}");
            let members = [("bob", "member")];
            world.team(Some(organization), &name, &members).await;
        }
    }
    assert_eq!(bob.all("/users/me/teams").await.len(), 4);

    ada.delete(&format!("/organizations/{organization}/members/bob"))
        .await
        .expect(204);
    let left = bob.all("/users/me/teams").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["team"]["organization_id"], other);
    let rows = world.items().await;
    let of_bob = rows
        .iter()
        .filter(|row| row["pk"] == "TENANT#acme#USER#bob");
    let teams = of_bob.filter(|row| row["sk"].as_str().unwrap().starts_with("TEAM#"));
    assert_eq!(teams.count(), 1);
}

#[tokio::test]
async fn a_member_of_many_teams_leaves_them_all() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let bob = world.member(&organization, "bob", "owner", "active").await;
    for n in 0..95 {
        let name = format!("Team {n}");
        let members = [("bob", "member")];
        world.team(Some(&organization), &name, &members).await;
    }
    bob.delete(&format!("/organizations/{organization}/members/me"))
        .await
        .expect(204);
    assert_eq!(bob.all("/users/me/teams").await.len(), 0);
    assert!(has_left_everything(&world, "bob").await);
    // Not even among the owners do they count any more.
    invariants::check(&world.items().await);
}

/// In any order: a team member is always a member of the organization.
/// Whether the table has nothing of a user but the profile and the marks of the organizations that they left.
async fn has_left_everything(world: &World, user: &str) -> bool {
    let partition = format!("TENANT#acme#USER#{user}");
    let rows = world.items().await;
    let mut own = rows.iter().filter(|row| row["pk"] == partition.as_str());
    own.all(|row| {
        let place = row["sk"].as_str().unwrap();
        place == "USER" || place.starts_with("LEFT#")
    })
}

#[tokio::test]
async fn a_team_joined_while_leaving_the_organization_is_left_too() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let mut members = Vec::new();
    for n in 0..4 {
        let name = format!("Team {n}");
        let team = world.team(Some(&organization), &name, &[]).await;
        members.push(format!("{team}/members"));
    }
    for round in 0..12 {
        let bob = world
            .member(&organization, &format!("bob{round}"), "member", "active")
            .await;
        let joins = members.iter().map(|members| {
            let body = json!({"user_id": bob.id});
            async { ada.post(members, body).await.status }
        });
        let path = format!("/organizations/{organization}/members/{}", bob.id);
        let (joined, left) = tokio::join!(futures::future::join_all(joins), bob.delete(&path));
        assert_eq!(left.status, 204);
        assert!(
            joined.iter().all(|status| [201, 422].contains(status)),
            "{joined:?}"
        );
        assert!(has_left_everything(&world, &bob.id).await);
    }
}

#[tokio::test]
async fn team_limits_stay_within_the_organization() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{organization}");
    let limits = json!({"max_budget": 10, "models": ["large", "small"]});
    ada.patch(&path, json!({"limits": limits}))
        .await
        .expect(200);

    let teams = format!("{path}/teams");
    let too_much = json!({"name": "Sales", "limits": {"max_budget": 10.5}});
    ada.post(&teams, too_much)
        .await
        .problem(422, "budget-exceeds-organization");
    let fits = json!({"name": "Sales", "limits": {"max_budget": 10, "models": ["all-org-models"]}});
    let made = ada.post(&teams, fits).await.expect(201);
    assert_eq!(made.body["effective_models"], json!(["large", "small"]));

    let team = format!("/teams/{}", id(&made));
    ada.patch(&team, json!({"limits": {"max_budget": 11}}))
        .await
        .problem(422, "budget-exceeds-organization");
    ada.patch(&path, json!({"limits": {"models": ["huge"]}}))
        .await
        .expect(200);
    let read = ada.get(&team).await.expect(200);
    assert_eq!(read.body["effective_models"], json!(["huge"]));
    assert_eq!(read.body["limits"]["models"], json!(["all-org-models"]));
    assert_eq!(
        ada.all(&teams).await[0]["effective_models"],
        json!(["huge"])
    );
}

#[tokio::test]
async fn standalone_teams_may_have_equal_names() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let body = json!({"name": "Ops"});
    let made = root.post_once("/teams", "k1", body.clone()).await;
    let made = made.expect(201);
    let again = root.post_once("/teams", "k1", body.clone()).await;
    assert_eq!(made.body, again.expect(201).body);
    assert_eq!(made.body["organization_id"], Value::Null);
    root.post("/teams", body).await.expect(201);
    assert_eq!(root.all("/teams?limit=1").await.len(), 2);

    let members = format!("/teams/{}/members", id(&made));
    root.post(&members, json!({"user_id": "nobody"}))
        .await
        .problem(422, "unknown-user");
}

#[tokio::test]
async fn the_teams_of_a_deleted_organization_are_hidden_with_it() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{organization}");
    let members = [("ada", "member")];
    let team = world.team(Some(&organization), "Sales", &members).await;
    ada.delete(&path).await.expect(204);

    ada.get(&format!("{team}/members"))
        .await
        .problem(404, "not-found");
    assert_eq!(ada.all("/users/me/teams").await.len(), 0);
    ada.post_empty(&format!("{path}/restore")).await.expect(200);
    assert_eq!(ada.all("/users/me/teams").await.len(), 1);
}

#[tokio::test]
async fn suspended_members_do_not_see_teams_until_active_again() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let bob = world.member(&organization, "bob", "member", "active").await;
    let members = [("bob", "member")];
    world.team(Some(&organization), "Sales", &members).await;
    world.team(None, "Ops", &members).await;
    assert_eq!(bob.all("/users/me/teams").await.len(), 2);

    let member = format!("/organizations/{organization}/members/bob");
    let suspend = json!({"status": "suspended"});
    ada.patch(&member, suspend).await.expect(200);
    let left = bob.all("/users/me/teams").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0]["team"]["name"], "Ops");
    ada.patch(&member, json!({"status": "active"}))
        .await
        .expect(200);
    assert_eq!(bob.all("/users/me/teams").await.len(), 2);
}

#[tokio::test]
async fn a_team_above_its_organizations_budget_can_be_renamed() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{organization}");
    let rich = json!({"name": "Sales", "limits": {"max_budget": 100}});
    let made = ada.post(&format!("{path}/teams"), rich).await.expect(201);
    let team = format!("/teams/{}", id(&made));
    let lowered = json!({"limits": {"max_budget": 10}});
    ada.patch(&path, lowered).await.expect(200);

    let renamed = ada.patch(&team, json!({"name": "Sales EMEA"})).await;
    assert_eq!(renamed.expect(200).body["limits"]["max_budget"], 100.0);
    let same = json!({"limits": {"max_budget": 100}, "description": "north"});
    ada.patch(&team, same).await.expect(200);
    for budget in [99, 101] {
        let still_more = json!({"limits": {"max_budget": budget}});
        ada.patch(&team, still_more)
            .await
            .problem(422, "budget-exceeds-organization");
    }
    let within = json!({"limits": {"max_budget": 10}});
    ada.patch(&team, within).await.expect(200);
}

#[tokio::test]
async fn suspended_leaders_do_not_lead_until_active_again() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let lee = world.member(&organization, "lee", "member", "active").await;
    let members = [("lee", "leader")];
    let team = world.team(Some(&organization), "Sales", &members).await;

    let member = format!("{team}/members/lee");
    let change = json!({"status": "suspended"});
    ada.patch(&member, change).await.expect(200);
    lee.patch(&team, json!({"name": "Lee's"}))
        .await
        .problem(403, "forbidden");
    ada.patch(&member, json!({"status": "invited"}))
        .await
        .problem(400, "validation-failed");
    ada.patch(&member, json!({"status": "active"}))
        .await
        .expect(200);
    lee.patch(&team, json!({"name": "Lee's"})).await.expect(200);
}

#[tokio::test]
async fn effective_models_have_no_duplicates() {
    let world = World::start().await;
    let ada = world.user("ada");
    let organization = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{organization}");
    // 32 times this size is the maximum size of a page of teams.
    let models: Vec<_> = (0..512).map(|n| format!("{n:064}")).collect();
    let limits = json!({"limits": {"models": models}});
    ada.patch(&path, limits).await.expect(200);

    let teams = format!("{path}/teams");
    let often = json!({"name": "Sales", "limits": {"models": vec!["all-org-models"; 1_000]}});
    let made = ada.post_once(&teams, "k", often).await.expect(201);
    assert_eq!(made.body["effective_models"].as_array().unwrap().len(), 512);

    // A page ends before the response exceeds Lambda's limit.
    for n in 0..40 {
        let body = json!({"name": format!("Team {n}"), "limits": {"models": ["all-org-models"]}});
        ada.post(&teams, body).await.expect(201);
    }
    let first = ada.get(&format!("{teams}?limit=100")).await.expect(200);
    assert_eq!(first.body["items"].as_array().unwrap().len(), 33);
    assert!(first.body["next_cursor"].is_string());
    assert_eq!(ada.all(&format!("{teams}?limit=100")).await.len(), 41);
}
