//! Invitations: accepted with the permission of the inviter, activated with the permission of an
//! owner or admin.

mod answers;
mod batches;
pub(crate) mod by_email;
mod expiry;
mod known_bugs;
mod mails;
mod of_users;
mod previews;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use support::{Actor, World, invariants};

/// An organization of ada: its id and the path of its members.
async fn organization(world: &World) -> (String, String) {
    world.register(&["cy"]).await;
    let id = world.organization(&world.user("ada"), "Acme").await;
    let members = format!("/organizations/{id}/members");
    (id, members)
}

async fn invite(inviter: &Actor, members: &str, role: &str) {
    let body = json!({"user_id": "cy", "role": role});
    inviter.post(members, body).await.expect(201);
}

#[tokio::test]
async fn an_invitation_needs_the_permission_of_its_inviter() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let accept = format!("{members}/me/accept");
    for (role, invited, how) in [
        ("admin", "admin", json!({"role": "readonly"})),
        ("admin", "member", json!({"role": "manager"})),
        ("owner", "owner", json!({"role": "admin"})),
        ("admin", "readonly", json!({"status": "suspended"})),
        ("org_admin", "admin", Value::Null),
    ] {
        let bob = world.member(&id, "bob", role, "active").await;
        let member = format!("{members}/bob");
        invite(&bob, &members, invited).await;
        if how.is_null() {
            ada.delete(&member).await.expect(204);
        } else {
            ada.patch(&member, how.clone()).await.expect(200);
        }
        for _ in 0..2 {
            cy.post_empty(&accept)
                .await
                .problem(409, "invitation-not-valid");
        }
        cy.get(&format!("/organizations/{id}"))
            .await
            .problem(404, "not-found");

        // A new invitation replaces the old one.
        ada.delete(&format!("{members}/cy")).await.expect(204);
        invite(&ada, &members, invited).await;
        cy.post_empty(&accept).await.expect(200);
        for user in ["bob", "cy"] {
            ada.delete(&format!("{members}/{user}")).await.expect(204);
        }
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn an_inviter_with_a_lower_sufficient_role_is_enough() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let bob = world.member(&id, "bob", "owner", "active").await;
    let accept = format!("{members}/me/accept");
    // An admin can invite an admin, and can do so again after regaining the role.
    invite(&bob, &members, "admin").await;
    let member = format!("{members}/bob");
    for role in ["member", "org_admin"] {
        let change = json!({"role": role});
        ada.patch(&member, change).await.expect(200);
    }
    cy.post_empty(&accept).await.expect(200);
    // An accepted membership stays when the inviter leaves.
    ada.delete(&member).await.expect(204);
    cy.post_empty(&accept).await.expect(200);
    let read = ada.get(&format!("{members}/cy")).await.expect(200);
    assert_eq!(read.body["status"], "active");
}

#[tokio::test]
async fn a_tenant_admin_needs_no_membership_to_invite() {
    let world = World::start().await;
    let (_, members) = organization(&world).await;
    invite(&world.tenant_admin(), &members, "owner").await;
    let cy = world.user("cy");
    let accepted = cy.post_empty(&format!("{members}/me/accept")).await;
    let accepted = accepted.expect(200).body;
    assert_eq!(accepted["invited_by_user_id"], "root");
    assert!(accepted.get("invited_by_tenant_admin").is_none());
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_disabled_tenant_admin_gives_no_membership() {
    let world = World::start().await;
    let (_, members) = organization(&world).await;
    let root = world.tenant_admin();
    world.register(&["root2"]).await;
    let second = world.actor("acme", "root2", &["tenant-admins"]);
    invite(&second, &members, "owner").await;
    let cy = world.user("cy");
    let accept = format!("{members}/me/accept");
    let status = |status: &str| json!({"status": status});
    root.patch("/users/root2", status("disabled"))
        .await
        .expect(200);
    cy.post_empty(&accept)
        .await
        .problem(409, "invitation-not-valid");
    root.patch("/users/root2", status("enabled"))
        .await
        .expect(200);
    cy.post_empty(&accept).await.expect(200);
    invariants::check(&world.items().await);
}

/// As written by earlier releases: without the source of the inviter's permission.
#[tokio::test]
async fn old_invitations_depend_on_the_inviters_membership() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let cy = world.user("cy");
    let (pk, sk) = ("TENANT#acme#USER#cy", format!("ORG#{id}"));
    let accept = format!("{members}/me/accept");
    invite(&world.tenant_admin(), &members, "member").await;
    let unmarked = AttributeValue::Bool(false);
    world
        .tamper(pk, &sk, "invited_by_tenant_admin", unmarked)
        .await;
    cy.post_empty(&accept)
        .await
        .problem(409, "invitation-not-valid");
    let by_ada = AttributeValue::S("ada".to_owned());
    world.tamper(pk, &sk, "invited_by_user_id", by_ada).await;
    cy.post_empty(&accept).await.expect(200);
}

#[tokio::test]
async fn changing_an_invitations_role_makes_you_its_inviter() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let bob = world.member(&id, "bob", "admin", "active").await;
    let member = format!("{members}/cy");
    invite(&bob, &members, "member").await;
    let same = ada.patch(&member, json!({"role": "member"})).await;
    assert_eq!(same.expect(200).body["invited_by_user_id"], "bob");
    let other = ada.patch(&member, json!({"role": "manager"})).await;
    assert_eq!(other.expect(200).body["invited_by_user_id"], "ada");
    ada.delete(&format!("{members}/bob")).await.expect(204);
    cy.post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200);

    // The same as a tenant admin, and again as one who then loses the permission.
    ada.delete(&member).await.expect(204);
    let bob = world.member(&id, "bob", "admin", "active").await;
    invite(&ada, &members, "member").await;
    let root = world.tenant_admin();
    root.patch(&member, json!({"role": "manager"}))
        .await
        .expect(200);
    bob.put(&member, json!({"role": "admin"})).await.expect(200);
    ada.delete(&format!("{members}/bob")).await.expect(204);
    cy.post_empty(&format!("{members}/me/accept"))
        .await
        .problem(409, "invitation-not-valid");
    root.patch(&member, json!({"role": "readonly"}))
        .await
        .expect(200);
    cy.post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200);
}

