//! The audit log: one event for each change, read by owners, admins and tenant admins.

mod exports;
mod feed;

use muster_local::Options;
use serde_json::{Value, json};
use support::{Faults, World, at_once, invariants};

const TRANSACTION: &str = "TransactWriteItems";

fn types(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .map(|it| it["type"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn each_change_leaves_one_event_with_its_actor() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["ada", "bob"]).await;
    let id = world.organization(&ada, "Rockets").await;
    let members = format!("/organizations/{id}/members");
    ada.post(&members, json!({"user_id": "bob", "status": "active"}))
        .await
        .expect(201);
    let bob = format!("{members}/bob");
    ada.patch(&bob, json!({"role": "admin"})).await.expect(200);
    // Nothing changes, so nothing is recorded.
    ada.patch(&bob, json!({"role": "admin"})).await.expect(200);
    ada.delete(&bob).await.expect(204);
    ada.delete(&bob).await.expect(204);

    let log = ada.all(&format!("/organizations/{id}/events")).await;
    assert_eq!(
        types(&log),
        [
            "membership.removed",
            "membership.role_changed",
            "membership.added",
            "membership.added",
            "organization.created",
        ]
    );
    let changed = &log[1];
    let expected = json!({
        "id": changed["id"],
        "type": "membership.role_changed",
        "tenant_id": "acme",
        "organization_id": id,
        "occurred_at": changed["occurred_at"],
        "actor": {"type": "user", "id": "ada"},
        "targets": [
            {"type": "user", "id": "bob"},
            {"type": "organization", "id": id, "name": "Rockets"},
        ],
        "changes": {"role": {"from": "member", "to": "admin"}},
        "context": {
            "request_id": changed["context"]["request_id"],
            "operation": "updateMember",
            "source_ip": "127.0.0.1",
        },
        "resource_version": 2,
    });
    assert_eq!(*changed, expected);
    let root = world.tenant_admin();
    let one = format!("/events/{}", changed["id"].as_str().unwrap());
    assert_eq!(root.get(&one).await.expect(200).body, expected);
    // The tenant's log also has what belongs to no organization.
    let all = root.all("/events").await;
    assert_eq!(types(&all)[..5], types(&log));
    assert_eq!(types(&all)[5..], ["user.registered", "user.registered"]);
    assert_eq!(all[5]["actor"]["type"], "tenant_admin");
    support::invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_repeated_request_leaves_no_second_event() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["ada"]).await;
    let posts = (0..8).map(|_| {
        let ada = ada.clone();
        async move {
            let body = json!({"name": "Rockets"});
            ada.post_once("/organizations", "one", body).await.status
        }
    });
    assert_eq!(at_once(posts).await, [201; 8]);
    let all = world
        .tenant_admin()
        .all("/events?type=organization.*")
        .await;
    assert_eq!(types(&all), ["organization.created"]);
}

#[tokio::test]
async fn filters_and_pages_find_exactly_the_matching_events() {
    let world = World::start().await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let id = world.organization(&ada, "Rockets").await;
    for n in 0..12 {
        world
            .member(&id, &format!("m{n}"), "member", "active")
            .await;
    }
    let log = format!("/organizations/{id}/events");
    for list in [log.as_str(), "/events"] {
        let whole = root.all(list).await;
        for limit in [1, 3, 100] {
            assert_eq!(
                root.all(&format!("{list}?limit={limit}")).await,
                whole,
                "{list}"
            );
        }
        let added = root
            .all(&format!("{list}?type=membership.added,team.*"))
            .await;
        assert_eq!(added.len(), 13);
        let of_m3 = root
            .all(&format!("{list}?user_id=m3&type=membership.*&limit=1"))
            .await;
        assert_eq!(of_m3.len(), 1);
        assert_eq!(of_m3[0]["targets"][0]["id"], "m3");
        let by_ada = root
            .all(&format!("{list}?actor_id=ada&type=membership.*"))
            .await;
        assert!(by_ada.iter().all(|event| event["actor"]["id"] == "ada"));
        let time = whole[5]["occurred_at"].as_str().unwrap();
        let later = root.all(&format!("{list}?from={time}")).await;
        let before = root.all(&format!("{list}?to={time}")).await;
        assert_eq!(later.len() + before.len(), whole.len());
        assert!(
            before
                .iter()
                .all(|event| event["occurred_at"].as_str().unwrap() < time)
        );
    }
    for bad in [
        "type=",
        "type=nothing",
        "type=membership.add*",
        "order=up",
        "from=yesterday",
        "user_id=me",
        "actor=ada",
    ] {
        let reply = root.get(&format!("/events?{bad}")).await;
        reply.problem(400, "validation-failed");
    }
    root.get("/events/x")
        .await
        .problem(400, "validation-failed");
}

