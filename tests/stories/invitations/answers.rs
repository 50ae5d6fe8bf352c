//! Accepting and declining invitations by email with the token of their link.

mod refused;

use muster_local::Options;
use serde_json::{Value, json};
use support::{Actor, Fault, Faults, Lines, Reply, World, at_once, invariants};

use crate::faults::in_a_hurry;
use crate::invitations::by_email::{Calendar, acme, bob, events, path, token, verified};

const ACCEPT: &str = "/invitations/accept";
const DECLINE: &str = "/invitations/decline";
const ADDRESS: &str = "bob@acme.example";

/// A user whose verified address is the invited one.
async fn invited(world: &World) -> Actor {
    verified(world, "bob", ADDRESS).await;
    world.user("bob")
}

async fn accept(actor: &Actor, token: &str) -> Reply {
    actor.post(ACCEPT, json!({"token": token})).await
}

async fn decline(actor: &Actor, token: &str) -> Reply {
    actor.post(DECLINE, json!({"token": token})).await
}

/// The answer without what is different in each.
fn common(mut reply: Reply) -> Value {
    let body = reply.body.as_object_mut().unwrap();
    body.remove("request_id").unwrap();
    json!([reply.status, body])
}

#[tokio::test]
async fn accepting_makes_a_member_with_role_and_teams() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let bob = invited(&world).await;
    let mut teams = Vec::new();
    for name in ["One", "Two"] {
        let path = format!("/organizations/{id}/teams");
        let made = ada.post(&path, json!({"name": name})).await.expect(201);
        teams.push(made.body["id"].as_str().unwrap().to_owned());
    }
    let body = json!({"email": "Bob@ACME.example", "role": "admin", "team_ids": teams});
    let made = ada.post(&invitations, body).await.expect(201);
    ada.delete(&format!("/teams/{}", teams[1]))
        .await
        .expect(204);

    let accepted = accept(&bob, &token(&made)).await.expect(200);
    let member = ada.get(&format!("/organizations/{id}/members/bob")).await;
    for field in ["user_id", "role", "status", "source", "version"] {
        assert_eq!(accepted.body[field], member.body[field], "{field}");
    }
    assert_eq!(
        (&accepted.body["role"], &accepted.body["status"]),
        (&json!("admin"), &json!("active"))
    );
    assert_eq!(accepted.body["source"], "invitation");
    ada.get(&format!("/teams/{}/members/bob", teams[0]))
        .await
        .expect(200);
    let shown = ada.get(&path(&made)).await.expect(200).body;
    assert_eq!(
        (&shown["status"], &shown["accepted_by_user_id"]),
        (&json!("accepted"), &json!("bob"))
    );
    let events = events(&ada, &id).await;
    // The owner's own membership was added too.
    for (event, count) in [
        ("invitation.accepted", 1),
        ("membership.added", 2),
        ("team_membership.added", 1),
    ] {
        let found = events.iter().filter(|it| *it == event);
        assert_eq!(found.count(), count, "{event}");
    }
    // The same user again, and others with the used token: one of them is a member.
    let before = world.everything().await;
    let again = accept(&bob, &token(&made)).await.expect(200);
    assert_eq!(again.body, accepted.body);
    verified(&world, "eve", ADDRESS).await;
    let before_eve = world.everything().await;
    assert_ne!(before_eve, before);
    let eve = accept(&world.user("eve"), &token(&made)).await;
    eve.problem(404, "not-found");
    accept(&ada, &token(&made)).await.problem(404, "not-found");
    decline(&bob, &token(&made)).await.problem(404, "not-found");
    assert_eq!(world.everything().await, before_eve);
    // The address can be invited again once its member is gone.
    ada.delete(&format!("/organizations/{id}/members/bob"))
        .await
        .expect(204);
    accept(&bob, &token(&made)).await.problem(404, "not-found");
    ada.post(&invitations, crate::invitations::by_email::bob())
        .await
        .expect(201);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn accepting_takes_one_read_and_one_transaction() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    world.calls.take();
    accept(&user, &token(&made)).await.expect(200);
    let calls = world.calls.operations();
    assert_eq!(calls, ["BatchGetItem", "TransactWriteItems"]);
}

