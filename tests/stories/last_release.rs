//! This release reads and changes a table that the last release wrote. How it was written:
//! `last_release/README.md`.

mod setup;
mod write;

use std::time::Duration;

use muster::domain::{Name, Timestamp};
use serde_json::{Value, json};
use support::{ACME, Actor, invariants};

use crate::domains;
use crate::email_invitations::token;
use setup::{ODD_USER, Setup, read, segment};
use write::ROLES;

/// Lists all live organizations of the tenant.
async fn live(root: &Actor) -> Vec<Value> {
    root.all("/organizations").await
}

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

/// The id of the organization with one of everything.
async fn acme(root: &Actor) -> String {
    let found = live(root).await;
    let acme = found.iter().find(|one| one["name"] == "Acme").unwrap();
    id(acme).to_owned()
}

/// The id of a live organization with the same folded name as this deleted one.
async fn twin(root: &Actor, deleted: &Value) -> Option<String> {
    let name = |one: &Value| serde_json::from_value::<Name>(one["name"].clone()).unwrap();
    let mut live = live(root).await.into_iter();
    let twin = live.find(|one| name(one).folded() == name(deleted).folded())?;
    Some(id(&twin).to_owned())
}

/// Whether all old values are unchanged; new fields are allowed.
fn holds(before: &Value, now: &Value) -> bool {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => before.iter().all(|(name, before)| {
            // The effective limits of a team now follow its organization, and a suspension in the
            // organization also shows in its teams.
            let now = now.get(name);
            let is_computed = name == "effective_models"
                || (name == "status" && now.is_some_and(|now| now == "suspended"));
            is_computed || now.is_some_and(|now| holds(before, now))
        }),
        (Value::Array(before), Value::Array(now)) => {
            let all = before.iter().zip(now);
            before.len() == now.len() && all.into_iter().all(|(before, now)| holds(before, now))
        }
        // Whole numbers are now written without a fraction.
        (Value::Number(before), Value::Number(now)) => before.as_f64() == now.as_f64(),
        (before, now) => before == now,
    }
}

#[tokio::test]
async fn old_data_reads_as_before() {
    let setup = Setup::of_last_release().await;
    assert_eq!(setup.table().await, read("table.json"));
    let answers = read("answers.json");
    let mut count = 0;
    for (actor, answers) in answers.as_object().unwrap() {
        let actor = match actor.split_once(' ') {
            Some((tenant, user)) => setup.world.user_of(tenant, user),
            None => setup.root(actor),
        };
        for (path, before) in answers.as_object().unwrap() {
            let now = match before {
                Value::Array(_) => actor.all(path).await.into(),
                _ => actor.get(path).await.expect(200).body,
            };
            let who = &actor.id;
            assert!(
                holds(before, &now),
                "{who}: {path}\nbefore {before}\nnow {now}"
            );
            count += 1;
        }
    }
    assert!(count > 500, "{count} answers");
    assert_eq!(setup.table().await, read("table.json"));
}

