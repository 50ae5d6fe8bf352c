//! Requests with a key that create or change organizations, members and teams. Other capabilities have stories of their
//! own for a key.

use muster::domain::{EventContext, Origin, Source, Team, TeamId, TenantId, UserId};
use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, Actor, Reply, World};

/// A `POST`, ready to send: actor, path and body.
#[derive(Clone)]
pub(super) struct Post {
    pub(super) actor: Actor,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) status: u16,
}

impl Post {
    /// Whether it creates something new each time.
    pub(super) fn makes(&self) -> bool {
        self.path.ends_with("/organizations") || self.path.ends_with("/teams")
    }

    /// Whether it takes the caller's right to do it again.
    pub(super) fn steps_down(&self) -> bool {
        self.path.ends_with("/transfer-ownership")
    }

    pub(super) async fn send(&self, key: &str) -> Reply {
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
pub(super) async fn posts(world: &World) -> Vec<Post> {
    let ada = world.user("ada");
    world.register(&["new"]).await;
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "owner", "invited").await;
    let gone = world.organization(&ada, "Gone").await;
    world.member(&id, "max", "member", "active").await;
    let teams = format!("/organizations/{id}/teams");
    let team = ada.post(&teams, json!({"name": "Old"})).await.expect(201);
    let team_members = format!("{}/members", team.headers["location"]);
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
            actor: ada.clone(),
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
        Post {
            actor: ada.clone(),
            path: teams,
            body: Some(json!({"name": "New"})),
            status: 201,
        },
        Post {
            actor: world.tenant_admin(),
            path: "/teams".to_owned(),
            body: Some(json!({"name": "Apart"})),
            status: 201,
        },
        Post {
            actor: world.tenant_admin(),
            path: format!("{}/restore", deleted_team(world).await),
            body: None,
            status: 200,
        },
        Post {
            actor: ada.clone(),
            path: team_members,
            body: Some(json!({"user_id": "max"})),
            status: 201,
        },
        Post {
            actor: ada,
            path: format!("/organizations/{id}/transfer-ownership"),
            body: Some(json!({"user_id": "max"})),
            status: 200,
        },
    ]
}

/// A deleted team of the directory sync.
async fn deleted_team(world: &World) -> String {
    let now = "2026-11-20T10:00:00.000Z".parse().unwrap();
    let (tenant, ada) = (
        TenantId::parse(ACME).unwrap(),
        UserId::parse("ada").unwrap(),
    );
    let name = "Synced".parse().unwrap();
    let id = TeamId::parse("g-synced").unwrap();
    let origin = Origin::new(muster::domain::Actor::directory(), EventContext::default());
    let team = Team {
        source: Source::Entra,
        created_by: None,
        ..Team::new(id, tenant, None, name, ada, now)
    };
    world.store().make_team(&origin, &team, None).await.unwrap();
    let root = world.tenant_admin();
    root.delete("/teams/g-synced").await.expect(204);
    "/teams/g-synced".to_owned()
}
