//! Inviting many addresses at once.

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Fault, Faults, Reply, World, at_once, invariants};

use crate::faults::in_a_hurry;

/// An organization of ada, the path of its invitations, and this number of addresses.
async fn organization(world: &World, addresses: usize) -> (String, Actor, Vec<String>) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let addresses = (0..addresses).map(|n| format!("user-{n:03}@acme.example"));
    (
        format!("/organizations/{id}/invitations"),
        ada,
        addresses.collect(),
    )
}

fn body(addresses: &[String]) -> Value {
    let items = addresses.iter().map(|email| json!({"email": email}));
    json!({"items": items.collect::<Vec<_>>()})
}

/// The status and code of each item.
fn outcomes(reply: &Reply) -> Vec<(u64, &str)> {
    let items = reply.body["items"].as_array().unwrap().iter();
    let outcome = |item: &Value| item["status"].as_u64().unwrap();
    items
        .map(|item| (outcome(item), item["code"].as_str().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn a_hundred_addresses_are_invited_in_five_transactions() {
    let world = World::start().await;
    let (invitations, ada, addresses) = organization(&world, 100).await;
    world.calls.take();
    let reply = ada
        .post(&format!("{invitations}/batch"), body(&addresses))
        .await
        .expect(200);
    let calls = world.calls.operations();
    let writes = calls.iter().filter(|call| *call == "TransactWriteItems");
    assert_eq!(writes.count(), 5);
    assert_eq!(outcomes(&reply), vec![(201, ""); 100]);
    let items = reply.body["items"].as_array().unwrap();
    for (item, email) in items.iter().zip(&addresses) {
        assert_eq!(item["email"], *email);
        let mut invitation = item["invitation"].clone();
        let link = invitation.as_object_mut().unwrap().remove("accept_url");
        assert!(link.unwrap().as_str().unwrap().contains("invitation=inv1_"));
        let path = format!("{invitations}/{}", invitation["id"].as_str().unwrap());
        assert_eq!(ada.get(&path).await.expect(200).body, invitation);
    }
    invariants::check(&world.items().await);

    // Without a key, the repeated batch finds them all.
    let before = world.table().await.len();
    let batch = format!("{invitations}/batch");
    let again = ada.post(&batch, body(&addresses)).await.expect(200);
    assert_eq!(outcomes(&again), vec![(200, ""); 100]);
    assert_eq!(world.table().await.len(), before);
}

#[tokio::test]
async fn an_address_that_is_refused_fails_alone() {
    let world = World::start().await;
    let (invitations, ada, addresses) = organization(&world, 3).await;
    let id = invitations.split('/').nth(2).unwrap();
    let max = world.member(id, "max", "admin", "active").await;
    ada.post(&invitations, json!({"email": "invited@acme.example"}))
        .await
        .expect(201);
    let team = ada
        .post(&format!("/organizations/{id}/teams"), json!({"name": "T"}))
        .await
        .expect(201);
    let items = json!([
        {"email": addresses[0], "team_ids": [team.body["id"]]},
        {"email": "invited@acme.example"},
        {"email": "Invited@ACME.example", "role": "admin"},
        {"email": addresses[0].to_uppercase()},
        {"email": "no address"},
        {"email": addresses[1], "role": "owner"},
        {"email": "no-team@acme.example", "team_ids": ["none"]},
        {"role": "admin"},
        "user",
        {"email": addresses[1], "role": "boss", "team": "x"},
        {"email": addresses[2], "role": "admin"},
    ]);
    let reply = max
        .post(&format!("{invitations}/batch"), json!({"items": items}))
        .await
        .expect(200);
    assert_eq!(
        outcomes(&reply),
        [
            (201, ""),
            (200, ""),
            (409, "already-invited"),
            (200, ""),
            (400, "validation-failed"),
            (403, "forbidden"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (400, "validation-failed"),
            (201, ""),
        ]
    );
    let shown = &reply.body["items"];
    for (item, result) in items
        .as_array()
        .unwrap()
        .iter()
        .zip(shown.as_array().unwrap())
    {
        let is_invited = result["status"].as_u64().unwrap() < 300;
        assert_eq!(result.get("invitation").is_some(), is_invited);
        assert_eq!(result.get("detail").is_some(), !is_invited);
        if !is_invited {
            assert_eq!(result["email"], item["email"]);
        }
    }
    let detail = shown[9]["detail"].as_str().unwrap();
    assert!(
        detail.contains("role must be") && detail.contains("team "),
        "{detail}"
    );
    assert_eq!(ada.all(&invitations).await.len(), 3);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_batch_that_is_not_valid_invites_no_one() {
    let world = World::start().await;
    let (invitations, ada, addresses) = organization(&world, 101).await;
    let batch = format!("{invitations}/batch");
    let before = world.everything().await;
    for (body, pointer) in [
        (body(&addresses), "/items"),
        (json!({"items": []}), "/items"),
        (json!({"items": {}}), "/items"),
        (json!({}), "/items"),
        (
            json!({"items": [{"email": addresses[0]}], "role": "admin"}),
            "/role",
        ),
    ] {
        let refused = ada.post_once(&batch, "k", body).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn only_owners_and_admins_invite_in_a_batch() {
    let world = World::start().await;
    let (invitations, _, addresses) = organization(&world, 2).await;
    let id = invitations.split('/').nth(2).unwrap();
    let manager = world.member(id, "manager", "manager", "active").await;
    let before = world.everything().await;
    let batch = format!("{invitations}/batch");
    let reply = manager.post_once(&batch, "k", body(&addresses)).await;
    reply.problem(403, "forbidden");
    for actor in [
        world.user("stranger"),
        world.tenant_admin_of("globex"),
        world.user_of("globex", "ada"),
    ] {
        let reply = actor.post_once(&batch, "k", body(&addresses)).await;
        reply.problem(404, "not-found");
    }
    assert_eq!(world.everything().await, before);
    let root = world.tenant_admin();
    let reply = root.post(&batch, body(&addresses)).await.expect(200);
    assert_eq!(outcomes(&reply), [(201, ""), (201, "")]);
}

/// A transaction of the batch, or that of its results, fails or loses its response. The repeated request continues where
/// the first one ended, and shows what it created as new.
#[tokio::test]
async fn a_repeated_batch_of_invitations_continues() {
    for (words, fault) in [
        ("user-030", Fault::Failure(500)),
        ("user-030", Fault::CutAfter),
        ("user-000 user-059", Fault::Failure(500)),
        ("user-000 user-059", Fault::CutAfter),
    ] {
        let (world, faults) = Faults::world(in_a_hurry()).await;
        let (invitations, ada, addresses) = organization(&world, 60).await;
        let batch = format!("{invitations}/batch");
        faults.always(&format!("TransactWriteItems {words}"), fault);
        let failed = ada.post_once(&batch, "k", body(&addresses)).await;
        failed.problem(503, "unavailable");
        faults.stop();
        let other = ada.post_once(&batch, "k", body(&addresses[1..])).await;
        other.problem(422, "idempotency-mismatch");
        let repeated = ada.post_once(&batch, "k", body(&addresses)).await;
        let repeated = repeated.expect(200);
        assert_eq!(
            outcomes(&repeated),
            vec![(201, ""); 60],
            "{words} {fault:?}"
        );
        let again = ada.post_once(&batch, "k", body(&addresses)).await;
        assert_eq!(again.expect(200).body, repeated.body);
        assert_eq!(ada.all(&invitations).await.len(), 60);
        invariants::check(&world.items().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlapping_batches_invite_each_address_once() {
    let world = World::start().await;
    let (invitations, ada, addresses) = organization(&world, 60).await;
    let replies = at_once((0..4).map(|n| {
        let some = addresses.iter().skip(n * 10).take(30).cloned();
        let body = body(&some.collect::<Vec<_>>());
        let (ada, batch) = (ada.clone(), format!("{invitations}/batch"));
        async move { ada.post(&batch, body).await }
    }))
    .await;
    let mut created = 0;
    for reply in &replies {
        for (status, code) in outcomes(reply) {
            assert!(matches!(status, 200 | 201), "{status} {code}");
            created += usize::from(status == 201);
        }
    }
    assert_eq!(created, 60);
    invariants::check(&world.items().await);
}

/// The inviter loses the right between two transactions of the batch: the rest is refused.
#[tokio::test]
async fn the_right_to_invite_is_checked_in_each_transaction() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (invitations, ada, addresses) = organization(&world, 30).await;
    let id = invitations.split('/').nth(2).unwrap();
    let max = world.member(id, "max", "admin", "active").await;
    let mut held = faults.hold("TransactWriteItems user-029");
    let going = tokio::spawn({
        let (batch, body) = (format!("{invitations}/batch"), body(&addresses));
        async move { max.post(&batch, body).await }
    });
    held.arrived().await;
    let path = format!("/organizations/{id}/members/max");
    ada.patch(&path, json!({"role": "member"}))
        .await
        .expect(200);
    held.release();
    let reply = going.await.unwrap().expect(200);
    let outcomes = outcomes(&reply);
    assert_eq!(outcomes[..24], vec![(201, ""); 24]);
    assert_eq!(outcomes[24..], vec![(403, "forbidden"); 6]);
    invariants::check(&world.items().await);
}
