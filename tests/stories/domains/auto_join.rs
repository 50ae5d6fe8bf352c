//! Joining an organization by a verified email address.

use futures::future::join_all;
use serde_json::{Value, json};
use support::{Actor, World, invariants};

use super::{domains, publish, verified};
use crate::invitations::by_email::{self, Calendar, DAY, MINUTE, path, token};

/// The event of a login.
fn login(user: &str, email: &str, is_verified: bool) -> Value {
    json!({
        "version": "1",
        "triggerSource": "PostAuthentication_Authentication",
        "userName": user,
        "request": {"userAttributes": {
            "sub": user,
            "custom:tenant_id": "acme",
            "email": email,
            "email_verified": if is_verified { "true" } else { "false" },
        }},
        "response": {},
    })
}

pub(crate) async fn sign_in(world: &World, user: &str, email: &str) {
    let event = login(user, email, true);
    assert_eq!(world.invoke("post-login", &event).await, event);
}

/// An organization whose domain `acme.example` adds users.
async fn organization(world: &World) -> (String, Actor) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    verified(world, &ada, &id, "acme.example").await;
    turn(world, &id, true).await;
    (id, ada)
}

async fn turn(world: &World, id: &str, on: bool) {
    let path = format!("{}/acme.example", domains(id));
    let body = json!({"auto_join": on});
    world.tenant_admin().patch(&path, body).await.expect(200);
}

/// The membership of a user as `role status source`; empty without one.
async fn membership(world: &World, id: &str, user: &str) -> String {
    let path = format!("/organizations/{id}/members/{user}");
    let reply = world.tenant_admin().get(&path).await;
    if reply.status == 404 {
        return String::new();
    }
    let field = |name: &str| reply.body[name].as_str().unwrap().to_owned();
    format!("{} {} {}", field("role"), field("status"), field("source"))
}