#[tokio::test]
async fn every_organization_can_be_renamed_deleted_and_restored() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    let deleted = root.all("/organizations?status=deleted").await;
    assert_eq!(deleted.len(), 2);
    for organization in &deleted {
        let path = format!("/organizations/{}", id(organization));
        let back = root.post_empty(&format!("{path}/restore")).await;
        assert_eq!(back.expect(200).body["name"], organization["name"]);
    }
    let organizations = live(&root).await;
    for (n, organization) in organizations.iter().enumerate() {
        let path = format!("/organizations/{}", id(organization));
        // First changes another field, then the name.
        let body = json!({"billing_address": "new"});
        let now = root.patch(&path, body).await.expect(200).body;
        assert_eq!(now["name"], organization["name"]);
        let body = json!({"name": format!("Renamed {n}"), "limits": {"tpm_limit": 5}});
        root.patch(&path, body).await.expect(200);
        root.delete(&path).await.expect(204);
        root.get(&path).await.problem(404, "not-found");
        root.post_empty(&format!("{path}/restore"))
            .await
            .expect(200);
    }
    // Their old names are free.
    for name in ["Acme", "Plain", "New name", "Back", "Gone", "Straße", "One"] {
        root.post("/organizations", json!({"name": name}))
            .await
            .expect(201);
    }
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn every_organization_can_be_deleted_and_restored() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    for organization in live(&root).await {
        let path = format!("/organizations/{}", id(&organization));
        root.delete(&path).await.expect(204);
        let restore = format!("{path}/restore");
        let mut back = root.post_empty(&restore).await;
        if back.status == 409 {
            // Two names that differed only by an invisible character are now the same.
            let taken = back.problem(409, "name-taken");
            let same = twin(&root, &organization)
                .await
                .unwrap_or_else(|| panic!("{}", taken.body["detail"]));
            let other = json!({"name": format!("Renamed {same}")});
            let path = format!("/organizations/{same}");
            root.patch(&path, other).await.expect(200);
            back = root.post_empty(&restore).await;
        }
        assert_eq!(back.expect(200).body["name"], organization["name"]);
    }
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn members_of_every_role_and_status_can_be_changed_and_removed() {
    let setup = Setup::of_last_release().await;
    let (root, ada) = (setup.root(ACME), setup.world.user("ada"));
    let members = format!("/organizations/{}/members", acme(&root).await);
    let accept = format!("{members}/me/accept");
    // The last release did not store that an inviter was a tenant admin: they invite again.
    let by_root = setup.world.user("by-root");
    let refused = by_root.post_empty(&accept).await;
    refused.problem(409, "invitation-not-valid");
    let again = json!({"user_id": "by-root", "role": "member"});
    root.post(&members, again).await.expect(200);
    for user in ["by-owner", "by-admin", "by-root"] {
        let accepted = setup.world.user(user).post_empty(&accept).await;
        assert_eq!(accepted.expect(200).body["role"], "member");
    }
    for role in ROLES {
        for status in ["active", "invited", "suspended"] {
            let path = format!("{members}/{role}-{status}");
            // A caller who changes the role of an invitation becomes its inviter.
            if (role, status) == ("manager", "invited") {
                let other = json!({"role": "member"});
                ada.patch(&path, other).await.expect(200);
            }
            let now = ada.patch(&path, json!({"role": "manager"})).await;
            assert_eq!(now.expect(200).body["status"], status);
            match status {
                "active" => ada.patch(&path, json!({"status": "suspended"})).await,
                "suspended" => ada.patch(&path, json!({"status": "active"})).await,
                _ => {
                    let invited = setup.world.user(&format!("{role}-{status}"));
                    invited.post_empty(&format!("{members}/me/accept")).await
                }
            }
            .expect(200);
            ada.delete(&path).await.expect(204);
        }
    }
    // Its user is in a team and has an id with every character.
    let odd = format!("{members}/{}", segment(ODD_USER));
    ada.patch(&odd, json!({"role": "readonly"}))
        .await
        .expect(200);
    setup
        .world
        .user(ODD_USER)
        .delete(&format!("{members}/me"))
        .await
        .expect(204);
    invariants::check_without_events(&setup.world.items().await);
}

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

