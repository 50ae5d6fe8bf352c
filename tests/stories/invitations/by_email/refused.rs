//! Invitations by email that are refused.

use serde_json::json;
use support::World;

use super::{acme, bob, path};

#[tokio::test]
async fn only_owners_and_admins_see_and_make_invitations() {
    let world = World::start().await;
    let (ada, id, invitations) = acme(&world).await;
    let made = ada.post(&invitations, bob()).await.expect(201);
    let owner = json!({"email": "boss@acme.example", "role": "owner"});
    let boss = ada.post(&invitations, owner.clone()).await.expect(201);
    let resend = format!("{}/resend", path(&made));
    let before = world.everything().await;
    for (role, status, expected, code) in [
        ("manager", "active", 403, "forbidden"),
        ("member", "active", 403, "forbidden"),
        ("readonly", "active", 403, "forbidden"),
        ("owner", "invited", 404, "not-found"),
        ("admin", "suspended", 404, "not-found"),
    ] {
        let user = format!("{role}-{status}");
        let actor = world.member(&id, &user, role, status).await;
        for reply in [
            actor.post(&invitations, bob()).await,
            actor.get(&invitations).await,
            actor.get(&path(&made)).await,
            actor.post_empty(&resend).await,
            actor.delete(&path(&made)).await,
        ] {
            reply.problem(expected, code);
        }
    }
    let max = world.member(&id, "max", "admin", "active").await;
    for reply in [
        max.post(&invitations, owner).await,
        max.post_empty(&format!("{}/resend", path(&boss))).await,
        max.delete(&path(&boss)).await,
    ] {
        reply.problem(403, "forbidden");
    }
    assert_eq!(max.all(&invitations).await.len(), 2);
    for outside in [
        world.user("zoe"),
        world.user_of("globex", "ada"),
        world.tenant_admin_of("globex"),
    ] {
        outside
            .post(&invitations, bob())
            .await
            .problem(404, "not-found");
        outside.get(&path(&made)).await.problem(404, "not-found");
    }
    let shown = ada.all(&invitations).await;
    assert!(shown.iter().all(|one| one["status"] == "pending"));
    assert!(before.len() < world.everything().await.len());
}

#[tokio::test]
async fn an_invalid_invitation_changes_nothing() {
    let world = World::start().await;
    let (ada, _, invitations) = acme(&world).await;
    let before = world.everything().await;
    for (body, pointer) in [
        (json!({}), "/email"),
        (json!({"email": null}), "/email"),
        (json!({"email": "bob"}), "/email"),
        (json!({"email": "Bob <bob@acme.example>"}), "/email"),
        (json!({"email": "bob@acme.example\n"}), "/email"),
        (json!({"email": "b@a.example", "role": "boss"}), "/role"),
        (
            json!({"email": "b@a.example", "expires_in_days": 0}),
            "/expires_in_days",
        ),
        (
            json!({"email": "b@a.example", "expires_in_days": 31}),
            "/expires_in_days",
        ),
        (
            json!({"email": "b@a.example", "expires_in_days": 1.5}),
            "/expires_in_days",
        ),
        (
            json!({"email": "b@a.example", "redirect_url": "javascript:alert(1)"}),
            "/redirect_url",
        ),
        (json!({"email": "b@a.example", "token": "x"}), "/token"),
    ] {
        let refused = ada.post(&invitations, body.clone()).await;
        let refused = refused.problem(400, "validation-failed");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{body}");
    }
    assert_eq!(world.everything().await, before);
}