#[tokio::test]
async fn a_verified_address_joins_at_login() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    sign_in(&world, "bob", "Bob@ACME.example").await;
    assert_eq!(membership(&world, &id, "bob").await, "member active domain");
    // Again: nothing more.
    sign_in(&world, "bob", "Bob@ACME.example").await;
    let path = format!("/organizations/{id}/events?type=membership.added&user_id=bob");
    let events = ada.all(&path).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["actor"]["type"], "system");
    assert_eq!(events[0]["changes"]["source"]["to"], "domain");
    let context = &events[0]["context"];
    assert_eq!(context["operation"], "postLogin");
    assert!(
        context["request_id"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{context}"
    );
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn other_addresses_do_not_join() {
    let world = World::start().await;
    let (id, _) = organization(&world).await;
    let unverified = login("bob", "bob@acme.example", false);
    world.invoke("post-login", &unverified).await;
    for (user, email) in [
        ("c1", "c1@mail.acme.example"),
        ("c2", "c2@xacme.example"),
        ("c3", "c3@example"),
        ("c4", "\"x@acme.example\"@other.example"),
        ("c5", "c5@gmail.com"),
    ] {
        sign_in(&world, user, email).await;
        assert_eq!(membership(&world, &id, user).await, "", "{email}");
    }
    assert_eq!(membership(&world, &id, "bob").await, "");
    // A user of another tenant with the same address.
    let mut apart = login("eve", "eve@acme.example", true);
    apart["request"]["userAttributes"]["custom:tenant_id"] = json!("other");
    world.invoke("post-login", &apart).await;
    assert_eq!(membership(&world, &id, "eve").await, "");
    turn(&world, &id, false).await;
    sign_in(&world, "late", "late@acme.example").await;
    assert_eq!(membership(&world, &id, "late").await, "");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn who_was_removed_or_left_does_not_come_back() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let member = |user: &str| format!("/organizations/{id}/members/{user}");
    for user in ["bob", "max"] {
        sign_in(&world, user, &format!("{user}@acme.example")).await;
    }
    ada.delete(&member("bob")).await.expect(204);
    world.user("max").delete(&member("me")).await.expect(204);
    // Added by hand and removed before their first login.
    let cy = world.member(&id, "cy", "member", "active").await;
    cy.delete(&member("me")).await.expect(204);
    // Invited, and declined.
    let dan = world.member(&id, "dan", "member", "invited").await;
    dan.delete(&member("me")).await.expect(204);
    for user in ["bob", "max", "cy", "dan"] {
        for _ in 0..2 {
            sign_in(&world, user, &format!("{user}@acme.example")).await;
            assert_eq!(membership(&world, &id, user).await, "", "{user}");
        }
    }
    // By hand they can.
    ada.post(
        &format!("/organizations/{id}/members"),
        json!({"user_id": "bob"}),
    )
    .await
    .expect(201);
    invariants::check(&world.items().await);
}

/// The organization has no domain yet, and the tenant neither.
#[tokio::test]
async fn who_left_before_the_first_domain_stays_out() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let member = |user: &str| format!("/organizations/{id}/members/{user}");
    world.member(&id, "bob", "member", "active").await;
    ada.delete(&member("bob")).await.expect(204);
    for (user, status) in [("max", "active"), ("cy", "invited")] {
        let one = world.member(&id, user, "member", status).await;
        one.delete(&member("me")).await.expect(204);
    }
    let invited = json!({"email": "dan@acme.example"});
    let invitations = format!("/organizations/{id}/invitations");
    let made = ada.post(&invitations, invited).await.expect(201);
    by_email::verified(&world, "dan", "dan@acme.example").await;
    let (dan, sent) = (world.user("dan"), json!({"token": token(&made)}));
    dan.post("/invitations/decline", sent).await.expect(204);
    verified(&world, &ada, &id, "acme.example").await;
    turn(&world, &id, true).await;
    for user in ["bob", "max", "cy", "dan"] {
        sign_in(&world, user, &format!("{user}@acme.example")).await;
        assert_eq!(membership(&world, &id, user).await, "", "{user}");
    }
    sign_in(&world, "fay", "fay@acme.example").await;
    assert_eq!(membership(&world, &id, "fay").await, "member active domain");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_login_does_not_change_a_membership() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    world.member(&id, "bob", "admin", "active").await;
    world.member(&id, "cy", "manager", "invited").await;
    world.member(&id, "dan", "member", "active").await;
    let dan = format!("/organizations/{id}/members/dan");
    ada.patch(&dan, json!({"status": "suspended"}))
        .await
        .expect(200);
    for (user, expected) in [
        ("bob", "admin active manual"),
        ("cy", "manager invited manual"),
        ("dan", "member suspended manual"),
    ] {
        for _ in 0..2 {
            sign_in(&world, user, &format!("{user}@acme.example")).await;
            assert_eq!(membership(&world, &id, user).await, expected);
        }
    }
    invariants::check(&world.items().await);
}

