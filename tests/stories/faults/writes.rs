//! Every kind of write.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Reply, World};

use super::TRANSACTION;

/// A URL that gets no message: the stack runs no event sources.
const HOOK: &str = "https://hooks.acme.example/muster";

/// A write that is ready to send, and its result.
pub(super) struct Write {
    pub(super) actor: Actor,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// The status of its response on success.
    pub(super) status: u16,
    /// The call that applies it.
    pub(super) operation: &'static str,
    /// The number of items it adds.
    pub(super) makes: usize,
    /// Whether it reads first.
    pub(super) reads: bool,
}

impl Write {
    /// Whether one of its calls is of this operation.
    pub(super) fn calls(&self, operation: &str) -> bool {
        self.operation == operation || operation == "BatchGetItem" && self.reads
    }

    fn making(self, makes: usize) -> Self {
        Self { makes, ..self }
    }

    fn without_reading(self) -> Self {
        Self {
            reads: false,
            ..self
        }
    }

    /// The current state of its resource.
    pub(super) async fn stored(&self) -> Option<Value> {
        let path = self
            .path
            .trim_end_matches("/accept")
            .trim_end_matches("/transfer-ownership")
            .trim_end_matches("/rotate-secret")
            .trim_end_matches("/restore");
        // Team members have only a list.
        if let Some((members, user)) = path.rsplit_once("/members/")
            && members.starts_with("/teams/")
        {
            let all = self.actor.all(&format!("{members}/members")).await;
            return all.into_iter().find(|one| one["user_id"] == user);
        }
        let reply = self.actor.get(path).await;
        (reply.status != 404).then(|| reply.expect(200).body)
    }

    pub(super) async fn send(&self) -> Reply {
        let request = self.actor.request(self.method.clone(), &self.path);
        let request = match &self.body {
            Some(body) => request.json(body),
            None => request,
        };
        self.actor.send(request).await
    }
}