#[tokio::test]
async fn teams_and_their_members_can_be_changed_and_removed() {
    let setup = Setup::of_last_release().await;
    let (root, ada) = (setup.root(ACME), setup.world.user("ada"));
    let teams = format!("/organizations/{}/teams", acme(&root).await);
    let leader = setup.world.user("member-active");
    let mut all = ada.all(&teams).await;
    assert_eq!(all.len(), 2);
    all.extend(root.all("/teams").await);
    assert_eq!(all.len(), 6);
    for (n, team) in all.iter().enumerate() {
        let path = format!("/teams/{}", id(team));
        let members = format!("{path}/members");
        if team["name"] == "Sales" {
            leader
                .patch(&path, json!({"description": "by its leader"}))
                .await
                .expect(200);
            let left = format!("{members}/readonly-active");
            leader.delete(&left).await.expect(204);
            let body = json!({"user_id": "readonly-active"});
            leader.post(&members, body).await.expect(201);
        }
        for member in root.all(&members).await {
            let user = segment(member["user_id"].as_str().unwrap());
            let member = format!("{members}/{user}");
            for role in ["leader", "member"] {
                root.patch(&member, json!({"role": role})).await.expect(200);
            }
            // Forced: some of them come from the directory.
            let member = format!("{member}?force=true");
            root.delete(&member).await.expect(204);
        }
        let name = json!({"name": format!("Renamed {n}")});
        root.patch(&path, name).await.expect(200);
        root.delete(&path).await.expect(204);
    }
    ada.post(&teams, json!({"name": "Sales"})).await.expect(201);
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn users_keep_their_memberships_at_the_next_login() {
    let setup = Setup::of_last_release().await;
    let memberships = async |user: &str| {
        let mine = "/users/me/organizations?status=all";
        let mut all = setup.world.user(user).all(mine).await;
        all.iter_mut()
            .map(|one| {
                let text = |name: &str| one[name].as_str().unwrap().to_owned();
                (text("organization_id"), text("role"), text("status"))
            })
            .collect::<Vec<_>>()
    };
    for user in ["eve", "fay"] {
        let before = memberships(user).await;
        setup.login(user).await;
        assert_eq!(memberships(user).await, before);
    }
    // And join new groups.
    setup.graph.assign("g-new", "New");
    for user in ["eve", "fay", "kim"] {
        setup.graph.join(user, "g-new");
        setup.login(user).await;
        let new = memberships(user).await;
        let new = new.iter().find(|(id, ..)| id == "g-new").unwrap();
        assert_eq!((&*new.1, &*new.2), ("internal_user", "active"));
    }
    // A membership made by the sync is suspended when its user leaves the group.
    setup.graph.leave("fay", "g-left");
    setup.login("fay").await;
    let all = memberships("fay").await;
    let left = all.iter().find(|(id, ..)| id == "g-left").unwrap();
    assert_eq!(left.2, "suspended");
    invariants::check_without_events(&setup.world.items().await);
}

#[tokio::test]
async fn keys_of_the_last_release_replay_their_response() {
    let setup = Setup::of_last_release().await;
    let records = read("table.json");
    let records = records.as_array().unwrap().iter();
    let mut count = 0;
    let ada = setup.world.user("ada");
    let root = setup.root(ACME);
    let path = format!("/organizations/{}", acme(&root).await);
    let before = setup.table().await;
    for (actor, path, key, body) in [
        (
            &ada,
            format!("{path}/members"),
            "invites-by-owner",
            Some("by-owner"),
        ),
        (
            &ada,
            format!("{path}/members"),
            "invites-accepts",
            Some("accepts"),
        ),
        (
            &root,
            format!("{path}/members"),
            "invites-by-root",
            Some("by-root"),
        ),
        (
            &setup.world.user("admin-active"),
            format!("{path}/members"),
            "invites-by-admin",
            Some("by-admin"),
        ),
        (
            &setup.world.user("accepts"),
            format!("{path}/members/me/accept"),
            "accepts",
            None,
        ),
    ] {
        let request = actor
            .request(reqwest::Method::POST, &path)
            .header("idempotency-key", key);
        let request = match body {
            Some(user) => request.json(&json!({"user_id": user, "role": "member"})),
            None => request,
        };
        let reply = actor.send_to_last_release(request).await;
        assert!([200, 201].contains(&reply.status), "{reply:?}");
        assert_eq!(
            reply
                .headers
                .get("idempotency-replayed")
                .map(String::as_str),
            Some("true")
        );
        count += 1;
    }
    assert_eq!(setup.table().await, before);
    assert!(
        records
            .filter(|item| item["sk"]["S"] == "IDEMPOTENCY")
            .count()
            > count
    );
}

#[tokio::test]
async fn members_and_users_are_found_by_name_after_their_next_login() {
    let setup = Setup::of_last_release().await;
    let root = setup.root(ACME);
    let id = acme(&root).await;
    let members = format!("/organizations/{id}/members?status=all");
    let users = |items: Vec<Value>| -> Vec<String> {
        let user = |item: Value| item["user_id"].as_str().unwrap().to_owned();
        let mut users: Vec<_> = items.into_iter().map(user).collect();
        users.sort();
        users
    };
    // No list loses a member who is in no index by name yet.
    let all = users(root.all(&members).await);
    assert!(all.len() > 3, "{all:?}");
    for limit in [1, 3, 100] {
        let path = format!("{members}&sort=name&limit={limit}");
        assert_eq!(users(root.all(&path).await), all, "{limit}");
    }
    assert!(root.all("/users?status=all").await.is_empty());
    // A request that changes nothing puts a user into both.
    let bob = all.iter().find(|user| *user != "root").unwrap();
    let name = json!({"display_name": "Zebulon"});
    root.put(&format!("/users/{}", segment(bob)), name)
        .await
        .expect(200);
    for other in all.iter().filter(|user| *user != bob) {
        let path = format!("/users/{}", segment(other));
        let known = root.put(&path, json!({})).await;
        assert!([200, 201].contains(&known.status), "{known:?}");
    }
    assert_eq!(
        users(root.all(&format!("{members}&q=zebu")).await),
        std::slice::from_ref(bob)
    );
    assert_eq!(
        users(root.all("/users?q=zebu").await),
        std::slice::from_ref(bob)
    );
    assert_eq!(users(root.all("/users?status=all").await), all);
    for limit in [1, 3, 100] {
        let path = format!("{members}&sort=name&limit={limit}");
        let listed = root.all(&path).await;
        assert_eq!(listed.last().unwrap()["user_id"], bob.as_str());
        assert_eq!(users(listed), all, "{limit}");
        assert_eq!(
            users(root.all(&format!("{members}&limit={limit}")).await),
            all
        );
    }
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
