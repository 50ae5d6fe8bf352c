//! A write, and bodies that it rejects.

use reqwest::Method;
use serde_json::Value;
use support::{Actor, Reply, World};

/// Who may make a write.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    /// The owner `ada` of the organization.
    Owner,
    TenantAdmin,
    /// The user `ivy`, who is invited, by the path of their membership.
    InvitedMember,
    /// The user `ivy`, whose address is invited, by their token or their list of invitations.
    InvitedAddress,
}

/// A valid write.
pub(super) struct Write {
    /// As in the template: `PATCH /teams/{team_id}`.
    pub(super) route: &'static str,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// Bodies that are rejected with 400.
    pub(super) bad: Vec<Value>,
    pub(super) writer: Writer,
}

impl Write {
    /// A write without a body by the owner.
    pub(super) fn new(route: &'static str, path: &str) -> Self {
        Self {
            route,
            path: path.to_owned(),
            body: None,
            bad: Vec::new(),
            writer: Writer::Owner,
        }
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Bodies that it rejects.
    pub(super) fn rejects(mut self, bad: &[Value]) -> Self {
        self.bad.extend_from_slice(bad);
        self
    }

    pub(super) fn by(mut self, writer: Writer) -> Self {
        self.writer = writer;
        self
    }

    pub(super) fn method(&self) -> Method {
        let (method, _) = self.route.split_once(' ').unwrap();
        method.parse().unwrap()
    }

    /// The caller who may make it.
    pub(super) fn caller(&self, world: &World) -> Actor {
        match self.writer {
            Writer::Owner => world.user("ada"),
            Writer::TenantAdmin => world.tenant_admin(),
            Writer::InvitedMember | Writer::InvitedAddress => world.user("ivy"),
        }
    }

    /// Sends it with this body.
    pub(super) async fn send(&self, actor: &Actor, body: Option<&Value>) -> Reply {
        let request = actor.request(self.method(), &self.path);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        actor.send(request).await
    }

    /// Whether it has a header, by the `OpenAPI` document.
    pub(super) fn takes(&self, document: &Value, header: &str) -> bool {
        let (method, path) = self.route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        let parameters = operation["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter["name"] == header)
    }
}