#[tokio::test]
async fn without_the_match_the_link_alone_is_the_right() {
    let (world, _) = Calendar::with(&[("INVITATION_EMAIL_MUST_MATCH", "false")]).await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let token = token(&made);
    let users = ["one", "two", "three", "four"];
    let replies = at_once(users.map(|user| {
        let (actor, token) = (world.user(user), token.clone());
        async move { accept(&actor, &token).await }
    }))
    .await;
    let mut statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 404, 404, 404]);
    let machine = world.machine_of("acme");
    accept(&machine, &token).await.problem(403, "forbidden");
    assert_eq!(
        ada.all(&format!("/organizations/{id}/members")).await.len(),
        2
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn accepting_never_changes_an_active_or_suspended_member() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let body = json!({"email": ADDRESS, "role": "admin"});
    for (role, status, expected) in [
        ("member", "suspended", 409),
        ("owner", "active", 200),
        ("member", "invited", 200),
    ] {
        let made = ada.post(&invitations, body.clone()).await.expect(201);
        world.member(&id, "bob", role, status).await;
        let reply = accept(&user, &token(&made)).await.expect(expected);
        let member = format!("/organizations/{id}/members/bob");
        let now = ada.get(&member).await.expect(200).body;
        match status {
            "invited" => assert_eq!(
                (&now["role"], &now["status"]),
                (&json!("admin"), &json!("active"))
            ),
            _ => assert_eq!(
                (&now["role"], &now["status"]),
                (&json!(role), &json!(status))
            ),
        }
        if expected == 409 {
            reply.problem(409, "invitation-not-valid");
        }
        ada.delete(&member).await.expect(204);
        ada.delete(&path(&made)).await;
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_key_of_a_repeated_acceptance_keeps_its_answer() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let body = json!({"token": token(&made)});
    let first = user.post(ACCEPT, body.clone()).await.expect(200);
    let second = user.post_once(ACCEPT, "k", body.clone()).await;
    assert_eq!(second.expect(200).body, first.body);
    ada.delete(&format!("/organizations/{id}/members/bob"))
        .await
        .expect(204);
    let before = world.everything().await;
    let third = user.post_once(ACCEPT, "k", body.clone()).await;
    assert_eq!(third.expect(200).body, first.body);
    let other = user.post_once(ACCEPT, "k2", body).await;
    other.problem(404, "not-found");
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn the_inviter_of_the_accepted_invitation_is_stored() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let members = format!("/organizations/{id}/members");
    let body = json!({"user_id": "bob", "status": "invited"});
    world.tenant_admin().post(&members, body).await.expect(201);
    let made = ada.post(&invitations, bob()).await.expect(201);
    let accepted = accept(&user, &token(&made)).await.expect(200);
    assert_eq!(accepted.body["invited_by_user_id"], "ada");
    let member = ada.get(&format!("{members}/bob")).await.expect(200);
    assert_eq!(member.body["invited_by_user_id"], "ada");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn declining_ends_the_invitation() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    decline(&user, &token(&made)).await.expect(204);
    let before = world.everything().await;
    decline(&user, &token(&made)).await.expect(204);
    accept(&user, &token(&made)).await.problem(404, "not-found");
    assert_eq!(world.everything().await, before);
    assert_eq!(ada.get(&path(&made)).await.body["status"], "declined");
    let events = events(&ada, &id).await;
    assert_eq!(events.last().unwrap(), "invitation.declined");
    // It does not block the next one.
    ada.post(&invitations, bob()).await.expect(201);
    invariants::check(&world.items().await);
}

/// Each answer against each other one and against the owner's revocation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_at_once_have_one_outcome() {
    for round in 0..6 {
        let world = World::start().await;
        let (ada, id, invitations) = acme(&world).await;
        let user = invited(&world).await;
        let made = ada.post(&invitations, bob()).await.expect(201);
        let token = token(&made);
        let calls = (0..6).map(|n| {
            let (ada, user, token, path) = (ada.clone(), user.clone(), token.clone(), path(&made));
            async move {
                match (n + round) % 3 {
                    0 => accept(&user, &token).await,
                    1 => decline(&user, &token).await,
                    _ => ada.delete(&path).await,
                }
            }
        });
        for reply in at_once(calls).await {
            let status = reply.status;
            assert!([200, 204, 404, 409].contains(&status), "{reply:?}");
        }
        let status = ada.get(&path(&made)).await.body["status"].clone();
        let member = ada.get(&format!("/organizations/{id}/members/bob")).await;
        assert_eq!(member.status == 200, status == "accepted", "{status}");
        let events = events(&ada, &id).await;
        let ends = ["accepted", "declined", "revoked"].map(|end| format!("invitation.{end}"));
        assert_eq!(events.iter().filter(|it| ends.contains(it)).count(), 1);
        invariants::check(&world.items().await);
    }
}

