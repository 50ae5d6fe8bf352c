//! An identity provider: what it sends, and the requests of published suites as data.

use std::collections::BTreeMap;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::World;

use super::created;

/// The media type of bodies.
const CONTENT_TYPE: &str = "application/scim+json; charset=utf-8";

/// An identity provider with the base URL and the token of a directory.
pub(crate) struct Provider {
    http: reqwest::Client,
    /// The base URL.
    pub(super) base: String,
    /// The token.
    pub(super) token: String,
}

/// A response.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) media_type: String,
    pub(super) etag: Option<String>,
    pub(super) location: Option<String>,
    /// The body; `null` without one.
    pub(super) body: Value,
}

impl Reply {
    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// An error in the form of SCIM.
    #[track_caller]
    pub(super) fn error(self, status: u16, scim_type: Option<&str>) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.media_type, "application/scim+json", "{self:?}");
        assert_eq!(self.body["status"], status.to_string(), "{self:?}");
        assert_eq!(self.body["scimType"].as_str(), scim_type, "{self:?}");
        let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
        assert_eq!(self.body["schemas"], schemas, "{self:?}");
        assert!(self.body["detail"].is_string(), "{self:?}");
    }

    pub(super) fn id(&self) -> String {
        self.body["id"].as_str().unwrap().to_owned()
    }
}

impl Provider {
    /// The provider of a new directory.
    pub(super) async fn new(world: &World) -> Self {
        let (_, made) = created(world).await;
        Self::of(&made)
    }

    /// The provider of the directory in a response.
    pub(crate) fn of(made: &Value) -> Self {
        let text = |name: &str| made["scim"][name].as_str().unwrap().to_owned();
        Self {
            http: reqwest::Client::new(),
            base: text("base_url"),
            token: text("token"),
        }
    }

    /// A request that is not sent yet.
    pub(super) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let url = format!("{}{path}", self.base);
        self.http.request(method, url)
    }

    /// Sends a request with the token.
    pub(super) async fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        let request = request.bearer_auth(&self.token);
        reply(request.send().await.unwrap()).await
    }

    pub(super) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request
                .header("content-type", CONTENT_TYPE)
                .body(body.to_string());
        }
        self.send(request).await
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path, Some(&body)).await
    }

    pub(super) async fn patch(&self, path: &str, operations: Value) -> Reply {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": operations,
        });
        self.call("PATCH", path, Some(&body)).await
    }

    /// Creates a user of this login name. Returns its id.
    pub(super) async fn user(&self, name: &str) -> String {
        let body = json!({"userName": name, "externalId": name, "emails": [
            {"value": name, "type": "work", "primary": true}]});
        self.post("/Users", body).await.expect(201).id()
    }

    /// The ids of the members of a group.
    pub(super) async fn members(&self, group: &str) -> Vec<String> {
        let shown = self.get(&format!("/Groups/{group}")).await.expect(200).body;
        let members = shown["members"].as_array().cloned().unwrap_or_default();
        let ids = members.iter().map(|it| it["value"].as_str().unwrap());
        ids.map(str::to_owned).collect()
    }

    /// Sends the requests of a suite, one after the other.
    ///
    /// A step has a `name`, a `request` (method and path), a `body`, or a `raw` one that is no JSON, the expected `status`,
    /// and what is expected in the response by JSON pointers. `keep` names values of the response, which stand for
    /// `{name}` in later steps. With `token`, it has this token in place of the own one, or none.
    pub(super) async fn run(&self, suite: &str) {
        let steps: Vec<Value> = serde_json::from_str(suite).unwrap();
        let mut kept = BTreeMap::<String, String>::new();
        for step in steps {
            let fill = |text: String| {
                kept.iter().fold(text, |text, (name, value)| {
                    text.replace(&format!("{{{name}}}"), value)
                })
            };
            let name = step["name"].as_str().unwrap();
            let request = fill(step["request"].as_str().unwrap().to_owned());
            let (method, path) = request.split_once(' ').unwrap();
            let body = step.get("body").map(|body| fill(body.to_string()));
            let body = body.or_else(|| step["raw"].as_str().map(str::to_owned));
            let mut request = self.request(method, path);
            if let Some(body) = body {
                request = request.header("content-type", CONTENT_TYPE).body(body);
            }
            let token = match step.get("token") {
                Some(token) => token.as_str(),
                None => Some(self.token.as_str()),
            };
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let reply = reply(request.send().await.unwrap()).await;
            assert_eq!(
                Some(u64::from(reply.status)),
                step["status"].as_u64(),
                "{name}: {reply:?}"
            );
            if !reply.body.is_null() {
                assert_eq!(reply.media_type, "application/scim+json", "{name}");
            }
            for (pointer, value) in step["expect"].as_object().into_iter().flatten() {
                let value: Value = serde_json::from_str(&fill(value.to_string())).unwrap();
                let found = reply.body.pointer(pointer).unwrap_or(&Value::Null);
                assert_eq!(found, &value, "{name}: {pointer} of {reply:?}");
            }
            for (name, pointer) in step["keep"].as_object().into_iter().flatten() {
                let value = reply.body.pointer(pointer.as_str().unwrap());
                kept.insert(name.clone(), value.unwrap().as_str().unwrap().to_owned());
            }
        }
    }
}

async fn reply(response: Response) -> Reply {
    let header = |name: &str| {
        let value = response.headers().get(name);
        value.map(|value| value.to_str().unwrap().to_owned())
    };
    let (etag, location) = (header("etag"), header("location"));
    let media_type = header("content-type").unwrap_or_default();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Reply {
        status,
        media_type,
        etag,
        location,
        body: serde_json::from_str(&text).unwrap_or(Value::Null),
    }
}