#[tokio::test]
async fn adding_an_invited_user_as_active_activates() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let ada = world.user("ada");
    let bob = world.member(&id, "bob", "admin", "active").await;
    for (role, key) in [("member", None), ("owner", Some("k"))] {
        invite(&ada, &members, role).await;
        let active = json!({"user_id": "cy", "role": role, "status": "active"});
        if role == "owner" {
            bob.post(&members, active.clone())
                .await
                .problem(403, "forbidden");
        }
        for _ in 0..2 {
            let added = match key {
                Some(key) => ada.post_once(&members, key, active.clone()).await,
                None => ada.post(&members, active.clone()).await,
            };
            let added = added.expect(200).body;
            assert_eq!(
                (&added["status"], &added["version"]),
                (&json!("active"), &json!(2))
            );
        }
        // An active membership outranks an invitation.
        let invited = json!({"user_id": "cy", "role": role});
        let stored = ada.post(&members, invited).await.expect(200).body;
        assert_eq!(stored["status"], "active");
        invariants::check(&world.items().await);
        ada.delete(&format!("{members}/cy")).await.expect(204);
    }
    // Uses the permission of the caller, independent of the inviter.
    invite(&bob, &members, "member").await;
    ada.delete(&format!("{members}/bob")).await.expect(204);
    let active = json!({"user_id": "cy", "status": "active"});
    ada.post(&members, active).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_activated_once_among_many() {
    let world = World::start().await;
    let (_, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    invite(&ada, &members, "owner").await;
    let replies = support::at_once((0..12).map(|number| {
        let (ada, cy, members) = (ada.clone(), cy.clone(), members.clone());
        async move {
            if number % 2 == 0 {
                let active = json!({"user_id": "cy", "role": "owner", "status": "active"});
                ada.post(&members, active).await
            } else {
                cy.post_empty(&format!("{members}/me/accept")).await
            }
        }
    }))
    .await;
    for reply in replies {
        let reply = reply.expect(200);
        assert_eq!(reply.body["version"], 2, "{reply:?}");
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn adding_a_member_with_another_role_returns_409() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let ada = world.user("ada");
    invite(&ada, &members, "member").await;
    for status in ["active", "invited"] {
        let other = json!({"user_id": "cy", "role": "admin", "status": status});
        ada.post(&members, other)
            .await
            .problem(409, "already-member");
    }
    world.member(&id, "sue", "member", "suspended").await;
    for status in ["active", "invited"] {
        for role in ["member", "admin"] {
            let again = json!({"user_id": "sue", "role": role, "status": status});
            let refused = ada.post(&members, again).await;
            let refused = refused.problem(409, "already-member").body;
            let detail = refused["detail"].as_str().unwrap();
            assert!(detail.contains("suspended") && detail.contains("PATCH"));
        }
    }
}

#[tokio::test]
async fn an_open_invitation_cannot_be_suspended() {
    let world = World::start().await;
    let (_, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    invite(&ada, &members, "member").await;
    let member = format!("{members}/cy");
    let suspend = json!({"status": "suspended"});
    for refused in [
        ada.patch(&member, suspend.clone()).await,
        ada.put(&member, suspend.clone()).await,
        ada.patch(&member, json!({"role": "admin", "status": "suspended"}))
            .await,
        world.tenant_admin().patch(&member, suspend.clone()).await,
    ] {
        refused.problem(422, "invitation-pending");
    }
    let stored = ada.get(&member).await.expect(200).body;
    assert_eq!(
        (&stored["status"], &stored["version"]),
        (&json!("invited"), &json!(1))
    );
    cy.post_empty(&format!("{members}/me/accept"))
        .await
        .expect(200);
    ada.patch(&member, suspend).await.expect(200);
}

/// An invitation whose inviter lost the permission can be renewed without removing it.
#[tokio::test]
async fn inviting_again_makes_the_caller_the_inviter() {
    let world = World::start().await;
    let (id, members) = organization(&world).await;
    let (ada, cy) = (world.user("ada"), world.user("cy"));
    let bob = world.member(&id, "bob", "admin", "active").await;
    let accept = format!("{members}/me/accept");
    invite(&bob, &members, "admin").await;
    let readonly = json!({"role": "readonly"});
    ada.patch(&format!("{members}/bob"), readonly)
        .await
        .expect(200);
    cy.post_empty(&accept)
        .await
        .problem(409, "invitation-not-valid");
    // But not by a caller who may not grant the role.
    let again = json!({"user_id": "cy", "role": "admin"});
    bob.post(&members, again.clone())
        .await
        .problem(403, "forbidden");

    let invited = ada.post(&members, again.clone()).await.expect(200).body;
    assert_eq!(invited["invited_by_user_id"], "ada");
    assert_eq!(
        (&invited["status"], &invited["version"]),
        (&json!("invited"), &json!(2))
    );
    // A repetition changes nothing.
    let before = world.everything().await;
    let same = ada.post(&members, again).await.expect(200).body;
    assert_eq!(same, invited);
    assert_eq!(world.everything().await.len(), before.len());
    let accepted = cy.post_empty(&accept).await.expect(200).body;
    assert_eq!(accepted["role"], "admin");
    invariants::check(&world.items().await);
}