/// Every kind of write, each with something to do.
#[expect(clippy::too_many_lines, reason = "one entry per write")]
pub(super) async fn writes(world: &World) -> Vec<Write> {
    let ada = world.user("ada");
    let root = world.tenant_admin();
    world.register(&["new"]).await;
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "owner", "invited").await;
    for name in [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ] {
        world.member(&id, name, "owner", "active").await;
    }
    world.member(&id, "ten", "member", "active").await;
    let [deleted, to_delete] = ["Deleted", "To delete"];
    let deleted = world.organization(&ada, deleted).await;
    let to_delete = world.organization(&ada, to_delete).await;
    ada.delete(&format!("/organizations/{deleted}"))
        .await
        .expect(204);

    let organization = format!("/organizations/{id}");
    let teams = format!("{organization}/teams");
    let [team, team_to_delete] = ["Team", "Team to delete"];
    let team = ada.post(&teams, json!({"name": team})).await.expect(201);
    let team = team.headers["location"].clone();
    let team_to_delete = ada.post(&teams, json!({"name": team_to_delete})).await;
    let team_to_delete = team_to_delete.expect(201).headers["location"].clone();
    let team_members = format!("{team}/members");
    for name in ["six", "seven"] {
        let member = json!({"user_id": name});
        ada.post(&team_members, member).await.expect(201);
    }
    let member = |name: &str| format!("{organization}/members/{name}");
    let write = |actor: &Actor, method, path: String, body, status| Write {
        actor: actor.clone(),
        method,
        path,
        body,
        status,
        operation: TRANSACTION,
        makes: 0,
        reads: true,
    };
    let update = |write| Write {
        reads: false,
        ..write
    };
    let five = world.user("five");
    let added = json!({"user_id": "new", "role": "owner", "status": "active"});
    let renamed = json!({"name": "Renamed", "domain": "acme.example"});
    let mut writes = vec![
        write(
            &ada,
            Method::POST,
            "/organizations".into(),
            Some(json!({"name": "New"})),
            201,
        )
        .making(3)
        .without_reading(),
        write(
            &ada,
            Method::PATCH,
            organization.clone(),
            Some(renamed),
            200,
        ),
        write(
            &ada,
            Method::DELETE,
            format!("/organizations/{to_delete}"),
            None,
            204,
        ),
        write(
            &ada,
            Method::POST,
            format!("/organizations/{deleted}/restore"),
            None,
            200,
        )
        // Its name.
        .making(1),
        write(
            &ada,
            Method::POST,
            format!("{organization}/members"),
            Some(added),
            201,
        )
        .making(1)
        .without_reading(),
        write(
            &ada,
            Method::PATCH,
            member("one"),
            Some(json!({"role": "member"})),
            200,
        ),
        write(
            &root,
            Method::PUT,
            member("two"),
            Some(json!({"status": "suspended"})),
            200,
        ),
        write(&ada, Method::DELETE, member("three"), None, 204),
        write(&root, Method::DELETE, member("four"), None, 204),
        write(&five, Method::DELETE, member("me"), None, 204),
        write(
            &ada,
            Method::PATCH,
            member("me"),
            Some(json!({"role": "admin"})),
            200,
        ),
        write(
            &bob,
            Method::POST,
            format!("{}/accept", member("bob")),
            None,
            200,
        ),
        write(
            &world.user("nine"),
            Method::POST,
            format!("{organization}/transfer-ownership"),
            Some(json!({"user_id": "ten"})),
            200,
        )
        // The events of both memberships.
        .making(2),
        update(
            write(
                &root,
                Method::PUT,
                "/users/newer".into(),
                Some(json!({"email": "n@acme.example"})),
                201,
            )
            // The user, and the item of their email address.
            .making(2),
        ),
        // His first email address has an item of its own.
        update(
            write(
                &root,
                Method::PUT,
                "/users/bob".into(),
                Some(json!({"email": "b@acme.example"})),
                200,
            )
            .making(1),
        ),
        // The team, and its name.
        write(
            &ada,
            Method::POST,
            teams,
            Some(json!({"name": "New team"})),
            201,
        )
        .making(2),
        write(
            &root,
            Method::POST,
            "/teams".into(),
            Some(json!({"name": "Standalone"})),
            201,
        )
        .making(1)
        .without_reading(),
        write(
            &ada,
            Method::PATCH,
            team.clone(),
            Some(json!({"name": "Renamed team"})),
            200,
        ),
        write(&ada, Method::DELETE, team_to_delete, None, 204),
        write(
            &ada,
            Method::POST,
            team_members.clone(),
            Some(json!({"user_id": "eight"})),
            201,
        )
        .making(1),
        write(
            &ada,
            Method::PATCH,
            format!("{team_members}/six"),
            Some(json!({"role": "leader"})),
            200,
        ),
        write(
            &ada,
            Method::DELETE,
            format!("{team_members}/seven"),
            None,
            204,
        ),
    ];
    writes.extend(writes_of_webhook_endpoints(&root).await);
    writes
}

/// Every kind of write of a webhook endpoint.
async fn writes_of_webhook_endpoints(root: &Actor) -> Vec<Write> {
    let body = |event_types: &str| json!({"url": HOOK, "event_types": [event_types]});
    let write = |method, path: &str, body: Option<Value>, status| Write {
        actor: root.clone(),
        method,
        path: path.to_owned(),
        body,
        status,
        operation: TRANSACTION,
        makes: 0,
        // An endpoint is read by itself.
        reads: false,
    };
    let mut paths = Vec::new();
    for event_types in ["team.*", "user.*", "*"] {
        let made = root.post("/webhook-endpoints", body(event_types)).await;
        paths.push(made.expect(201).headers["location"].clone());
    }
    let change = json!({"description": "Changed", "status": "disabled"});
    vec![
        // The endpoint, and its secret.
        write(Method::POST, "/webhook-endpoints", Some(body("*")), 201).making(2),
        write(Method::PATCH, &paths[0], Some(change), 200),
        write(
            Method::POST,
            &format!("{}/rotate-secret", paths[1]),
            None,
            200,
        ),
        write(Method::DELETE, &paths[2], None, 204),
    ]
}
