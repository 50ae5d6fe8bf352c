//! Users of the last release join its organizations: by an old invitation, by one by email, and by a domain.

use std::time::Duration;

use muster::domain::Timestamp;
use serde_json::json;
use support::{ACME, invariants};

use super::setup::Setup;
use super::{acme, id, live};
use crate::domains;
use crate::invitations::by_email::token;

/// It was open without a limit. The time that it was last changed decides.
#[tokio::test]
async fn an_old_invitation_expires_and_can_be_renewed() {
    let setup = Setup::of_last_release().await;
    let ada = setup.world.user("ada");
    let members = format!("/organizations/{}/members", acme(&setup.root(ACME)).await);
    let (member, accept) = (
        format!("{members}/by-owner"),
        format!("{members}/me/accept"),
    );
    let old = ada.get(&member).await.expect(200).body;
    let time = |name: &str| old[name].as_str().unwrap().parse::<Timestamp>().unwrap();
    let week = Duration::from_hours(7 * 24);
    assert_eq!(time("expires_at"), time("updated_at").after(week));
    let invited = setup.world.user("by-owner");
    setup.wait(week);
    invited
        .post_empty(&accept)
        .await
        .problem(409, "invitation-not-valid");
    let again = json!({"user_id": "by-owner", "role": old["role"]});
    ada.post(&members, again).await.expect(200);
    invited.post_empty(&accept).await.expect(200);
    invariants::check_without_events(&setup.world.items().await);
}

/// Its users accept invitations by email to its organizations, with the link and without.
#[tokio::test]
async fn old_users_accept_invitations_to_old_organizations() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    let organizations = live(&root).await;
    assert!(organizations.len() > 10, "{}", organizations.len());
    for (n, organization) in organizations.iter().enumerate() {
        // No member of the organization.
        let user = if organization["name"] == "Acme" {
            "fay"
        } else {
            "by-root"
        };
        let email = format!("{user}@acme.example");
        let claims =
            json!({"sub": user, "tenant_id": ACME, "email": email, "email_verified": true});
        let claims = claims.as_object().unwrap().clone();
        let bearer = setup.world.stack.token_with(claims).unwrap();
        let user = setup.world.bearer(user, Some(bearer));
        let path = format!("/organizations/{}", id(organization));
        let invitations = format!("{path}/invitations");
        let body = json!({"email": email, "role": "manager"});
        let made = root.post(&invitations, body).await.expect(201);
        let own = user.all("/users/me/invitations").await;
        let own: Vec<_> = own.iter().map(|one| &one["id"]).collect();
        assert_eq!(own, [&made.body["id"]]);
        let accepted = if n % 2 == 0 {
            let body = json!({"token": token(&made)});
            user.post("/invitations/accept", body).await
        } else {
            let accept = format!("/users/me/invitations/{}/accept", id(&made.body));
            user.post_empty(&accept).await
        };
        let member = accepted.expect(200).body;
        assert_eq!(member["role"], "manager", "{path}");
        let path = format!("{path}/members/{}", user.id);
        assert_eq!(root.get(&path).await.expect(200).body, member);
        root.delete(&path).await.expect(204);
    }
    invariants::check_without_events(&setup.world.items().await);
}

/// Its users join its organizations by a domain, and keep their other memberships.
#[tokio::test]
async fn old_users_join_old_organizations_by_a_domain() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    let id = acme(&root).await;
    // What its organizations have as their domain proves nothing.
    let list = format!("/organizations/{id}/domains");
    assert!(root.all(&list).await.is_empty());
    domains::verified(&setup.world, &root, &id, "acme.example").await;
    let path = format!("{list}/acme.example");
    let body = json!({"auto_join": true});
    root.patch(&path, body).await.expect(200);
    let members = format!("/organizations/{id}/members");
    let before = root.all(&format!("{members}?status=all")).await;
    let is_member = |user: &str| before.iter().any(|one| one["user_id"] == user);
    assert!(!is_member("fay") && is_member("member-suspended"));
    for user in ["fay", "member-suspended", "by-owner"] {
        let email = format!("{user}@acme.example");
        domains::auto_join::sign_in(&setup.world, user, &email).await;
    }
    let fay = root.get(&format!("{members}/fay")).await.expect(200).body;
    assert_eq!(
        (&fay["source"], &fay["role"]),
        (&json!("domain"), &json!("member"))
    );
    for (user, status) in [("member-suspended", "suspended"), ("by-owner", "invited")] {
        let kept = root.get(&format!("{members}/{user}")).await.expect(200);
        assert_eq!(kept.body["status"], status, "{user}");
    }
    invariants::check_without_events(&setup.world.items().await);
}
