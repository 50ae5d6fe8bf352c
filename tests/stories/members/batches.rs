//! Adding many members at once.

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Fault, Faults, Reply, World, at_once, invariants};

use crate::faults::in_a_hurry;

/// An organization of ada, and this number of users who can join it.
async fn organization(world: &World, users: usize) -> (String, Actor, Vec<String>) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let users: Vec<_> = (0..users).map(|n| format!("user-{n:03}")).collect();
    let known: Vec<_> = users.iter().map(String::as_str).collect();
    world.register(&known).await;
    (format!("/organizations/{id}/members"), ada, users)
}

fn body(users: &[String]) -> Value {
    let item = |user: &String| json!({"user_id": user, "status": "active"});
    json!({"items": users.iter().map(item).collect::<Vec<_>>()})
}

/// The status and code of each item.
fn outcomes(reply: &Reply) -> Vec<(u64, &str)> {
    let items = reply.body["items"].as_array().unwrap().iter();
    let outcome = |item: &'_ Value| item["status"].as_u64().unwrap();
    items
        .map(|item| (outcome(item), item["code"].as_str().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_hundred_members_are_added_with_few_calls() {
    let world = World::start().await;
    let (members, ada, users) = organization(&world, 100).await;
    world.calls.take();
    let reply = ada.post(&format!("{members}/batch"), body(&users)).await;
    let reply = reply.expect(200);
    let calls = world.calls.operations().len();
    assert!(calls <= 6, "{calls} calls");
    for (item, user) in reply.body["items"].as_array().unwrap().iter().zip(&users) {
        assert_eq!(
            (&item["user_id"], &item["status"]),
            (&json!(user), &json!(201))
        );
        let member = ada.get(&format!("{members}/{user}")).await.expect(200);
        assert_eq!(item["membership"], member.body);
    }
    assert_eq!(ada.all(&members).await.len(), 101);
    invariants::check(&world.items().await);

    // Without a key, the repeated batch finds them all.
    let before = world.table().await;
    let again = ada.post(&format!("{members}/batch"), body(&users)).await;
    assert_eq!(outcomes(&again.expect(200)), vec![(200, ""); 100]);
    assert_eq!(world.table().await.len(), before.len());
}

#[tokio::test]
async fn an_item_that_is_refused_fails_alone() {
    let world = World::start().await;
    let (members, ada, users) = organization(&world, 3).await;
    let add = |body: Value| ada.post(&members, body);
    for (user, role, status) in [
        ("active", "member", "active"),
        ("invited", "member", "invited"),
    ] {
        world.register(&[user]).await;
        add(json!({"user_id": user, "role": role, "status": status}))
            .await
            .expect(201);
    }
    let id = members.split('/').nth(2).unwrap();
    world.member(id, "suspended", "member", "suspended").await;
    let max = world.member(id, "max", "admin", "active").await;
    let items = json!([
        {"user_id": users[0]},
        {"user_id": "nobody"},
        {"user_id": "active"},
        {"user_id": "active ", "role": "admin"},
        {"user_id": "suspended"},
        {"user_id": "invited", "status": "active"},
        {"user_id": users[1], "role": "owner", "status": "active"},
        {"user_id": "max", "role": "admin"},
        {"user_id": "ada", "role": "admin"},
        {"role": "admin"},
        "user",
        {"user_id": "me"},
        {"user_id": "new", "role": "boss", "team": "x"},
        {"user_id": users[2], "role": "admin", "status": "active"},
    ]);
    let reply = max
        .post(&format!("{members}/batch"), json!({"items": items}))
        .await
        .expect(200);
    assert_eq!(
        outcomes(&reply),
        [
            (201, ""),
            (422, "unknown-user"),
            (200, ""),
            (422, "unknown-user"),
            (409, "already-member"),
            (200, ""),
            (403, "forbidden"),
            (200, ""),
            (409, "already-member"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (201, ""),
        ]
    );
    let shown = &reply.body["items"];
    assert_eq!(shown[5]["membership"]["status"], "active");
    assert_eq!(shown[9]["user_id"], Value::Null);
    let detail = shown[12]["detail"].as_str().unwrap();
    assert!(
        detail.contains("role must be") && detail.contains("team "),
        "{detail}"
    );
    for (item, result) in items
        .as_array()
        .unwrap()
        .iter()
        .zip(shown.as_array().unwrap())
    {
        let is_added = result["status"].as_u64().unwrap() < 300;
        assert_eq!(result.get("membership").is_some(), is_added);
        assert_eq!(result.get("detail").is_some(), !is_added);
        assert_eq!(result["user_id"], item["user_id"]);
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_batch_that_is_not_valid_adds_no_one() {
    let world = World::start().await;
    let (members, ada, users) = organization(&world, 101).await;
    let batch = format!("{members}/batch");
    let twice = json!({"items": [
        {"user_id": users[0]}, {"user_id": users[1]}, {"user_id": users[0], "role": "admin"},
    ]});
    let before = world.everything().await;
    for (body, pointer) in [
        (body(&users), "/items"),
        (json!({"items": []}), "/items"),
        (json!({"items": {}}), "/items"),
        (json!({"items": null}), "/items"),
        (json!({}), "/items"),
        (
            json!({"items": [{"user_id": users[0]}], "role": "admin"}),
            "/role",
        ),
        (twice, "/items/2/user_id"),
    ] {
        let refused = ada.post_once(&batch, "k", body).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.everything().await, before);
    ada.post_once(&batch, "k", body(&users[..100]))
        .await
        .expect(200);
}

#[tokio::test]
async fn only_owners_and_admins_add_members_in_a_batch() {
    let world = World::start().await;
    let (members, _, users) = organization(&world, 2).await;
    let id = members.split('/').nth(2).unwrap();
    let manager = world.member(id, "manager", "manager", "active").await;
    let invited = world.member(id, "invited", "owner", "invited").await;
    let before = world.everything().await;
    let batch = format!("{members}/batch");
    for key in ["k", "l"] {
        let reply = manager.post_once(&batch, key, body(&users)).await;
        reply.problem(403, "forbidden");
    }
    let outside = world.tenant_admin_of("globex");
    for actor in [
        invited,
        world.user("user-000"),
        outside,
        world.user_of("globex", "ada"),
    ] {
        let reply = actor.post_once(&batch, "k", body(&users)).await;
        reply.problem(404, "not-found");
    }
    assert_eq!(world.everything().await, before);
    let root = world.tenant_admin();
    let reply = root.post(&batch, body(&users)).await.expect(200);
    assert_eq!(outcomes(&reply), [(201, ""), (201, "")]);
}

#[tokio::test]
async fn a_repeated_batch_returns_the_first_results() {
    let world = World::start().await;
    let (members, ada, mut users) = organization(&world, 30).await;
    let batch = format!("{members}/batch");
    users.push("nobody".to_owned());
    let first = ada.post_once(&batch, "k", body(&users)).await.expect(200);
    // What would be answered differently now.
    world.register(&["nobody"]).await;
    ada.delete(&format!("{members}/{}", users[0]))
        .await
        .expect(204);
    let before = world.table().await;
    let again = ada.post_once(&batch, "k", body(&users)).await.expect(200);
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = ada.post_once(&batch, "k", body(&users[1..])).await;
    other.problem(422, "idempotency-mismatch");
    assert_eq!(world.table().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_repeats_of_a_batch_get_the_same_results() {
    let world = World::start().await;
    let (members, ada, users) = organization(&world, 30).await;
    let replies = at_once((0..8).map(|_| {
        let (ada, batch, body) = (ada.clone(), format!("{members}/batch"), body(&users));
        async move { ada.post_once(&batch, "k", body).await }
    }))
    .await;
    for reply in &replies {
        assert_eq!(outcomes(reply), vec![(201, ""); 30]);
        assert_eq!(reply.body, replies[0].body);
    }
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_batches_add_each_member_once() {
    let world = World::start().await;
    let (members, ada, users) = organization(&world, 60).await;
    let replies = at_once((0..4).map(|n| {
        let some = users.iter().skip(n * 10).take(30).cloned();
        let body = body(&some.collect::<Vec<_>>());
        let (ada, batch) = (ada.clone(), format!("{members}/batch"));
        async move { ada.post(&batch, body).await }
    }))
    .await;
    let mut added = 0;
    for reply in &replies {
        for (status, code) in outcomes(reply) {
            assert!(matches!(status, 200 | 201), "{status} {code}");
            added += usize::from(status == 201);
        }
    }
    assert_eq!(added, 60);
    invariants::check(&world.items().await);
}

/// A transaction of the batch, or that of its results, fails or loses its response. The repeated request continues where
/// the first one ended, and shows what it added as new.
#[tokio::test]
async fn a_repeated_batch_continues_after_a_failure() {
    for (words, fault) in [
        ("user-030", Fault::Failure(500)),
        ("user-030", Fault::CutAfter),
        ("user-000 user-059", Fault::Failure(500)),
        ("user-000 user-059", Fault::CutAfter),
    ] {
        let (world, faults) = Faults::world(in_a_hurry()).await;
        let (members, ada, users) = organization(&world, 60).await;
        let batch = format!("{members}/batch");
        faults.always(&format!("TransactWriteItems {words}"), fault);
        let failed = ada.post_once(&batch, "k", body(&users)).await;
        failed.problem(503, "unavailable");
        faults.stop();
        assert!(ada.get(&format!("{members}/user-000")).await.status == 200);
        let other = ada.post_once(&batch, "k", body(&users[1..])).await;
        other.problem(422, "idempotency-mismatch");
        let repeated = ada.post_once(&batch, "k", body(&users)).await.expect(200);
        assert_eq!(
            outcomes(&repeated),
            vec![(201, ""); 60],
            "{words} {fault:?}"
        );
        assert_eq!(ada.all(&members).await.len(), 61);
        invariants::check(&world.items().await);
    }
}

/// The caller loses the right between two transactions of the batch: the rest is refused.
#[tokio::test]
async fn the_right_to_add_is_checked_in_each_transaction() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (members, _, users) = organization(&world, 30).await;
    let id = members.split('/').nth(2).unwrap();
    let max = world.member(id, "max", "admin", "active").await;
    let mut held = faults.hold("TransactWriteItems user-029");
    let going = tokio::spawn({
        let (batch, body) = (format!("{members}/batch"), body(&users));
        async move { max.post(&batch, body).await }
    });
    held.arrived().await;
    let root = world.tenant_admin();
    root.patch(&format!("{members}/max"), json!({"role": "member"}))
        .await
        .expect(200);
    held.release();
    let reply = going.await.unwrap().expect(200);
    let mut expected = vec![(201, ""); 24];
    expected.extend(vec![(403, "forbidden"); 6]);
    assert_eq!(outcomes(&reply), expected);
    invariants::check(&world.items().await);
}
