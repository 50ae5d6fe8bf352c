//! Cursors are valid for one list of one tenant only, and cannot lead out of it.

mod forged;

use std::collections::HashSet;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use support::{ACME, Actor, World};

const OTHER: &str = "other";

/// An organization and a team in it, with the same members; a webhook endpoint and the directory of the tenant.
#[derive(Debug)]
struct Crowd {
    organization: String,
    team: String,
    endpoint: String,
    directory: String,
}

/// Two tenants with four organizations each, one of which has many members.
async fn two_tenants() -> (World, [Crowd; 2]) {
    let world = World::start().await;
    let mut crowds = Vec::new();
    for tenant in [ACME, OTHER] {
        let root = world.tenant_admin_of(tenant);
        for name in ["A", "B", "C"] {
            let body = json!({"name": format!("{name} of {tenant}"), "domain": "x.example"});
            root.post("/organizations", body).await.expect(201);
        }
        let crowd = world.organization(&root, &format!("D of {tenant}")).await;
        let mut team = String::new();
        for teams in ["/teams".to_owned(), format!("/organizations/{crowd}/teams")] {
            for name in ["A", "B"] {
                let made = root.post(&teams, json!({"name": name})).await.expect(201);
                made.body["id"].as_str().unwrap().clone_into(&mut team);
                let members = format!("/teams/{team}/members");
                let own = json!({"user_id": ADMIN});
                root.post(&members, own).await.expect(201);
            }
        }
        for user in ["bob", "eve", "mia"] {
            root.put(&format!("/users/{user}"), json!({}))
                .await
                .expect(201);
            let member = json!({"user_id": user, "status": "active"});
            let members = format!("/organizations/{crowd}/members");
            root.post(&members, member).await.expect(201);
            let members = format!("/teams/{team}/members");
            let member = json!({"user_id": user});
            root.post(&members, member).await.expect(201);
        }
        for name in ["a", "b"] {
            let domain = json!({"domain": format!("{name}-of-{tenant}.example")});
            let domains = format!("/organizations/{crowd}/domains");
            root.post(&domains, domain).await.expect(201);
            let invitation = json!({"email": format!("{name}@{tenant}.example")});
            let invitations = format!("/organizations/{crowd}/invitations");
            root.post(&invitations, invitation).await.expect(201);
        }
        let mut endpoint = String::new();
        for event_types in ["team.*", "user.*"] {
            let body =
                json!({"url": "https://hooks.acme.example/muster", "event_types": [event_types]});
            let made = root.post("/webhook-endpoints", body).await.expect(201);
            made.body["id"].as_str().unwrap().clone_into(&mut endpoint);
        }
        let directory = json!({"name": "Okta", "type": "scim"});
        let directory = root.post("/directories", directory).await.expect(201);
        crowds.push(Crowd {
            organization: crowd,
            team,
            endpoint,
            directory: directory.body["id"].as_str().unwrap().to_owned(),
        });
    }
    (world, crowds.try_into().unwrap())
}

async fn cursor(actor: &Actor, path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let page = actor
        .get(&format!("{path}{separator}limit=1"))
        .await
        .expect(200);
    page.body["next_cursor"].as_str().expect(path).to_owned()
}

async fn refused(actor: &Actor, path: &str, cursor: &str) {
    let separator = if path.contains('?') { '&' } else { '?' };
    let asked = format!("{path}{separator}cursor={cursor}");
    actor.get(&asked).await.problem(400, "invalid-cursor");
}

/// The tenant admin's id.
const ADMIN: &str = "root";

/// Lists of more than one page that a tenant admin can read, who is a member of every organization of the tenant.
fn long_lists(crowd: &Crowd) -> Vec<String> {
    let Crowd {
        organization: crowd,
        team,
        ..
    } = crowd;
    vec![
        "/events".to_owned(),
        format!("/organizations/{crowd}/events"),
        format!("/organizations/{crowd}/domains"),
        format!("/organizations/{crowd}/invitations"),
        "/webhook-endpoints".to_owned(),
        "/organizations".to_owned(),
        "/organizations?status=active".to_owned(),
        "/organizations?domain=x.example".to_owned(),
        "/organizations?name_prefix=".to_owned() + "a",
        "/teams".to_owned(),
        format!("/organizations/{crowd}/teams"),
        format!("/organizations/{crowd}/members"),
        format!("/organizations/{crowd}/members?status=all"),
        format!("/organizations/{crowd}/members?role=member"),
        format!("/organizations/{crowd}/members?sort=name"),
        "/users".to_owned(),
        "/users?status=all".to_owned(),
        format!("/users/{ADMIN}/organizations"),
        format!("/users/{ADMIN}/organizations?status=all"),
        format!("/teams/{team}/members"),
        format!("/users/{ADMIN}/teams"),
    ]
}

/// All lists. Those that are empty or have one item give no cursor here, and accept none of another list.
fn lists(crowd: &Crowd) -> Vec<String> {
    let Crowd {
        endpoint,
        directory,
        ..
    } = crowd;
    let short = [
        "/directories".to_owned(),
        format!("/directories/{directory}/runs"),
        format!("/webhook-endpoints/{endpoint}/deliveries"),
        "/users/me/invitations".to_owned(),
    ];
    long_lists(crowd).into_iter().chain(short).collect()
}

