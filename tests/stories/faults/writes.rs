//! Every kind of write.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Reply, World};

use super::TRANSACTION;

/// A write that is ready to be sent, and what comes of it.
pub(super) struct Write {
    pub(super) actor: Actor,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Of the answer when it is done.
    pub(super) status: u16,
    /// The call that does it.
    pub(super) operation: &'static str,
}

impl Write {
    /// Whether one of its calls is of this operation.
    pub(super) fn calls(&self, operation: &str) -> bool {
        let creates = ["/organizations", "/members"];
        let reads =
            self.operation == TRANSACTION && !creates.iter().any(|path| self.path.ends_with(path));
        self.operation == operation || operation == "BatchGetItem" && reads
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
#[allow(clippy::too_many_lines)] // one entry per write
pub(super) async fn writes(world: &World) -> Vec<Write> {
    let ada = world.user("ada");
    let root = world.tenant_admin();
    world.register(&["new"]).await;
    let id = world.organization(&ada, "Acme").await;
    let bob = world.member(&id, "bob", "owner", "invited").await;
    for name in ["one", "two", "three", "four", "five"] {
        world.member(&id, name, "owner", "active").await;
    }
    let [deleted, to_delete] = ["Deleted", "To delete"];
    let deleted = world.organization(&ada, deleted).await;
    let to_delete = world.organization(&ada, to_delete).await;
    ada.delete(&format!("/organizations/{deleted}"))
        .await
        .expect(204);

    let organization = format!("/organizations/{id}");
    let member = |name: &str| format!("{organization}/members/{name}");
    let write = |actor: &Actor, method, path: String, body, status| Write {
        actor: actor.clone(),
        method,
        path,
        body,
        status,
        operation: TRANSACTION,
    };
    let five = world.user("five");
    let added = json!({"user_id": "new", "role": "owner", "status": "active"});
    let renamed = json!({"name": "Renamed", "domain": "acme.example"});
    vec![
        write(
            &ada,
            Method::POST,
            "/organizations".into(),
            Some(json!({"name": "New"})),
            201,
        ),
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
        ),
        write(
            &ada,
            Method::POST,
            format!("{organization}/members"),
            Some(added),
            201,
        ),
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
        Write {
            operation: "UpdateItem",
            ..write(
                &root,
                Method::PUT,
                "/users/newer".into(),
                Some(json!({"email": "n@acme.example"})),
                201,
            )
        },
        Write {
            operation: "UpdateItem",
            ..write(
                &root,
                Method::PUT,
                "/users/bob".into(),
                Some(json!({"email": "b@acme.example"})),
                200,
            )
        },
    ]
}
