//! A request with an `Idempotency-Key` is applied once, even when sent repeatedly.

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Reply, World, at_once, invariants, statuses};

mod concurrent_changes;
mod posts;

use posts::posts;

/// The parts that two responses to one request share.
fn answer(reply: &Reply) -> (u16, Value, Option<String>, Option<String>) {
    let header = |name: &str| reply.headers.get(name).cloned();
    (
        reply.status,
        reply.body.clone(),
        header("etag"),
        header("location"),
    )
}

fn is_repeat(reply: &Reply) -> bool {
    reply
        .headers
        .get("idempotency-replayed")
        .is_some_and(|value| value == "true")
}

#[tokio::test]
async fn repeating_a_post_with_its_key_returns_the_first_answer() {
    let world = World::start().await;
    for post in posts(&world).await {
        let first = post.send("k-1").await.expect(post.status);
        assert!(!is_repeat(&first), "{first:?}");
        let before = world.table().await;
        for _ in 0..3 {
            let again = post.send("k-1").await;
            assert_eq!(answer(&again), answer(&first), "{}", post.path);
            assert!(is_repeat(&again), "{again:?}");
        }
        assert_eq!(world.table().await, before, "{}", post.path);
    }
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_posts_with_one_key_apply_once() {
    let world = World::start().await;
    for post in posts(&world).await {
        let before = world.items().await.len();
        let path = post.path.clone();
        let post = std::sync::Arc::new(post);
        let replies = at_once((0..20).map(|_| {
            let post = std::sync::Arc::clone(&post);
            async move { post.send("k-1").await }
        }))
        .await;
        for reply in &replies {
            assert_eq!(answer(reply), answer(&replies[0]), "{path}");
        }
        assert_eq!(replies[0].status, post.status, "{:?}", replies[0]);
        let first = replies.iter().filter(|reply| !is_repeat(reply)).count();
        assert_eq!(first, 1, "{path}: done {first} times");
        let made = world.items().await.len() - before;
        // The created items, their events and the idempotency record.
        let expected = match path.as_str() {
            "/organizations" => 6,
            // With its name in the organization.
            path if path.ends_with("/teams") && path != "/teams" => 4,
            // Three events and the record.
            path if path.ends_with("/transfer-ownership") => 4,
            path if path.ends_with("/accept") || path.starts_with("/teams/g-") => 2,
            _ => 3,
        };
        assert_eq!(made, expected, "{path}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_key_of_another_body_is_rejected() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["bob", "eve"]).await;
    let create = |name: &'static str| ada.post_once("/organizations", "k", json!({"name": name}));
    let id = create("Acme").await.expect(201).body["id"].clone();
    let id = id.as_str().unwrap();
    let members = format!("/organizations/{id}/members");
    let add = |body: Value| ada.post_once(&members, "k", body);
    add(json!({"user_id": "bob"})).await.expect(201);

    let before = world.table().await;
    create("Other").await.problem(422, "idempotency-mismatch");
    for body in [
        json!({"user_id": "eve"}),
        json!({"user_id": "bob", "role": "admin"}),
        json!({"user_id": "bob", "status": "active"}),
    ] {
        add(body).await.problem(422, "idempotency-mismatch");
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn a_key_is_bound_to_the_path() {
    let world = World::start().await;
    let ada = world.user("ada");
    world.register(&["bob"]).await;
    let one = world.organization(&ada, "One").await;
    let other = world.organization(&ada, "Other").await;
    let body = json!({"user_id": "bob"});
    ada.post_once(&format!("/organizations/{one}/members"), "k", body.clone())
        .await
        .expect(201);
    ada.post_once(&format!("/organizations/{other}/members"), "k", body)
        .await
        .problem(422, "idempotency-mismatch");
}

#[tokio::test]
async fn equivalent_bodies_replay_the_response() {
    let world = World::start().await;
    let ada = world.user("ada");
    let send = |body: &'static str| {
        let request = ada
            .request(Method::POST, "/organizations")
            .header("idempotency-key", "k")
            .header("content-type", "application/json");
        ada.send(request.body(body))
    };
    let first = send(r#"{"name":"Acme","domain":"acme.example"}"#).await;
    let again = send(r#"{ "domain": "acme.example", "name": "\u0041cme" }"#).await;
    assert_eq!(answer(&again), answer(&first.expect(201)));
}

#[tokio::test]
async fn keys_of_different_callers_are_independent() {
    let world = World::start().await;
    let callers = [
        world.user("ada"),
        world.user("bob"),
        world.user_of("globex", "ada"),
    ];
    let mut ids = Vec::new();
    for caller in &callers {
        let name = format!("By {}", ids.len());
        let made = caller
            .post_once("/organizations", "k", json!({"name": name}))
            .await
            .expect(201);
        ids.push(made.body["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), callers.len());
}

#[tokio::test]
async fn the_first_response_is_kept_after_later_changes() {
    let world = World::start().await;
    let mut first = Vec::new();
    let posts = posts(&world).await;
    for post in &posts {
        first.push(post.send("k-1").await.expect(post.status));
    }
    let root = world.tenant_admin();
    let made = first[0].body["id"].as_str().unwrap();
    let id = first[2].body["organization_id"].as_str().unwrap();
    root.patch(&format!("/organizations/{id}"), json!({"name": "Renamed"}))
        .await
        .expect(200);
    root.delete(&format!("/organizations/{id}/members/new"))
        .await
        .expect(204);
    root.patch(
        &format!("/organizations/{id}/members/bob"),
        json!({"status": "suspended"}),
    )
    .await
    .expect(200);
    for id in [made, id] {
        root.delete(&format!("/organizations/{id}"))
            .await
            .expect(204);
    }

    let before = world.table().await;
    for (post, first) in posts.iter().zip(&first) {
        assert_eq!(answer(&post.send("k-1").await), answer(first));
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn a_post_without_a_change_is_replayed_too() {
    let world = World::start().await;
    let posts = posts(&world).await;
    for post in posts {
        if post.makes() || post.steps_down() {
            continue;
        }
        post.send("k-1").await.expect(post.status);
        // Already restored, added and accepted.
        let first = post.send("k-2").await.expect(200);
        assert!(!is_repeat(&first));
        let again = post.send("k-2").await;
        assert_eq!(answer(&again), answer(&first));
        assert!(is_repeat(&again));
    }
}

/// Puts the records of the table into the form of the last release, which kept the answer as JSON.
async fn keep_answers(world: &World, answer: &str) {
    for item in world.items().await {
        let text = |name: &str| item[name].as_str().unwrap().to_owned();
        if !text("pk").contains("#IDEMPOTENCY#") || !item.contains_key("value") {
            continue;
        }
        let update = world.stack.client().update_item();
        update
            .table_name(world.stack.table_name())
            .key("pk", AttributeValue::S(text("pk")))
            .key("sk", AttributeValue::S(text("sk")))
            .update_expression("SET answer = :answer REMOVE #value")
            .expression_attribute_names("#value", "value")
            .expression_attribute_values(":answer", AttributeValue::S(answer.to_owned()))
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn an_answer_kept_by_the_last_release_is_replayed() {
    let world = World::start().await;
    for post in posts(&world).await {
        let first = post.send("k-1").await.expect(post.status);
        // Another version than the stored one shows that nothing is rendered again.
        let location = first.headers.get("location").map(|_| "/kept".to_owned());
        let kept = json!({
            "status": post.status, "location": location, "version": 7, "body": first.body,
        });
        keep_answers(&world, &kept.to_string()).await;
        let before = world.table().await;
        let again = post.send("k-1").await.expect(post.status);
        assert!(is_repeat(&again));
        assert_eq!(again.body, first.body);
        assert_eq!(again.headers.get("location"), location.as_ref());
        assert!(again.headers["etag"].starts_with("\"7."));
        assert_eq!(world.table().await, before);
    }
}

#[tokio::test]
async fn a_rejected_request_can_be_repeated_with_its_key() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let create = || ada.post_once("/organizations", "k", json!({"name": "Acme"}));
    create().await.problem(409, "name-taken");
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    create().await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_two_concurrent_bodies_with_a_key_is_refused() {
    let world = World::start().await;
    let ada = world.user("ada");
    let replies = at_once((0..20).map(|n| {
        let ada = ada.clone();
        let body = json!({"name": if n % 2 == 0 { "Even" } else { "Odd" }});
        async move { ada.post_once("/organizations", "k", body).await }
    }))
    .await;
    let statuses: Vec<_> = statuses(&replies).into_iter().collect();
    assert_eq!(statuses, [(201, 10), (422, 10)]);
    invariants::check(&world.items().await);
}
