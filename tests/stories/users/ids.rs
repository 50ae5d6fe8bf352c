//! User ids are any `sub` that `OpenID` Connect allows, and all work the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use support::World;

/// Ids of identity providers, and ids that imitate a key or a path.
fn ids() -> Vec<String> {
    let ids = [
        "dlvyg+PkAt/lCmoJtTqb=",
        "CN=Bob,OU=x",
        r"CORP\bob",
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "a#b",
        "a%23b",
        "a%2523b",
        "~YWRh",
        "~",
        "..",
        "a b",
        " a ",
        "\"<script>\"",
        "{user_id}",
        "TENANT#acme#USER#ada",
        "ME",
        "?x=1&y#z",
    ];
    let mut ids: Vec<_> = ids.map(str::to_owned).into();
    ids.extend(["x".repeat(200), "#".repeat(255), "/".repeat(255)]);
    ids
}

fn encoded(id: &str) -> String {
    format!("~{}", URL_SAFE_NO_PAD.encode(id))
}

#[tokio::test]
async fn every_route_takes_every_user_id() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let members = format!("/organizations/{id}/members");
    let team_members = format!("{}/members", world.team(Some(&id), "T", &[]).await);
    for (n, user_id) in ids().into_iter().enumerate() {
        let user = world.user(&user_id);
        let segment = encoded(&user_id);
        // Registered, and read at the URL of the response.
        let registered = root
            .put(&format!("/users/{segment}"), json!({"display_name": "Odd"}))
            .await
            .expect(201);
        assert_eq!(registered.body["user_id"], user_id);
        let location = &registered.headers["location"];
        assert_eq!(
            root.get(location).await.expect(200).body["user_id"],
            user_id
        );
        assert_eq!(
            user.get("/users/me").await.expect(200).body["user_id"],
            user_id
        );

        // Invited, accepted, changed, read and listed.
        let invited = ada
            .post_once(&members, &format!("k{n}"), json!({"user_id": user_id}))
            .await
            .expect(201);
        let member = invited.headers["location"].clone();
        assert_eq!(ada.get(&member).await.expect(200).body["user_id"], user_id);
        user.post_empty(&format!("{members}/me/accept"))
            .await
            .expect(200);
        let manager = json!({"role": "manager"});
        let path = format!("{members}/{segment}");
        assert_eq!(
            ada.patch(&path, manager).await.expect(200).body["user_id"],
            user_id
        );
        let own = user.all("/users/me/organizations").await;
        assert_eq!(own[0]["user_id"], user_id);
        assert_eq!(
            root.all(&format!("/users/{segment}/organizations")).await,
            own
        );

        // Joins a team, and creates an organization.
        let body = json!({"user_id": user_id, "role": "leader"});
        ada.post(&team_members, body).await.expect(201);
        assert_eq!(user.all("/users/me/teams").await.len(), 1);
        assert_eq!(root.all(&format!("/users/{segment}/teams")).await.len(), 1);
        let body = json!({"name": format!("Of {n}")});
        let made = user
            .post_once("/organizations", "k", body)
            .await
            .expect(201);
        assert_eq!(made.body["created_by"], user_id);
    }

    // The lists have each once, for small pages too.
    let mut expected = ids();
    expected.sort();
    for (path, others) in [(&members, ["ada", "bob"].as_slice()), (&team_members, &[])] {
        let listed = ada.all(&format!("{path}?limit=3")).await;
        let mut listed: Vec<_> = listed
            .iter()
            .map(|member| member["user_id"].as_str().unwrap().to_owned())
            .filter(|user| !others.contains(&user.as_str()))
            .collect();
        listed.sort();
        assert_eq!(listed, expected, "{path}");
    }

    // Leaves the team and the organization.
    for user_id in ids() {
        let segment = encoded(&user_id);
        ada.delete(&format!("{team_members}/{segment}"))
            .await
            .expect(204);
        ada.delete(&format!("{members}/{segment}"))
            .await
            .expect(204);
        root.get(&format!("{members}/{segment}"))
            .await
            .problem(404, "not-found");
    }
    assert_eq!(ada.all(&members).await.len(), 2);
}

/// Percent-encoding also works for gateways that route an encoded slash.
#[tokio::test]
async fn an_id_may_be_percent_encoded_in_a_path() {
    let world = World::start().await;
    let root = world.tenant_admin();
    for user_id in [
        "dlvyg+PkAt/lCmoJtTqb=",
        "CN=Bob,OU=x",
        r"CORP\bob",
        "a#b",
        "a b",
    ] {
        let path = format!("/users/{}", utf8_percent_encode(user_id, NON_ALPHANUMERIC));
        let registered = root.put(&path, json!({})).await.expect(201);
        assert_eq!(registered.body["user_id"], user_id);
        let same = root
            .get(&format!("/users/{}", encoded(user_id)))
            .await
            .expect(200);
        assert_eq!(same.body, registered.body);
    }
}

#[tokio::test]
async fn ids_with_similar_keys_are_different_users() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let alike = ["a#b", "a%23b", "a%2523b", "a$3b", "a b", "a+b"];
    for user_id in alike {
        let body = json!({"display_name": user_id});
        let path = format!("/users/{}", encoded(user_id));
        root.put(&path, body).await.expect(201);
    }
    for user_id in alike {
        let path = format!("/users/{}", encoded(user_id));
        assert_eq!(
            root.get(&path).await.expect(200).body["display_name"],
            user_id
        );
    }
}

#[tokio::test]
async fn an_id_that_no_token_can_have_is_rejected() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    let members = format!("/organizations/{id}/members");
    let long = "x".repeat(256);
    for user_id in ["", "ä", "a\u{0}", "a\nb", "\u{7f}", &long] {
        let body = json!({"user_id": user_id});
        ada.post(&members, body)
            .await
            .problem(400, "validation-failed");
        let path = format!("/users/{}", encoded(user_id));
        root.put(&path, json!({}))
            .await
            .problem(400, "validation-failed");
    }
    for segment in ["~", "~!", "~YQ==", "~Y", "~4p-T"] {
        let path = format!("/users/{segment}");
        let reply = root.get(&path).await.problem(400, "validation-failed");
        assert_eq!(reply.body["errors"][0]["pointer"], Value::from("/user_id"));
    }
}