#[tokio::test]
async fn another_tenant_sees_no_event() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let event = world.tenant_admin().all("/events").await.remove(0);
    let stranger = world.tenant_admin_of("globex");
    assert!(stranger.all("/events").await.is_empty());
    let one = format!("/events/{}", event["id"].as_str().unwrap());
    stranger.get(&one).await.problem(404, "not-found");
    let log = format!("/organizations/{id}/events");
    stranger.get(&log).await.problem(404, "not-found");
    let first = world.tenant_admin().get("/events?limit=1").await;
    let cursor = first.body["next_cursor"].as_str().unwrap();
    let page = stranger.get(&format!("/events?cursor={cursor}")).await;
    page.problem(400, "invalid-cursor");
}

#[tokio::test]
async fn a_tenant_admin_reads_the_log_of_a_deleted_organization() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    let log = format!("/organizations/{id}/events");
    ada.get(&log).await.problem(404, "not-found");
    let log = world.tenant_admin().all(&log).await;
    assert_eq!(types(&log)[0], "organization.deleted");
}

#[tokio::test]
async fn owners_read_the_log_of_their_own_organization_only() {
    let world = World::start().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let id = world.organization(&ada, "Rockets").await;
    let other = world.organization(&bob, "Engines").await;
    let log = format!("/organizations/{id}/events");
    bob.get(&log).await.problem(404, "not-found");
    for (role, status) in [("admin", 200), ("manager", 403), ("member", 403)] {
        let member = world.member(&id, role, role, "active").await;
        assert_eq!(member.get(&log).await.status, status, "{role}");
    }
    let of_others = ada.all(&log).await;
    let is_own = |event: &Value| event["organization_id"] == id.as_str();
    assert!(!of_others.is_empty() && of_others.iter().all(is_own));

    // A cursor continues only the list that it is from.
    let page = ada.get(&format!("{log}?limit=1&type=membership.*")).await;
    let cursor = page.expect(200).body["next_cursor"].clone();
    let cursor = cursor.as_str().unwrap();
    let next = format!("{log}?limit=1&type=membership.*&cursor={cursor}");
    ada.get(&next).await.expect(200);
    let others = format!("/organizations/{other}/events?type=membership.*&cursor={cursor}");
    bob.get(&others).await.problem(400, "invalid-cursor");
    for filter in [
        "",
        "&type=team.*",
        "&type=membership.*&order=oldest",
        "&type=membership.*&user_id=ada",
        "&type=membership.*&from=2026-01-01T00:00:00Z",
    ] {
        let path = format!("{log}?limit=1&cursor={cursor}{filter}");
        ada.get(&path).await.problem(400, "invalid-cursor");
    }
}

#[tokio::test]
async fn a_declined_invitation_and_a_renamed_team_leave_events() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let bob = world.member(&id, "bob", "member", "invited").await;
    let declined = format!("/organizations/{id}/members/bob");
    let team = world.team(Some(&id), "Engines", &[]).await;
    let rename = json!({"name": "Wheels"});
    for _ in 0..2 {
        bob.delete(&declined).await.expect(204);
        ada.patch(&team, rename.clone()).await.expect(200);
    }
    let root = world.tenant_admin();
    let events = root
        .all("/events?type=membership.declined,team.updated")
        .await;
    assert_eq!(types(&events), ["team.updated", "membership.declined"]);
    let renamed = json!({"name": {"from": "Engines", "to": "Wheels"}});
    assert_eq!(events[0]["changes"], renamed);
    assert_eq!(events[1]["actor"]["id"], "bob");
    let status = json!({"from": "invited", "to": null});
    assert_eq!(events[1]["changes"]["status"], status);
}

#[tokio::test]
async fn a_restored_organization_has_its_whole_log() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Rockets").await;
    let organization = format!("/organizations/{id}");
    let log = format!("{organization}/events");
    let before = ada.all(&log).await;
    ada.delete(&organization).await.expect(204);
    ada.get(&log).await.problem(404, "not-found");
    let restore = format!("{organization}/restore");
    ada.post_empty(&restore).await.expect(200);
    // Nothing is restored, so nothing is recorded.
    ada.post_empty(&restore).await;
    let after = ada.all(&log).await;
    let new = ["organization.restored", "organization.deleted"];
    assert_eq!(types(&after)[..2], new);
    assert_eq!(after[2..], before[..]);
}