/// An invitation can give a better role, which its user would lose as a member already.
#[tokio::test]
async fn an_open_invitation_comes_before_the_domain() {
    let (world, calendar) = Calendar::with(&[]).await;
    let (id, ada) = organization(&world).await;
    let invitations = format!("/organizations/{id}/invitations");
    let invite = async |user: &str| {
        let body = json!({"email": format!("{user}@Acme.example"), "role": "admin"});
        ada.post(&invitations, body).await.expect(201)
    };
    let made = invite("bob").await;
    for _ in 0..2 {
        sign_in(&world, "bob", "bob@acme.example").await;
        assert_eq!(membership(&world, &id, "bob").await, "");
    }
    let sent = json!({"token": token(&made)});
    let bob = world.user("bob");
    bob.post("/invitations/accept", sent).await.expect(200);
    let joined = "admin active invitation";
    assert_eq!(membership(&world, &id, "bob").await, joined);
    sign_in(&world, "bob", "bob@acme.example").await;
    assert_eq!(membership(&world, &id, "bob").await, joined);
    // Once the invitation is revoked or has expired, the domain adds its user.
    let revoked = invite("cy").await;
    invite("dan").await;
    for user in ["cy", "dan"] {
        sign_in(&world, user, &format!("{user}@acme.example")).await;
        assert_eq!(membership(&world, &id, user).await, "", "{user}");
    }
    ada.delete(&path(&revoked)).await.expect(204);
    calendar.pass(8 * DAY);
    for user in ["cy", "dan"] {
        sign_in(&world, user, &format!("{user}@acme.example")).await;
        let joined = membership(&world, &id, user).await;
        assert_eq!(joined, "member active domain", "{user}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn disabled_users_and_deleted_organizations() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    world.register(&["bob"]).await;
    let root = world.tenant_admin();
    let status = |status: &str| json!({"status": status});
    root.patch("/users/bob", status("disabled"))
        .await
        .expect(200);
    sign_in(&world, "bob", "bob@acme.example").await;
    assert_eq!(membership(&world, &id, "bob").await, "");
    root.patch("/users/bob", status("enabled"))
        .await
        .expect(200);
    ada.delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    sign_in(&world, "bob", "bob@acme.example").await;
    root.post_empty(&format!("/organizations/{id}/restore"))
        .await
        .expect(200);
    assert_eq!(membership(&world, &id, "bob").await, "");
    sign_in(&world, "bob", "bob@acme.example").await;
    assert_eq!(membership(&world, &id, "bob").await, "member active domain");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn logins_and_changes_of_the_domain_at_once() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    let path = format!("{}/acme.example", domains(&id));
    join_all((0..8).map(|n| {
        let (world, ada, path) = (&world, &ada, &path);
        async move {
            match n {
                3 => {
                    let body = json!({"auto_join_role": "readonly"});
                    ada.patch(path, body).await.expect(200);
                }
                6 => {
                    ada.patch(path, json!({"auto_join": false}))
                        .await
                        .expect(200);
                }
                _ => sign_in(world, "bob", "bob@acme.example").await,
            }
        }
    }))
    .await;
    sign_in(&world, "bob", "bob@acme.example").await;
    let joined = membership(&world, &id, "bob").await;
    let possible = ["", "member active domain", "readonly active domain"];
    assert!(possible.contains(&joined.as_str()), "{joined}");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn removals_and_logins_at_once() {
    let world = World::start().await;
    let (id, ada) = organization(&world).await;
    publish(&world, &[]).await;
    sign_in(&world, "bob", "bob@acme.example").await;
    let bob = format!("/organizations/{id}/members/bob");
    join_all((0..6).map(|n| {
        let (world, ada, bob) = (&world, &ada, &bob);
        async move {
            if n % 3 == 1 {
                ada.delete(bob).await.expect(204);
            } else {
                sign_in(world, "bob", "bob@acme.example").await;
            }
        }
    }))
    .await;
    sign_in(&world, "bob", "bob@acme.example").await;
    assert_eq!(membership(&world, &id, "bob").await, "");
    invariants::check(&world.items().await);
}

/// The first login of a tenant looks for domains; for a minute, others do not.
#[tokio::test]
async fn a_login_in_a_tenant_without_domains_costs_nothing_more() {
    let (world, calendar) = Calendar::with(&[]).await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let calls = async |user: &str, is_verified: bool| {
        let event = login(user, &format!("{user}@acme.example"), is_verified);
        world.invoke("post-login", &event).await;
        world.calls.take();
        world.invoke("post-login", &event).await;
        let mut calls = world.calls.operations();
        calls.sort_unstable();
        calls
    };
    let without_address = calls("una", false).await;
    assert_eq!(calls("bob", true).await, without_address);
    // The first domain of the tenant is noticed a minute later.
    verified(&world, &ada, &id, "acme.example").await;
    turn(&world, &id, true).await;
    assert_eq!(calls("cy", true).await, without_address);
    calendar.pass(MINUTE);
    let with_domain = calls("dan", true).await;
    assert_eq!(with_domain.len(), without_address.len() + 1);
    assert_eq!(membership(&world, &id, "dan").await, "member active domain");
    invariants::check(&world.items().await);
}
