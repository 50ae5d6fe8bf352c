//! Valid writes, each with bodies that it rejects.

use serde_json::{Value, json};
use support::{ACME, Actor, World};

use super::directories::with_scim_directory;
use super::webhook_endpoints::of_webhook_endpoints;
use super::write::{Write, Writer};
use crate::invitations::by_email::{self, token, verified};

/// An organization with all that writes are about.
struct Setup {
    ada: Actor,
    organization: String,
    /// A deleted organization.
    gone: String,
}

/// A write on every route, except for those that need no directory or another one.
pub(super) async fn writes(world: &World) -> Vec<Write> {
    let ada = world.user("ada");
    world.register(&["new", "root", "leaver", "ivy"]).await;
    for user in ["ivy", "max"] {
        verified(world, user, &format!("{user}@acme.example")).await;
    }
    let id = world.organization(&ada, "Acme").await;
    world.organization(&ada, "Taken").await;
    let gone = world.organization(&ada, "Gone").await;
    for id in [&id, &gone] {
        world.member(id, "bob", "member", "active").await;
        world.member(id, "max", "readonly", "active").await;
    }
    let setup = Setup {
        organization: format!("/organizations/{id}"),
        gone: format!("/organizations/{gone}"),
        ada,
    };
    setup.ada.delete(&setup.gone).await.expect(204);
    let mut writes = setup.of_organizations();
    writes.extend(setup.of_members().await);
    writes.extend(setup.of_invitations().await);
    writes.extend(setup.of_teams().await);
    writes.extend(setup.of_team_members().await);
    writes.extend(setup.of_domains().await);
    writes.extend(with_scim_directory(world).await);
    writes.extend(of_webhook_endpoints(world).await);
    writes.extend(of_users());
    writes
}

/// Bodies of writes that take none.
pub(super) fn unknown() -> [Value; 2] {
    [json!({"unknown": 1}), json!([])]
}

fn of_users() -> Vec<Write> {
    let writes = [
        Write::new("PUT /users/{user_id}", "/users/new")
            .body(json!({"display_name": "New"}))
            .rejects(&[
                json!({"email": "nobody"}),
                json!({"display_name": ""}),
                json!({"entra_object_id": 7}),
                json!({"last_login_at": "2026-01-01T00:00:00Z"}),
            ]),
        Write::new("PATCH /users/{user_id}", "/users/leaver")
            .body(json!({"status": "disabled"}))
            .rejects(&[
                json!({"status": "deleted"}),
                json!({"status": null}),
                json!({"display_name": "New"}),
                json!([]),
            ]),
        Write::new("DELETE /users/{user_id}", "/users/leaver"),
    ];
    writes.map(|write| write.by(Writer::TenantAdmin)).into()
}

impl Setup {
    /// Creates something as the owner. Returns its path.
    async fn made(&self, path: &str, body: Value) -> String {
        let made = self.ada.post(path, body).await.expect(201);
        made.headers["location"].clone()
    }

    fn of_organizations(&self) -> Vec<Write> {
        let bad = [
            json!({"name": ""}),
            json!({"name": null}),
            json!({"name": "n".repeat(256)}),
            json!({"name": "Fine", "domain": "no dot"}),
            json!({"name": "Fine", "billing_email": "nobody"}),
            json!({"name": "Fine", "stripe_customer_id": "1"}),
            json!({"name": "Fine", "metadata": []}),
            json!({"name": "Fine", "metadata": {"a": {"b": {"c": {"d": {"e": {}}}}}}}),
            json!({"name": "Fine", "limits": {"max_budget": -1}}),
            json!({"name": "Fine", "spend": 0}),
            json!({"name": "Fine", "tenant_id": ACME}),
            json!({"name": "Fine", "status": "deleted"}),
            json!({"name": "Fine", "owner_count": 0}),
            json!([]),
            json!("name"),
        ];
        let organization = &self.organization;
        let name = json!({"name": "Renamed"});
        let restore = format!("{}/restore", self.gone);
        let transfer = format!("{organization}/transfer-ownership");
        vec![
            Write::new("POST /organizations", "/organizations")
                .body(json!({"name": "New"}))
                .rejects(&bad),
            Write::new("PATCH /organizations/{organization_id}", organization)
                .body(name.clone())
                .rejects(&bad),
            Write::new("PUT /organizations/{organization_id}", organization)
                .body(name)
                .rejects(&bad),
            Write::new("DELETE /organizations/{organization_id}", organization),
            Write::new("POST /organizations/{organization_id}/restore", &restore).rejects(&[
                json!({"name": ""}),
                json!({"domain": null}),
                json!([]),
            ]),
            Write::new(
                "POST /organizations/{organization_id}/transfer-ownership",
                &transfer,
            )
            .body(json!({"user_id": "bob"}))
            .rejects(&[
                json!({}),
                json!({"user_id": "ada"}),
                json!({"user_id": "bob", "keep_role": "owner"}),
                json!({"user_id": "bob", "role": "owner"}),
                json!([]),
            ]),
        ]
    }

