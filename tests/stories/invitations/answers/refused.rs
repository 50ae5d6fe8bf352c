//! Answers to invitations that are refused.

use serde_json::{Value, json};
use support::{World, invariants};

use super::{ACCEPT, ADDRESS, DECLINE, accept, common, decline, invited};
use crate::invitations::by_email::{Calendar, DAY, MINUTE, acme, bob, path, token, verified};

#[tokio::test]
async fn every_token_that_does_not_work_returns_the_same_404() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let other = world.user_of("globex", "bob");
    let foreign = world
        .organization(&world.user_of("globex", "gus"), "G")
        .await;
    let gus = world.user_of("globex", "gus");
    let foreign = gus
        .post(&format!("/organizations/{foreign}/invitations"), bob())
        .await
        .expect(201);

    let made = ada.post(&invitations, bob()).await.expect(201);
    let first = token(&made);
    calendar.pass(MINUTE);
    let resend = format!("{}/resend", path(&made));
    let sent_again = ada.post_empty(&resend).await.expect(200);
    let current = token(&sent_again);
    let (named, mac) = current.split_once('.').unwrap();
    let forged = format!("{named}.{}", mac.chars().rev().collect::<String>());
    let revoked = ada
        .post(&invitations, json!({"email": "r@acme.example"}))
        .await;
    ada.delete(&path(&revoked)).await.expect(204);
    let short = json!({"email": "e@acme.example", "expires_in_days": 1});
    let expired = ada.post(&invitations, short).await.expect(201);
    calendar.pass(DAY);
    let before = world.everything().await;
    world.calls.take();
    let mut seen = Vec::new();
    for (what, wrong) in [
        ("replaced", first.as_str()),
        ("forged", &forged),
        ("revoked", &token(&revoked)),
        ("expired", &token(&expired)),
        ("foreign", &token(&foreign)),
        ("malformed", "no token"),
        ("empty", ""),
        ("without HMAC", named),
    ] {
        for route in [ACCEPT, DECLINE] {
            let answered = user.post(route, json!({"token": wrong})).await;
            assert_eq!(world.calls.operations(), ["BatchGetItem"], "{what}");
            assert_eq!(answered.status, 404, "{what}");
            let mut answered = common(answered);
            answered[1].as_object_mut().unwrap().remove("instance");
            seen.push(answered);
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    accept(&other, &current).await.problem(404, "not-found");
    // Of a deleted organization.
    assert_eq!(world.everything().await, before);
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    accept(&user, &current).await.problem(404, "not-found");
    ada.post_empty(&format!("/organizations/{id}/restore"))
        .await
        .expect(200);
    accept(&user, &current).await.expect(200);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn only_the_invited_verified_address_is_accepted() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let kelvin = json!({"email": "kim@acme.example"});
    let made = ada.post(&invitations, kelvin).await.expect(201);
    let token = token(&made);
    world.register(&["unverified", "none"]).await;
    let root = world.tenant_admin();
    root.put("/users/unverified", json!({"email": "kim@acme.example"}))
        .await;
    for (user, address) in [
        ("kelvin", "\u{212a}im@acme.example"),
        ("plus", "kim+1@acme.example"),
        ("dots", "k.im@acme.example"),
        ("other", "kim@acme.example.org"),
    ] {
        verified(&world, user, address).await;
    }
    let before = world.everything().await;
    for user in ["unverified", "none", "stranger"] {
        for reply in [
            accept(&world.user(user), &token).await,
            decline(&world.user(user), &token).await,
        ] {
            reply.problem(403, "email-not-verified");
        }
    }
    for user in ["kelvin", "plus", "dots", "other"] {
        for reply in [
            accept(&world.user(user), &token).await,
            decline(&world.user(user), &token).await,
        ] {
            reply.problem(403, "invitation-for-another-address");
        }
    }
    let machine = world.machine_of("acme");
    accept(&machine, &token).await.problem(403, "forbidden");
    assert_eq!(world.everything().await, before);
    verified(&world, "kim", "KIM@Acme.Example").await;
    accept(&world.user("kim"), &token).await.expect(200);
    assert_eq!(
        ada.all(&format!("/organizations/{id}/members")).await.len(),
        2
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn accepting_needs_the_right_of_the_inviter() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let max = world.member(&id, "max", "admin", "active").await;
    let body = json!({"email": ADDRESS, "role": "admin"});
    let made = max.post(&invitations, body).await.expect(201);
    let token = token(&made);
    let members = format!("/organizations/{id}/members");
    let inviter = format!("{members}/max");
    let root = world.tenant_admin();
    let set = |body: Value| ada.patch(&inviter, body);
    for (change, back) in [
        (json!({"role": "member"}), json!({"role": "admin"})),
        (json!({"status": "suspended"}), json!({"status": "active"})),
    ] {
        set(change).await.expect(200);
        accept(&user, &token)
            .await
            .problem(409, "invitation-not-valid");
        set(back).await.expect(200);
    }
    root.patch("/users/max", json!({"status": "disabled"}))
        .await
        .expect(200);
    accept(&user, &token)
        .await
        .problem(409, "invitation-not-valid");
    root.patch("/users/max", json!({"status": "enabled"}))
        .await
        .expect(200);
    max.delete(&format!("{members}/me")).await.expect(204);
    accept(&user, &token)
        .await
        .problem(409, "invitation-not-valid");
    assert_eq!(ada.get(&path(&made)).await.body["status"], "pending");
    // The tenant admin who sends it again becomes the inviter.
    ada.delete(&path(&made)).await.expect(204);
    let made = root.post(&invitations, bob()).await.expect(201);
    accept(&user, &crate::invitations::by_email::token(&made))
        .await
        .expect(200);
    invariants::check(&world.items().await);
}

/// The right of a tenant admin comes from their token, but a disabled user gives nothing.
#[tokio::test]
async fn a_disabled_tenant_admin_gives_nothing() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let root = world.tenant_admin();
    world.register(&["root2"]).await;
    let second = world.actor("acme", "root2", &["tenant-admins"]);
    let made = second.post(&invitations, bob()).await.expect(201);
    let status = |status: &str| json!({"status": status});
    root.patch("/users/root2", status("disabled"))
        .await
        .expect(200);
    let before = world.everything().await;
    for reply in [
        accept(&user, &token(&made)).await,
        user.post_empty(&format!(
            "/users/me/invitations/{}/accept",
            made.body["id"].as_str().unwrap()
        ))
        .await,
    ] {
        reply.problem(409, "invitation-not-valid");
    }
    assert_eq!(world.everything().await, before);
    root.patch("/users/root2", status("enabled"))
        .await
        .expect(200);
    accept(&user, &token(&made)).await.expect(200);
    // Their own invitation brings a tenant admin back only while they are enabled.
    verified(&world, "root2", "root2@acme.example").await;
    let body = json!({"email": "root2@acme.example", "role": "owner"});
    let own = second.post(&invitations, body).await.expect(201);
    root.patch("/users/root2", status("disabled"))
        .await
        .expect(200);
    let refused = accept(&world.user("root2"), &token(&own)).await;
    refused.problem(403, "user-disabled");
    // A machine has no profile, nor has a tenant admin who was erased.
    let machine = world.machine_of("acme");
    let kim = json!({"email": "kim@acme.example"});
    let by_machine = machine.post(&invitations, kim).await.expect(201);
    let max = json!({"email": "max@acme.example"});
    let third = world.actor("acme", "root3", &["tenant-admins"]);
    let by_erased = third.post(&invitations, max).await.expect(201);
    root.delete("/users/root3").await.expect(204);
    for (name, made) in [("kim", by_machine), ("max", by_erased)] {
        verified(&world, name, &format!("{name}@acme.example")).await;
        accept(&world.user(name), &token(&made)).await.expect(200);
    }
    assert_eq!(
        ada.all(&format!("/organizations/{id}/members")).await.len(),
        4
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_disabled_user_answers_no_invitation() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let user = invited(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let root = world.tenant_admin();
    root.patch("/users/bob", json!({"status": "disabled"}))
        .await
        .expect(200);
    let before = world.everything().await;
    for reply in [
        accept(&user, &token(&made)).await,
        decline(&user, &token(&made)).await,
        accept(&user, "no token").await,
    ] {
        reply.problem(403, "user-disabled");
    }
    assert_eq!(world.everything().await, before);
    // Nor is an answer repeated to them.
    let enabled = json!({"status": "enabled"});
    root.patch("/users/bob", enabled).await.expect(200);
    accept(&user, &token(&made)).await.expect(200);
    root.patch("/users/bob", json!({"status": "disabled"}))
        .await
        .expect(200);
    let again = accept(&user, &token(&made)).await;
    again.problem(403, "user-disabled");
}