#[test]
fn every_list_with_cursors_is_tested() {
    let crowd = Crowd {
        organization: "{organization_id}".to_owned(),
        team: "{team_id}".to_owned(),
        endpoint: "{endpoint_id}".to_owned(),
        directory: "{directory_id}".to_owned(),
    };
    let user = format!("/users/{ADMIN}/");
    let tested: HashSet<_> = lists(&crowd)
        .iter()
        .map(|list| list.split('?').next().unwrap().to_owned())
        .map(|list| list.replace(&user, "/users/{user_id}/"))
        .collect();
    let document = muster_functions::openapi_document();
    let paths = document["paths"].as_object().unwrap().iter();
    let lists = paths.filter(|(_, path)| {
        let parameters = path.pointer("/get/parameters").and_then(Value::as_array);
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter["name"] == "cursor")
    });
    let lists: HashSet<_> = lists.map(|(path, _)| path.clone()).collect();
    assert_eq!(tested, lists);
}

#[tokio::test]
async fn a_cursor_is_valid_only_in_its_own_list() {
    let (world, [crowd, others]) = two_tenants().await;
    let (root, other) = (world.tenant_admin(), world.tenant_admin_of(OTHER));
    let mut cursors = Vec::new();
    for list in long_lists(&crowd) {
        if list.contains("name_prefix") {
            continue;
        }
        cursors.push((list.clone(), cursor(&root, &list).await));
    }
    for (own, cursor) in &cursors {
        for list in lists(&crowd) {
            if list == *own {
                let separator = if list.contains('?') { '&' } else { '?' };
                root.get(&format!("{list}{separator}cursor={cursor}"))
                    .await
                    .expect(200);
            } else {
                refused(&root, &list, cursor).await;
            }
        }
        for list in lists(&others) {
            refused(&other, &list, cursor).await;
        }
        // Nor for another organization or user.
        for list in ["/users/bob/organizations", "/users/bob/teams"] {
            refused(&root, list, cursor).await;
        }
        for list in [
            format!("/organizations/{}/members", others.organization),
            format!("/teams/{}/members", others.team),
        ] {
            refused(&root, &list, cursor).await;
        }
        // `me` is a different list from the user's own id; both start over.
        refused(&world.user("bob"), "/users/me/organizations", cursor).await;
    }
}

#[tokio::test]
async fn damaged_cursors_and_invalid_limits_are_rejected() {
    let (world, [crowd, _]) = two_tenants().await;
    let root = world.tenant_admin();
    for list in [
        "/organizations",
        &format!("/organizations/{}/members", crowd.organization),
        &format!("/users/{ADMIN}/organizations"),
    ] {
        let good = cursor(&root, list).await;
        let mut damaged = vec![
            "x".to_owned(),
            "%00".to_owned(),
            "====".to_owned(),
            "null".to_owned(),
            format!("{good}A"),
            format!("{good}{good}"),
            "A".repeat(5_000),
            URL_SAFE_NO_PAD.encode([0; 16]),
            URL_SAFE_NO_PAD.encode([255; 400]),
        ];
        for at in 1..good.len() {
            damaged.push(good[..at].to_owned());
        }
        for (at, one) in good.char_indices() {
            let other = if one == 'A' { "B" } else { "A" };
            damaged.push(format!("{}{other}{}", &good[..at], &good[at + 1..]));
        }
        for damaged in damaged {
            refused(&root, list, &damaged).await;
        }
        for limit in [
            "0",
            "101",
            "x",
            "-1",
            "1.0",
            "1,2",
            "%201",
            "18446744073709551616",
        ] {
            let reply = root.get(&format!("{list}?limit={limit}")).await;
            let reply = reply.problem(400, "validation-failed");
            assert_eq!(reply.body["errors"][0]["pointer"], "/limit");
        }
        for limit in ["", "1", "100"] {
            root.get(&format!("{list}?limit={limit}")).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_cursor_at_a_deleted_item_still_works() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(world.organization(&root, name).await);
    }
    let next = cursor(&root, "/organizations").await;
    root.delete(&format!("/organizations/{}", ids[0]))
        .await
        .expect(204);
    let rest = root
        .get(&format!("/organizations?cursor={next}"))
        .await
        .expect(200);
    let names: Vec<&Value> = rest.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(names, ["B", "C"]);

    // Purged by DynamoDB, so no longer in the table.
    let pk = format!("TENANT#{ACME}#ORG#{}", ids[0]);
    world
        .stack
        .client()
        .delete_item()
        .table_name(world.stack.table_name())
        .key("pk", AttributeValue::S(pk))
        .key("sk", AttributeValue::S("ORG".to_owned()))
        .send()
        .await
        .unwrap();
    let rest = root
        .get(&format!("/organizations?cursor={next}"))
        .await
        .expect(200);
    assert_eq!(rest.body["items"].as_array().unwrap().len(), 2);
}
