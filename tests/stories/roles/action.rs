//! An action of the tables: a use of a route by the caller of a scene.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use support::Reply;

use super::Scene;

/// A use of a route.
pub(crate) struct Action {
    /// As in the template.
    pub(super) route: &'static str,
    /// The action.
    pub(super) what: &'static str,
    /// Whether to delete the organization first.
    pub(super) of_deleted: bool,
    /// Whether success changes the caller's relation to the organization.
    pub(super) spoils: bool,
    request: fn(&Scene<'_>) -> RequestBuilder,
}

impl Action {
    pub(super) const fn new(
        route: &'static str,
        what: &'static str,
        request: fn(&Scene<'_>) -> RequestBuilder,
    ) -> Self {
        Self {
            route,
            what,
            of_deleted: false,
            spoils: false,
            request,
        }
    }

    pub(super) const fn of_deleted(self) -> Self {
        Self {
            of_deleted: true,
            ..self
        }
    }

    pub(super) const fn spoils(self) -> Self {
        Self {
            spoils: true,
            ..self
        }
    }

    pub(crate) async fn send(&self, scene: &Scene<'_>) -> Reply {
        scene.caller.send((self.request)(scene)).await
    }
}

impl Scene<'_> {
    /// A request about the organization.
    pub(super) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.of_tenant(method, &format!("/organizations/{}{path}", self.id))
    }

    pub(super) fn change(&self, member: &str, body: &Value) -> RequestBuilder {
        self.request("PATCH", &format!("/members/{member}"))
            .json(body)
    }

    pub(super) fn add(&self, body: &Value) -> RequestBuilder {
        self.request("POST", "/members").json(body)
    }

    pub(super) fn team(&self, method: &str, path: &str) -> RequestBuilder {
        self.of_tenant(method, &format!("/teams/{}{path}", self.team))
    }

    pub(super) fn add_to_team(&self, body: &Value) -> RequestBuilder {
        self.team("POST", "/members").json(body)
    }

    pub(super) fn of_tenant(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        self.caller.request(method, path)
    }
}
