//! A request with an `Idempotency-Key` is done once, however often it is sent.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Faults, Reply, World, at_once, invariants, statuses};

/// One of each `POST`, ready to be sent: who sends it, where to, with what.
#[derive(Clone)]
struct Post {
    actor: Actor,
    path: String,
    body: Option<Value>,
    status: u16,
}

impl Post {
    async fn send(&self, key: &str) -> Reply {
        let request = self
            .actor
            .request(Method::POST, &self.path)
            .header("idempotency-key", key);
        let request = match &self.body {
            Some(body) => request.json(body),
            None => request,
        };
        self.actor.send(request).await
    }
}

/// A world in which each `POST` has something to do.
async fn posts(world: &World) -> Vec<Post> {
    let ada = world.user("ada");
    world.register(&["new"]).await;
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "owner", "invited").await;
    let gone = world.organization(&ada, "Gone").await;
    ada.delete(&format!("/organizations/{gone}"))
        .await
        .expect(204);
    vec![
        Post {
            actor: ada.clone(),
            path: "/organizations".to_owned(),
            body: Some(json!({"name": "Other"})),
            status: 201,
        },
        Post {
            actor: ada.clone(),
            path: format!("/organizations/{gone}/restore"),
            body: None,
            status: 200,
        },
        Post {
            actor: ada,
            path: format!("/organizations/{id}/members"),
            body: Some(json!({"user_id": "new", "role": "owner", "status": "active"})),
            status: 201,
        },
        Post {
            actor: bob,
            path: format!("/organizations/{id}/members/me/accept"),
            body: None,
            status: 200,
        },
    ]
}