#[tokio::test]
async fn client_details_and_retention_follow_the_settings() {
    let mut options = Options::default();
    for (name, value) in [
        ("AUDIT_CLIENT_DETAILS", "false"),
        ("AUDIT_RETENTION_DAYS", "0"),
    ] {
        options.variables.insert(name.to_owned(), value.to_owned());
    }
    let world = World::with(options).await;
    world.organization(&world.user("ada"), "Rockets").await;
    for item in world
        .items()
        .await
        .iter()
        .filter(|it| it.contains_key("record"))
    {
        assert!(!item.contains_key("expires_at"), "{item:?}");
        assert!(!item.contains_key("personal"), "{item:?}");
    }
    let events = world.tenant_admin().all("/events").await;
    assert!(!events.is_empty());
    for event in events {
        assert_eq!(event["context"].as_object().unwrap().len(), 2, "{event}");
    }
    let world = World::start().await;
    world.organization(&world.user("ada"), "Rockets").await;
    let items = world.items().await;
    let event = items.iter().find(|it| it.contains_key("record")).unwrap();
    let record: Value = serde_json::from_str(event["record"].as_str().unwrap()).unwrap();
    let occurred: muster::domain::Timestamp =
        record["occurred_at"].as_str().unwrap().parse().unwrap();
    let days = (event["expires_at"].as_i64().unwrap() - occurred.as_second()) / 86_400;
    assert_eq!(days, 400);
}

#[tokio::test]
async fn private_fields_show_only_that_they_changed() {
    let world = World::start().await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let id = world.organization(&ada, "Rockets").await;
    let secret = "swordfish";
    let private = json!({
        "billing_email": format!("{secret}@acme.example"),
        "billing_address": secret,
        "stripe_customer_id": format!("cus_{secret}"),
        "metadata": {"key": secret},
    });
    ada.patch(&format!("/organizations/{id}"), private.clone())
        .await
        .expect(200);
    let profile = json!({"email": format!("{secret}@x.example"), "display_name": "Bob"});
    root.put("/users/bob", profile).await.expect(201);
    for item in world
        .items()
        .await
        .iter()
        .filter(|it| it.contains_key("record"))
    {
        assert!(
            !Value::from(item.clone()).to_string().contains(secret),
            "{item:?}"
        );
    }
    let changes = &root.all("/events?type=organization.updated").await[0]["changes"];
    for field in private.as_object().unwrap().keys() {
        assert_eq!(changes[field], json!({"changed": true}), "{field}");
    }
}

/// A departure is decided before the user leaves one of the teams, and written after it.
#[tokio::test]
async fn a_departure_names_only_the_teams_that_were_left_with_it() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let id = world.organization(&ada, "Rockets").await;
    for (user, way) in [
        ("bob", format!("/organizations/{id}/members/bob")),
        ("cyd", "/users/cyd".to_owned()),
    ] {
        world.member(&id, user, "member", "active").await;
        let mut teams = Vec::new();
        for name in ["Left before", "Left with it"] {
            let (name, members) = (format!("{name} {user}"), [(user, "member")]);
            teams.push(world.team(Some(&id), &name, &members).await);
        }
        // The transaction that names the organization's teams.
        let mut held = faults.hold(&format!("{TRANSACTION} {}", id_in(&teams[0])));
        let departure = tokio::spawn({
            let root = root.clone();
            async move { root.delete(&way).await }
        });
        held.arrived().await;
        let left = format!("{}/members/{user}", teams[0]);
        root.delete(&left).await.expect(204);
        held.release();
        departure.await.unwrap().expect(204);

        let removed = root.all("/events?type=membership.removed").await;
        let targets = removed[0]["targets"].as_array().unwrap().iter();
        let teams_of_event: Vec<_> = targets
            .filter(|target| target["type"] == "team")
            .map(|target| target["id"].as_str().unwrap())
            .collect();
        assert_eq!(removed[0]["targets"][0]["id"], user);
        assert_eq!(teams_of_event, [id_in(&teams[1])], "{user}");
        invariants::check(&world.items().await);
    }
}

/// The id of a team by its path.
fn id_in(team: &str) -> &str {
    team.rsplit('/').next().unwrap()
}