/// The transaction fails, or its response is lost, once or every time.
#[tokio::test]
async fn a_lost_answer_accepts_once() {
    for fault in [Fault::Failure(500), Fault::CutBefore, Fault::CutAfter] {
        for is_lasting in [false, true] {
            let (world, faults) = Faults::world(in_a_hurry()).await;
            let (ada, id, invitations) = acme(&world).await;
            let user = invited(&world).await;
            let made = ada.post(&invitations, bob()).await.expect(201);
            if is_lasting {
                faults.always("TransactWriteItems", fault);
                let failed = accept(&user, &token(&made)).await;
                failed.problem(503, "unavailable");
                faults.stop();
            } else {
                faults.next("TransactWriteItems", &[fault]);
            }
            let reply = accept(&user, &token(&made)).await.expect(200);
            assert_eq!(reply.body["status"], "active", "{fault:?}");
            let events = events(&ada, &id).await;
            for (event, count) in [("invitation.accepted", 1), ("membership.added", 2)] {
                let found = events.iter().filter(|it| *it == event);
                assert_eq!(found.count(), count, "{event} {fault:?}");
            }
            invariants::check(&world.items().await);
        }
    }
}

#[tokio::test]
async fn accepting_in_one_organization_leaves_the_others() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let other = world.organization(&ada, "Other").await;
    let other = format!("/organizations/{other}/invitations");
    let made = ada.post(&invitations, bob()).await.expect(201);
    let elsewhere = ada.post(&other, bob()).await.expect(201);
    accept(&user, &token(&made)).await.expect(200);
    assert_eq!(ada.get(&path(&elsewhere)).await.body["status"], "pending");
    accept(&user, &token(&elsewhere)).await.expect(200);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn no_token_of_an_answer_is_stored_or_logged() {
    let (options, lines) = Lines::collect(Options::default());
    let world = World::with(options).await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let token = token(&made);
    accept(&world.user("stranger"), &token).await;
    let body = json!({"token": token});
    user.post_once(ACCEPT, "k", body.clone()).await.expect(200);
    let again = user.post_once(ACCEPT, "k", body).await.expect(200);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    decline(&user, &token).await;
    let (_, mac) = token.split_once('.').unwrap();
    let stored = world.everything().await.join("\n");
    let logged = format!("{:?}", lines.take());
    let events = json!(ada.all(&format!("/organizations/{id}/events")).await).to_string();
    for (what, text) in [("table", &stored), ("log", &logged), ("events", &events)] {
        assert!(!text.contains("inv1_") && !text.contains(mac), "{what}");
    }
    assert!(!logged.contains(ADDRESS) && logged.contains("/invitations/accept"));
}

/// By their membership, by email as a new member, and by email with a membership that was still open.
#[tokio::test]
async fn accepting_is_the_first_activity_of_a_member() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let bob = invited(&world).await;
    verified(&world, "kim", "kim@acme.example").await;
    let kim = world.member(&id, "kim", "member", "invited").await;
    let eve = world.member(&id, "eve", "member", "invited").await;
    let accept_own = format!("/organizations/{id}/members/eve/accept");
    let mut answers = vec![eve.post_empty(&accept_own).await.expect(200)];
    for user in [bob, kim] {
        let email = format!("{}@acme.example", user.id);
        let made = ada.post(&invitations, json!({"email": email})).await;
        answers.push(accept(&user, &token(&made.expect(201))).await.expect(200));
    }
    for answer in answers {
        let user = answer.body["user_id"].as_str().unwrap();
        let member = format!("/organizations/{id}/members/{user}");
        let member = ada.get(&member).await.expect(200).body;
        assert!(member["last_active_at"].is_string(), "{user}");
        for field in ["last_active_at", "updated_at"] {
            assert_eq!(answer.body[field], member["updated_at"], "{user} {field}");
        }
        assert_eq!(member["last_active_at"], member["updated_at"], "{user}");
    }
}