/// What two answers to one request have in common.
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
async fn every_post_that_is_repeated_with_its_key_changes_nothing_and_is_answered_alike() {
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
async fn of_twenty_at_once_with_one_key_one_is_done_and_all_are_answered_alike() {
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
        // What was made, and the record of the request.
        let expected = match path.as_str() {
            "/organizations" => 4,
            path if path.ends_with("/accept") => 1,
            _ => 2,
        };
        assert_eq!(made, expected, "{path}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_body_is_refused() {
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
async fn a_key_is_bound_to_what_the_path_names() {
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
async fn a_body_that_says_the_same_in_other_words_is_the_same() {
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
async fn the_same_key_of_another_caller_is_another_key() {
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
async fn the_first_answer_stays_whatever_became_of_what_it_tells() {
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
async fn a_post_with_nothing_to_do_keeps_its_answer_too() {
    let world = World::start().await;
    let posts = posts(&world).await;
    for post in &posts[1..] {
        post.send("k-1").await.expect(post.status);
        // Restored, added and accepted already.
        let first = post.send("k-2").await.expect(200);
        assert!(!is_repeat(&first));
        let again = post.send("k-2").await;
        assert_eq!(answer(&again), answer(&first));
        assert!(is_repeat(&again));
    }
}

/// What becomes of a post with nothing to do when something changes before its answer is kept.
struct Overtaken {
    world: World,
    faults: Faults,
    ada: Actor,
    organization: String,
}

impl Overtaken {
    /// An organization with an active member.
    async fn start() -> Self {
        let (world, faults) = Faults::world(muster_local::Options::default()).await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        world.member(&id, "bob", "admin", "active").await;
        Self {
            world,
            faults,
            ada,
            organization: format!("/organizations/{id}"),
        }
    }

    fn post(&self, actor: &str, path: String, body: Option<Value>) -> Post {
        Post {
            actor: self.world.user(actor),
            path,
            body,
            status: 0,
        }
    }

    /// Sends it, does `meanwhile` just before its n-th transaction, and sends it again with its key: the
    /// answer.
    async fn send(&self, post: Post, nth: usize, meanwhile: impl Future<Output = Reply>) -> Reply {
        let mut held: Vec<_> = (0..nth)
            .map(|_| self.faults.hold("TransactWriteItems"))
            .collect();
        let mut last = held.pop().unwrap();
        let late = {
            let post = post.clone();
            tokio::spawn(async move { post.send("k-1").await })
        };
        for mut before in held {
            before.arrived().await;
            before.release();
        }
        last.arrived().await;
        let done = meanwhile.await;
        assert!(done.status < 300, "{done:?}");
        last.release();
        let first = late.await.unwrap();
        let again = post.send("k-1").await;
        if first.status < 300 {
            assert_eq!(answer(&again), answer(&first));
        }
        assert_eq!(is_repeat(&again), first.status < 300);
        invariants::check(&self.world.items().await);
        first
    }
}

/// Or of two requests at once with one key the one would be answered from before the change and the other
/// from behind it.
#[tokio::test]
async fn the_answer_to_a_post_with_nothing_to_do_is_kept_only_while_it_is_true() {
    let admin = |user: &str| Some(json!({"user_id": user, "role": "admin"}));

    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let accept = it.post("bob", format!("{members}/me/accept"), None);
    let gone = it.send(accept, 1, it.ada.delete(&bob)).await;
    gone.problem(404, "not-found");

    // Behind the transaction that finds the member.
    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let add = it.post("ada", members.clone(), admin("bob"));
    let added = it.send(add, 2, it.ada.delete(&bob)).await.expect(201);
    assert_eq!(it.ada.get(&bob).await.expect(200).body, added.body);

    let it = Overtaken::start().await;
    let members = format!("{}/members", it.organization);
    let bob = format!("{members}/bob");
    let add_oneself = it.post("bob", members, admin("bob"));
    let gone = it.send(add_oneself, 1, it.ada.delete(&bob)).await;
    gone.problem(404, "not-found");

    let it = Overtaken::start().await;
    let restore = it.post("ada", format!("{}/restore", it.organization), None);
    let rename = it.ada.patch(&it.organization, json!({"name": "Another"}));
    let restored = it.send(restore, 1, rename).await.expect(200);
    assert_eq!(restored.body["name"], "Another");

    // A leader who adds themself is one at that moment, too.
    for change in [
        None,
        Some(json!({"role": "member"})),
        Some(json!({"status": "suspended"})),
    ] {
        let it = Overtaken::start().await;
        let id = it.organization.trim_start_matches("/organizations/");
        it.world.member(id, "lee", "member", "active").await;
        let teams = format!("{}/teams", it.organization);
        let made = it.ada.post(&teams, json!({"name": "Sales"})).await;
        let members = format!("{}/members", made.expect(201).headers["location"]);
        let leader = json!({"user_id": "lee", "role": "leader"});
        it.ada.post(&members, leader.clone()).await.expect(201);
        let lee = format!("{members}/lee");
        let meanwhile = async {
            match change {
                None => it.ada.delete(&lee).await,
                Some(change) => it.ada.patch(&lee, change).await,
            }
        };
        let add = it.post("lee", members.clone(), Some(leader));
        it.send(add, 1, meanwhile).await.problem(403, "forbidden");
    }

    for (actor, deletes) in [("ada", false), ("bob", false), ("ada", true)] {
        let it = Overtaken::start().await;
        let teams = format!("{}/teams", it.organization);
        let made = it.ada.post(&teams, json!({"name": "Sales"})).await;
        let team = made.expect(201).headers["location"].clone();
        let bob = json!({"user_id": "bob", "role": "member"});
        let members = format!("{team}/members");
        it.ada.post(&members, bob.clone()).await.expect(201);
        let add = it.post(actor, members.clone(), Some(bob));
        if deletes {
            let gone = it.send(add, 2, it.ada.delete(&team)).await;
            gone.problem(404, "not-found");
        } else {
            let leaves = format!("{members}/bob");
            let leaves = it.ada.delete(&leaves);
            it.send(add, 2, leaves).await.expect(201);
            assert_eq!(it.ada.all(&members).await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_refused_request_may_be_sent_again_with_its_key() {
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
async fn of_two_bodies_at_once_under_one_key_one_is_refused() {
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
