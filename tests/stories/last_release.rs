//! This release reads and changes a table that the last release wrote. How it was written:
//! `last_release/README.md`.

mod answers;
mod joining;
mod members;
mod setup;
mod write;

use muster::domain::Name;
use serde_json::{Value, json};
use support::{ACME, Actor, invariants};

use setup::{Setup, read, segment};

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
