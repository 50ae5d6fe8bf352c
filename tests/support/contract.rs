//! Helpers for tests of all routes and of the whole table.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Actor, Reply, World};

impl World {
    /// [`World::start`] with an organization that ada owns and bob is a member of. Returns its id.
    pub async fn acme() -> (Self, Actor, String) {
        let world = Self::start().await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        world.member(&id, "bob", "member", "active").await;
        (world, ada, id)
    }

    /// Every route of the API, from the template: `GET /organizations`. Without those of SCIM, which take any method.
    pub async fn routes(&self) -> Vec<String> {
        let reply = self
            .bearer("", None)
            .get("/_local/routes")
            .await
            .expect(200);
        let routes = reply.body["routes"].as_array().unwrap().clone();
        assert!(!routes.is_empty());
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let of_api = |route: &&Value| route["method"] != "ANY";
        routes
            .iter()
            .filter(of_api)
            .map(|route| format!("{} {}", text(&route["method"]), text(&route["path"])))
            .collect()
    }

    /// All items of the table, sorted.
    pub async fn everything(&self) -> Vec<String> {
        let items = self.items().await;
        let mut items: Vec<_> = items.iter().map(|item| json!(item).to_string()).collect();
        items.sort();
        items
    }
}

impl Actor {
    /// Sends a body unchanged, declared as JSON.
    pub async fn text(&self, method: &str, path: &str, body: &str) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self
            .request(method, path)
            .header("content-type", "application/json")
            .body(body.to_owned());
        self.send(request).await
    }
}

/// The path of a route with these ids.
pub fn filled(path: &str, organization: &str, user: &str) -> String {
    path.replace("{organization_id}", organization)
        .replace("{user_id}", user)
        .replace("{team_id}", organization)
        .replace("{event_id}", "019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081")
        .replace("{invitation_id}", organization)
        .replace("{token}", "inv1_YWNtZQ.c2lnbmF0dXJl")
        .replace("{endpoint_id}", organization)
        .replace("{directory_id}", organization)
        .replace("{domain}", "acme.example")
        .replace("{delivery_id}", "019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081")
}
