//! The requests of the same operations for each service.

use anyhow::{Context as _, Result};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::peer::{PAGE, Peer, PeerKind, PeerOperation, email, maker, text_at, user};

impl Peer {
    /// A request by one of the [`PEOPLE`](crate::peer::PEOPLE).
    pub(crate) fn request(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        who: &str,
    ) -> RequestBuilder {
        let request = client.request(method, format!("{}{path}", self.server.url));
        let request = match self.headers.get(who) {
            Some((name, value)) => request.header(*name, value),
            None => request,
        };
        match self.kind {
            PeerKind::BetterAuth => request.header("origin", &self.server.url),
            PeerKind::Muster | PeerKind::FastApi => request,
        }
    }

    fn plugin(&self, client: &Client, route: &str, who: &str, body: &Value) -> RequestBuilder {
        let path = format!("/api/auth/organization/{route}");
        self.request(client, Method::POST, &path, who).json(body)
    }

    /// The id of one of the [`PEOPLE`](crate::peer::PEOPLE).
    pub(crate) fn id<'a>(&'a self, name: &'a str) -> &'a str {
        self.ids.get(name).map_or(name, String::as_str)
    }

    pub(crate) fn create(&self, client: &Client, who: &str, name: &str) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => {
                let slug = name.to_lowercase().replace(' ', "-");
                // It would also update the session.
                let body =
                    json!({"name": name, "slug": slug, "keepCurrentActiveOrganization": true});
                self.plugin(client, "create", who, &body)
            }
            PeerKind::Muster | PeerKind::FastApi => {
                let request = self.request(client, Method::POST, "/organizations", who);
                request.json(&json!({"name": name}))
            }
        }
    }

    /// The n-th request of a load.
    pub(crate) fn load(
        &self,
        client: &Client,
        operation: PeerOperation,
        n: usize,
    ) -> RequestBuilder {
        let crowd = || {
            n.checked_rem(self.crowds.len())
                .and_then(|n| self.crowds.get(n))
        };
        let get = |path: &str| self.request(client, Method::GET, path, "ada");
        match (operation, self.kind) {
            (PeerOperation::Create, _) => {
                self.create(client, &maker(n), &format!("Organization {n}"))
            }
            (PeerOperation::Get, PeerKind::BetterAuth) => get(&format!(
                "/api/auth/organization/get-full-organization?organizationId={}",
                self.alone
            )),
            (PeerOperation::Get, _) => get(&format!("/organizations/{}", self.alone)),
            (PeerOperation::ListMembers, PeerKind::BetterAuth) => get(&format!(
                "/api/auth/organization/list-members?organizationId={}&limit={PAGE}",
                self.page
            )),
            (PeerOperation::ListMembers, _) => get(&format!(
                "/organizations/{}/members?limit={PAGE}",
                self.page
            )),
            (PeerOperation::AddMember, _) => {
                let crowd = crowd().map(String::as_str).unwrap_or_default();
                self.invite(client, "ada", crowd, &user(n))
            }
        }
    }

    /// Invites a user, by email address in better-auth and by id elsewhere.
    pub(crate) fn invite(
        &self,
        client: &Client,
        who: &str,
        organization: &str,
        user: &str,
    ) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => {
                let body =
                    json!({"email": email(user), "role": "member", "organizationId": organization});
                self.plugin(client, "invite-member", who, &body)
            }
            PeerKind::Muster | PeerKind::FastApi => {
                let path = format!("/organizations/{organization}/members");
                let request = self.request(client, Method::POST, &path, who);
                request.json(&json!({"user_id": user, "role": "member"}))
            }
        }
    }

    /// Adds a user directly; `user` is an id.
    pub(crate) fn add(
        &self,
        client: &Client,
        who: &str,
        organization: &str,
        user: &str,
        role: &str,
    ) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => {
                let path = format!(
                    "/app/add-member?organizationId={organization}&userId={user}&role={role}"
                );
                self.request(client, Method::POST, &path, who)
            }
            PeerKind::Muster | PeerKind::FastApi => {
                let path = format!("/organizations/{organization}/members");
                let body = json!({"user_id": user, "role": role, "status": "active"});
                self.request(client, Method::POST, &path, who).json(&body)
            }
        }
    }

    pub(crate) fn leave(&self, client: &Client, who: &str, organization: &str) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => self.plugin(
                client,
                "leave",
                who,
                &json!({"organizationId": organization}),
            ),
            PeerKind::Muster | PeerKind::FastApi => {
                let path = format!("/organizations/{organization}/members/{who}");
                self.request(client, Method::DELETE, &path, who)
            }
        }
    }

    /// Demotes one of the [`PEOPLE`](crate::peer::PEOPLE) from owner.
    pub(crate) fn demote(
        &self,
        client: &Client,
        who: &str,
        organization: &str,
        whom: &str,
        membership: &str,
    ) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => {
                let body = json!({"memberId": membership, "role": "member", "organizationId": organization});
                self.plugin(client, "update-member-role", who, &body)
            }
            PeerKind::Muster | PeerKind::FastApi => {
                let path = format!("/organizations/{organization}/members/{whom}");
                self.request(client, Method::PUT, &path, who)
                    .json(&json!({"role": "member"}))
            }
        }
    }

    /// Accepts an invitation, which has an id only in better-auth.
    pub(crate) fn accept(
        &self,
        client: &Client,
        who: &str,
        organization: &str,
        invitation: &str,
    ) -> RequestBuilder {
        match self.kind {
            PeerKind::BetterAuth => self.plugin(
                client,
                "accept-invitation",
                who,
                &json!({"invitationId": invitation}),
            ),
            PeerKind::Muster | PeerKind::FastApi => {
                let path = format!("/organizations/{organization}/members/me/accept");
                self.request(client, Method::POST, &path, who)
            }
        }
    }

    /// All members of an organization as (user, role, id of the membership), and the ids of open
    /// invitations, read by a user with permission.
    pub(crate) async fn inside(&self, client: &Client, organization: &str) -> Result<Inside> {
        let path = match self.kind {
            PeerKind::Muster => format!("/organizations/{organization}/members?status=all"),
            PeerKind::FastApi => format!("/organizations/{organization}/members"),
            PeerKind::BetterAuth => format!("/app/inside?organizationId={organization}"),
        };
        let asked = self.request(client, Method::GET, &path, "root");
        let body: Value = asked.send().await?.error_for_status()?.json().await?;
        let pointer = match self.kind {
            PeerKind::Muster => "/items",
            PeerKind::FastApi => "",
            PeerKind::BetterAuth => "/members",
        };
        let (user, id) = match self.kind {
            PeerKind::BetterAuth => ("/userId", "/id"),
            PeerKind::Muster | PeerKind::FastApi => ("/user_id", "/user_id"),
        };
        let list = |pointer: &str| body.pointer(pointer).and_then(Value::as_array);
        let mut members = Vec::new();
        for item in list(pointer).context("members")? {
            members.push((
                text_at(item, user)?,
                text_at(item, "/role")?,
                text_at(item, id)?,
            ));
        }
        let mut invitations = Vec::new();
        for item in list("/invitations").into_iter().flatten() {
            if text_at(item, "/status")? == "pending" {
                invitations.push(text_at(item, "/id")?);
            }
        }
        Ok(Inside {
            members,
            invitations,
        })
    }
}

/// The members of an organization.
pub(crate) struct Inside {
    pub(crate) members: Vec<(String, String, String)>,
    pub(crate) invitations: Vec<String>,
}

impl Inside {
    pub(crate) fn owners(&self) -> usize {
        self.members
            .iter()
            .filter(|(_, role, _)| role == "owner")
            .count()
    }

    pub(crate) fn times(&self, user: &str) -> usize {
        self.members.iter().filter(|(id, _, _)| id == user).count()
    }
}