    async fn of_members(&self) -> Vec<Write> {
        let members = format!("{}/members", self.organization);
        let bob = format!("{members}/bob");
        self.made(&members, json!({"user_id": "ivy"})).await;
        let bad = [
            json!({"role": "god"}),
            json!({"role": null}),
            json!({"status": "deleted"}),
            json!({"role": "member", "source": "entra"}),
            json!({"role": "member", "version": 9}),
            json!([]),
        ];
        let role = json!({"role": "manager"});
        vec![
            Write::new("POST /organizations/{organization_id}/members", &members)
                .body(json!({"user_id": "new"}))
                .rejects(&[
                    json!({}),
                    json!({"user_id": "me"}),
                    json!({"user_id": "new", "role": "god"}),
                    json!({"user_id": "new", "status": "suspended"}),
                    json!({"user_id": "new", "tenant_id": "globex"}),
                ]),
            Write::new(
                "POST /organizations/{organization_id}/members/batch",
                &format!("{members}/batch"),
            )
            .body(json!({"items": [{"user_id": "new"}]}))
            .rejects(&bad_batches("user_id")),
            Write::new(
                "PATCH /organizations/{organization_id}/members/{user_id}",
                &bob,
            )
            .body(role.clone())
            .rejects(&bad),
            Write::new(
                "PUT /organizations/{organization_id}/members/{user_id}",
                &bob,
            )
            .body(role)
            .rejects(&bad),
            Write::new(
                "DELETE /organizations/{organization_id}/members/{user_id}",
                &bob,
            ),
            Write::new(
                "POST /organizations/{organization_id}/members/{user_id}/accept",
                &format!("{members}/ivy/accept"),
            )
            .rejects(&[json!({"user_id": "ivy"})])
            .by(Writer::InvitedMember),
        ]
    }

    async fn of_invitations(&self) -> Vec<Write> {
        let invitations = format!("{}/invitations", self.organization);
        let body = json!({"email": "ivy@acme.example"});
        let made = self.ada.post(&invitations, body).await.expect(201);
        let invitation = by_email::path(&made);
        let id = made.body["id"].as_str().unwrap();
        let body = json!({"token": token(&made)});
        let bad_tokens = [
            json!({}),
            json!({"token": 7}),
            json!({"token": token(&made), "user_id": "ivy"}),
            json!([]),
        ];
        let mut writes = vec![
            Write::new(
                "POST /organizations/{organization_id}/invitations",
                &invitations,
            )
            .body(json!({"email": "cy@acme.example"}))
            .rejects(&[
                json!({}),
                json!({"email": "nobody"}),
                json!({"email": "cy@acme.example", "role": "god"}),
                json!({"email": "cy@acme.example", "team_ids": "all"}),
                json!({"email": "cy@acme.example", "status": "accepted"}),
                json!([]),
            ]),
            Write::new(
                "POST /organizations/{organization_id}/invitations/batch",
                &format!("{invitations}/batch"),
            )
            .body(json!({"items": [{"email": "cy@acme.example"}]}))
            .rejects(&bad_batches("email")),
            Write::new(
                "POST /organizations/{organization_id}/invitations/{invitation_id}/resend",
                &format!("{invitation}/resend"),
            )
            .rejects(&unknown()),
            Write::new(
                "DELETE /organizations/{organization_id}/invitations/{invitation_id}",
                &invitation,
            ),
        ];
        let own = format!("/users/me/invitations/{id}");
        let answers = [
            Write::new("POST /invitations/accept", "/invitations/accept")
                .body(body.clone())
                .rejects(&bad_tokens),
            Write::new("POST /invitations/decline", "/invitations/decline")
                .body(body)
                .rejects(&bad_tokens),
            Write::new(
                "POST /users/me/invitations/{invitation_id}/accept",
                &format!("{own}/accept"),
            )
            .rejects(&unknown()),
            Write::new(
                "POST /users/me/invitations/{invitation_id}/decline",
                &format!("{own}/decline"),
            )
            .rejects(&unknown()),
        ];
        writes.extend(answers.map(|write| write.by(Writer::InvitedAddress)));
        writes
    }

