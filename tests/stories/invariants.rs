//! The invariants of the data model under concurrent writes. The seventh has its own story:
//! `revocation`.

use muster_local::Options;
use serde_json::{Value, json};
use support::history::seeds;
use support::{Fault, Faults, Reply, World, at_once, invariants, statuses};

mod history;
mod violations;

use history::History;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_concurrent_requests_keep_the_invariants() {
    for seed in seeds(2) {
        let world = World::start().await;
        let replies = History::new(&world, seed).await.run(8, 40).await;
        let refused = statuses(&replies)
            .into_keys()
            .find(|status| !matches!(status, 200 | 201 | 204 | 403 | 404 | 409 | 412 | 422));
        assert_eq!(refused, None, "seed {seed}: {:?}", statuses(&replies));
        invariants::check(&world.items().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_while_dynamodb_fails_now_and_then() {
    for seed in seeds(2) {
        let (world, proxy) = Faults::world(Options::default()).await;
        let history = History::new(&world, seed).await;
        proxy.at_random(20, seed);
        let replies = history.run(8, 30).await;
        proxy.stop();
        let statuses = statuses(&replies);
        let known = [200, 201, 204, 403, 404, 409, 412, 422, 429, 503];
        assert!(
            statuses.keys().all(|status| known.contains(status)),
            "seed {seed}: {statuses:?}"
        );
        invariants::check(&world.items().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn and_when_dynamodb_forgets_what_it_has_answered() {
    for seed in seeds(1) {
        let (world, proxy) = Faults::world(Options::default()).await;
        let history = History::new(&world, seed).await;
        proxy.forget_tokens();
        proxy.at_random(20, seed);
        history.run(8, 30).await;
        proxy.stop();
        invariants::check(&world.items().await);
    }
}

/// 1 and 8: a user has at most one membership in an organization.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_one_membership_of_all_that_are_written_at_once() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let people: Vec<_> = (0..10).map(|n| format!("user-{n}")).collect();
    for person in &people {
        world.register(&[person]).await;
    }
    let id = world.organization(&ada, "Acme").await;
    let members = format!("/organizations/{id}/members");
    proxy.at_random(10, 1);
    let replies = at_once((0..120).map(|n| {
        let (ada, members) = (ada.clone(), members.clone());
        let body = json!({
            "user_id": people[n % 10],
            "role": (["member", "owner", "admin"][n / 10 % 3]),
            "status": (["active", "invited"][n / 20 % 2]),
        });
        async move { ada.post(&members, body).await }
    }))
    .await;
    proxy.stop();
    let done = statuses(&replies);
    assert!(
        done.get(&201).copied().unwrap_or_default() <= 10,
        "{done:?}"
    );
    let listed = ada.all(&format!("{members}?status=all")).await;
    assert_eq!(listed.len(), 11);
    // Every response describes the existing membership, which an invitation may have made active
    // since.
    for reply in replies.iter().filter(|reply| reply.status < 300) {
        let is_it = |one: &&Value| {
            ["user_id", "role", "created_at"]
                .iter()
                .all(|field| one[*field] == reply.body[*field])
        };
        assert!(listed.iter().any(|one| is_it(&one)), "{reply:?}");
    }
    invariants::check(&world.items().await);
}

/// 2: names are unique among live organizations, and released immediately.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_unique_and_released_at_once() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let root = world.tenant_admin();
    let names = ["Acme", "ACME", "acme ", "Globex", "globex", "Initech"];
    proxy.at_random(10, 2);
    at_once((0..12).map(|n| {
        let root = root.clone();
        async move {
            let mut random = fastrand::Rng::with_seed(n);
            let mut own = Vec::new();
            for _ in 0..10 {
                let name = random.choice(names).unwrap();
                let body = json!({"name": name});
                let Some(id) = random.choice(&own).cloned().filter(|_| random.u8(..4) > 0) else {
                    let made = root.post("/organizations", body).await;
                    own.extend(made.body["id"].as_str().map(str::to_owned));
                    continue;
                };
                let path = format!("/organizations/{id}");
                match random.u8(..3) {
                    0 => root.patch(&path, body).await,
                    1 => root.delete(&path).await,
                    _ => root.post_empty(&format!("{path}/restore")).await,
                };
            }
        }
    }))
    .await;
    proxy.stop();
    invariants::check(&world.items().await);

    let live = root.all("/organizations").await;
    for name in ["acme", "globex", "initech"] {
        let taken = live
            .iter()
            .any(|one| one["name"].as_str().unwrap().to_lowercase() == name);
        let reply = root.post("/organizations", json!({"name": name})).await;
        assert_eq!(
            reply.status,
            if taken { 409 } else { 201 },
            "{name}: {reply:?}"
        );
    }
}

/// 3 and 4: owners come and go, and are counted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_are_counted_and_never_all_gone() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let mut owners = vec![ada];
    for n in 0..5 {
        owners.push(
            world
                .member(&id, &format!("owner-{n}"), "owner", "active")
                .await,
        );
    }
    let members = format!("/organizations/{id}/members");
    let root = world.tenant_admin();
    proxy.at_random(10, 3);
    at_once((0..12).map(|n| {
        let (owners, root, members) = (owners.clone(), root.clone(), members.clone());
        async move {
            let mut random = fastrand::Rng::with_seed(n);
            for _ in 0..15 {
                let other = &random.choice(&owners).unwrap().id;
                let actor = if random.bool() {
                    &root
                } else {
                    random.choice(&owners).unwrap()
                };
                let member = format!("{members}/{other}");
                match random.u8(..8) {
                    0..=1 => actor.delete(&member).await,
                    2..=3 => actor.patch(&member, json!({"role": "member"})).await,
                    4 => actor.patch(&member, json!({"status": "suspended"})).await,
                    5 => {
                        let back = json!({"status": "active", "role": "owner"});
                        actor.patch(&member, back).await
                    }
                    6 => owners[0].post_empty(&format!("{members}/me/accept")).await,
                    _ => {
                        let status = if random.bool() { "active" } else { "invited" };
                        let body = json!({"user_id": other, "role": "owner", "status": status});
                        actor.post(&members, body).await
                    }
                };
            }
        }
    }))
    .await;
    proxy.stop();
    invariants::check(&world.items().await);
}

/// 5: a caller of another tenant with the same ids neither sees nor changes anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_one_tenant_is_written_by_another() {
    let (world, ada, id) = World::acme().await;
    let mine = world.table().await;
    let foreigners = [
        world.user_of("globex", "ada"),
        world.user_of("globex", "bob"),
        world.tenant_admin_of("globex"),
    ];
    foreigners[2].put("/users/bob", json!({})).await.expect(201);
    world.calls.take();
    let replies = at_once((0..120).map(|n| {
        let (actor, id) = (foreigners[n % 3].clone(), id.clone());
        async move {
            let organization = format!("/organizations/{id}");
            let bob = format!("{organization}/members/bob");
            match n / 3 % 8 {
                0 => actor.patch(&organization, json!({"name": "Mine"})).await,
                1 => actor.delete(&organization).await,
                2 => actor.post_empty(&format!("{organization}/restore")).await,
                3 => {
                    let body = json!({"user_id": "bob", "role": "owner", "status": "active"});
                    let members = format!("{organization}/members");
                    actor.post_once(&members, &format!("k-{n}"), body).await
                }
                4 => actor.patch(&bob, json!({"role": "owner"})).await,
                5 => actor.post_empty(&format!("{bob}/accept")).await,
                6 => actor.get(&bob).await,
                // Another tenant can use the same name.
                _ => actor.post("/organizations", json!({"name": "Acme"})).await,
            }
        }
    }))
    .await;
    for reply in &replies {
        let about_own = reply.body["instance"] == "/organizations" || reply.status == 201;
        assert!(about_own || reply.status == 404, "{reply:?}");
    }
    for call in world.calls.take() {
        for text in support::texts(&call) {
            let foreign = text.starts_with("TENANT#") && !text.starts_with("TENANT#globex#");
            assert!(!foreign, "{text} in {call:?}");
        }
    }
    let mut now = world.table().await;
    now.retain(|(pk, _), _| !pk.starts_with("TENANT#globex#"));
    assert_eq!(now, mine);
    ada.get(&format!("/organizations/{id}")).await.expect(200);
    invariants::check(&world.items().await);
}

/// 6: every member of an organization is registered in its tenant.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_known_users() {
    let world = World::start().await;
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    // Registration in another tenant does not count.
    let elsewhere = world.tenant_admin_of("globex");
    let id = world.organization(&ada, "Acme").await;
    let members = format!("/organizations/{id}/members");
    let replies = at_once((0..90).map(|n| {
        let (ada, root, elsewhere) = (ada.clone(), root.clone(), elsewhere.clone());
        let (members, user) = (members.clone(), format!("user-{}", n / 3));
        async move {
            match n % 3 {
                0 => ada.post(&members, json!({"user_id": user})).await,
                1 => elsewhere.put(&format!("/users/{user}"), json!({})).await,
                _ if n % 2 == 0 => root.put(&format!("/users/{user}"), json!({})).await,
                _ => ada.get("/users/me").await,
            }
        }
    }))
    .await;
    let added: Vec<&Reply> = replies.iter().step_by(3).collect();
    for reply in added {
        assert!(matches!(reply.status, 201 | 422), "{reply:?}");
    }
    invariants::check(&world.items().await);
}

/// 8: each request sent twice concurrently, with one key, into faults: one change, one response.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_applied_once_with_faults() {
    let (world, proxy) = Faults::world(Options::default()).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    for n in 0..20 {
        world.register(&[&format!("user-{n}")]).await;
    }
    proxy.next("TransactWriteItems", &[Fault::Conflict; 10]);
    proxy.at_random(15, 8);
    let replies = at_once((0..80).map(|n| {
        let (ada, id, key) = (ada.clone(), id.clone(), format!("k-{}", n / 2));
        async move {
            let (path, body) = if n < 40 {
                let name = format!("Organization {}", n / 2);
                ("/organizations".to_owned(), json!({"name": name}))
            } else {
                let body = json!({"user_id": format!("user-{}", n / 2 - 20), "role": "owner"});
                (format!("/organizations/{id}/members"), body)
            };
            // A client retries as instructed.
            for _ in 0..20 {
                let reply = ada.post_once(&path, &key, body.clone()).await;
                if !matches!(reply.status, 429 | 503) {
                    return reply;
                }
            }
            panic!("{path} never succeeds")
        }
    }))
    .await;
    proxy.stop();
    for pair in replies.chunks(2) {
        assert_eq!(pair[0].status, 201, "{:?}", pair[0]);
        assert_eq!(
            (pair[0].status, &pair[0].body),
            (pair[1].status, &pair[1].body)
        );
    }
    assert_eq!(ada.all("/users/me/organizations").await.len(), 21);
    let members = format!("/organizations/{id}/members?status=all");
    assert_eq!(ada.all(&members).await.len(), 21);
    invariants::check(&world.items().await);
}