    async fn of_teams(&self) -> Vec<Write> {
        let teams = format!("{}/teams", self.organization);
        let team = self.made(&teams, json!({"name": "Team"})).await;
        let bad = [
            json!({"name": ""}),
            json!({"name": null}),
            json!({"name": "Fine", "metadata": []}),
            json!({"name": "Fine", "limits": {"max_budget": -1}}),
            json!({"name": "Fine", "is_default": "yes"}),
            json!({"name": "Fine", "organization_id": "other"}),
            json!({"name": "Fine", "version": 9}),
            json!([]),
        ];
        let name = json!({"name": "Renamed"});
        vec![
            Write::new("POST /organizations/{organization_id}/teams", &teams)
                .body(json!({"name": "New"}))
                .rejects(&bad),
            Write::new("POST /teams", "/teams")
                .body(json!({"name": "New"}))
                .rejects(&bad)
                .by(Writer::TenantAdmin),
            Write::new("PATCH /teams/{team_id}", &team)
                .body(name.clone())
                .rejects(&bad),
            Write::new("PUT /teams/{team_id}", &team)
                .body(name)
                .rejects(&bad),
            Write::new("DELETE /teams/{team_id}", &team),
        ]
    }

    /// About a team with a member.
    async fn of_team_members(&self) -> Vec<Write> {
        let teams = format!("{}/teams", self.organization);
        let team = self.made(&teams, json!({"name": "Crew"})).await;
        let members = format!("{team}/members");
        let bob = self.made(&members, json!({"user_id": "bob"})).await;
        vec![
            Write::new("POST /teams/{team_id}/members", &members)
                .body(json!({"user_id": "max"}))
                .rejects(&[
                    json!({}),
                    json!({"user_id": "me"}),
                    json!({"user_id": "max", "role": "owner"}),
                    json!({"user_id": "max", "tenant_id": "globex"}),
                ]),
            Write::new("PATCH /teams/{team_id}/members/{user_id}", &bob)
                .body(json!({"role": "leader"}))
                .rejects(&[
                    json!({"role": "owner"}),
                    json!({"role": null}),
                    json!({"status": "deleted"}),
                    json!({"role": "leader", "source": "entra"}),
                    json!([]),
                ]),
            Write::new("DELETE /teams/{team_id}/members/{user_id}", &bob),
        ]
    }

    /// About a domain whose record is not published.
    async fn of_domains(&self) -> Vec<Write> {
        let domains = format!("{}/domains", self.organization);
        let domain = self.made(&domains, json!({"domain": "acme.example"})).await;
        vec![
            Write::new("POST /organizations/{organization_id}/domains", &domains)
                .body(json!({"domain": "new.example"}))
                .rejects(&[
                    json!({}),
                    json!({"domain": "no dot"}),
                    json!({"domain": "gmail.com", "status": "verified"}),
                    json!([]),
                ]),
            Write::new(
                "PATCH /organizations/{organization_id}/domains/{domain}",
                &domain,
            )
            .body(json!({"auto_join_role": "readonly"}))
            .rejects(&[
                json!({"auto_join": "yes"}),
                json!({"auto_join_role": "owner"}),
                json!({"status": "verified"}),
                json!([]),
            ]),
            Write::new(
                "POST /organizations/{organization_id}/domains/{domain}/verify",
                &format!("{domain}/verify"),
            )
            .rejects(&unknown()),
            Write::new(
                "DELETE /organizations/{organization_id}/domains/{domain}",
                &domain,
            ),
        ]
    }
}

/// Bodies with items that are rejected as a whole. An item that is not valid fails alone.
fn bad_batches(name: &str) -> [Value; 6] {
    let item = json!({name: "new@acme.example"});
    [
        json!({}),
        json!({"items": []}),
        json!({"items": {}}),
        json!({"items": [item], "unknown": 1}),
        json!({"items": vec![item; 101]}),
        json!([]),
    ]
}
