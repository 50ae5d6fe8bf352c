//! Writes the table and the responses of the current release.

use std::fs;

use serde_json::{Value, json};
use support::graph::Graph;
use support::{ACME, Actor, invariants};

use super::answers::answers;
use super::setup::{ODD_TENANT, ODD_USER, Setup, file, segment};

/// All roles.
pub(super) const ROLES: [&str; 8] = [
    "owner",
    "admin",
    "org_admin",
    "manager",
    "member",
    "internal_user",
    "readonly",
    "internal_user_viewer",
];
/// Names of organizations that a release accepts and a later one may reject, fold differently, or
/// truncate in a key.
pub(super) fn odd_names() -> Vec<String> {
    let mut names: Vec<String> = [
        "\u{2800}",
        "Acme 3",
        "Acme 3\u{2800}",
        "\u{301}",
        "\u{ffff}",
        "\u{e000}",
        "# $ ! \" $~ end",
        "Straße",
        "ﬁnance ｆｕｌｌ　ｗｉｄｔｈ",
        "İstanbul ΣΑΣ",
        "e\u{301}té",
        "שלום 👩‍👩‍👧 a\u{200d}b",
        "\u{10ffff}",
        "%00%23/..",
    ]
    .map(str::to_owned)
    .into();
    // Longer than a key may be, and different only after the truncation.
    names.push("界".repeat(200));
    names.push(format!("{}a", "\u{fdfa}".repeat(100)));
    names.push(format!("{}b", "\u{fdfa}".repeat(100)));
    names
}

/// Groups and their members at the end of writing.
pub(super) fn directory(graph: &Graph) {
    for (id, name) in [
        ("g-one", "One"),
        ("g-two", "Two"),
        ("g-gone", "Gone group"),
        ("g-teamless", "Teamless"),
        ("g-alone", "Alone of old"),
        ("g-left", "Left"),
        ("g-renamed", "Renamed"),
    ] {
        graph.assign(id, name);
    }
    graph.assign("g-lead", "Lead");
    graph.assign_with("g-lead", "lead");
    for id in [
        "g-one",
        "g-two",
        "g-gone",
        "g-teamless",
        "g-alone",
        "g-lead",
        "g-renamed",
    ] {
        graph.join("eve", id);
    }
    for id in ["g-one", "g-lead", "g-left"] {
        graph.join("fay", id);
    }
}

#[tokio::test]
#[ignore = "writes the files of a release"]
async fn the_table_of_this_release() {
    let setup = Setup::open(std::time::Duration::ZERO).await;
    organizations(&setup).await;
    acme(&setup).await;
    teams(&setup).await;
    logins(&setup).await;
    odd_tenant(&setup).await;
    invariants::check(&setup.world.items().await);
    let table = setup.table().await;
    let answers = answers(&setup, &table).await;
    for (name, value) in [("table.json", table), ("answers.json", answers)] {
        fs::write(file(name), lines(&value)).unwrap();
    }
}

/// JSON with a line for each item or response.
fn lines(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(",\n");
    match value {
        Value::Array(items) => {
            let items = items.iter().map(Value::to_string).collect();
            format!("[\n{}\n]\n", list(items))
        }
        value => {
            let actors = value.as_object().unwrap().iter().map(|(actor, answers)| {
                let answers = answers.as_object().unwrap().iter();
                let answers = answers.map(|(path, answer)| format!("{}: {answer}", json!(path)));
                format!("{}: {{\n{}\n}}", json!(actor), list(answers.collect()))
            });
            format!("{{\n{}\n}}\n", list(actors.collect()))
        }
    }
}

/// Organizations in every possible state.
async fn organizations(setup: &Setup) {
    let ada = setup.world.user("ada");
    let full = json!({
        "name": "Acme", "domain": "acme.example", "billing_email": "pay@acme.example",
        "billing_address": "1 Main St\r\n\tAcme 😀", "stripe_customer_id": "cus_1",
        "metadata": {"plan": "gold", "seats": 12, "big": 18_446_744_073_709_551_615_u64, "price": 12.5, "tiny": 1e-9,
            "huge": 1.5e300, "deep": {"list": [null, true, "\u{0}", {}]}},
        "limits": {"models": ["small", "large"], "max_budget": 1000.5, "budget_duration": "30d",
            "tpm_limit": 1_000_000, "rpm_limit": 100},
    });
    ada.post_once("/organizations", "acme", full)
        .await
        .expect(201);
    create(&ada, "Plain").await;
    let renamed = create(&ada, "Old name").await;
    ada.patch(
        &renamed,
        json!({"name": "New name", "domain": "new.example"}),
    )
    .await
    .expect(200);
    let gone = create(&ada, "Gone").await;
    let teams = format!("{gone}/teams");
    let team = post(&ada, &teams, json!({"name": "Of the deleted"})).await;
    post(
        &ada,
        &format!("/teams/{team}/members"),
        json!({"user_id": "ada"}),
    )
    .await;
    ada.patch(&gone, json!({"domain": "gone.example"}))
        .await
        .expect(200);
    ada.delete(&gone).await.expect(204);
    let back = create(&ada, "Back").await;
    ada.delete(&back).await.expect(204);
    let restore = format!("{back}/restore");
    let request = ada.request(reqwest::Method::POST, &restore);
    let request = request.header("idempotency-key", "back");
    ada.send(request).await.expect(200);
    for name in odd_names() {
        create(&ada, &name).await;
    }
}

/// Members in each role and status, invitations by each kind of inviter.
async fn acme(setup: &Setup) {
    let (world, ada, root) = (&setup.world, setup.world.user("ada"), setup.root(ACME));
    let members = format!("{}/members", named(&root, "Acme").await);
    for role in ROLES {
        for status in ["active", "invited", "suspended"] {
            let id = format!("{role}-{status}");
            world.register(&[&id]).await;
            let first = if status == "invited" {
                status
            } else {
                "active"
            };
            let body = json!({"user_id": id, "role": role, "status": first});
            post(&ada, &members, body).await;
            if status == "suspended" {
                let member = format!("{members}/{id}");
                ada.patch(&member, json!({"status": status}))
                    .await
                    .expect(200);
            }
        }
    }
    let profile = json!({"email": "Odd@Acme.example", "display_name": "Ódd \u{1f600}", "entra_object_id": "object-1"});
    let odd = format!("/users/{}", segment(ODD_USER));
    root.put(&odd, profile).await.expect(201);
    let longest = "x".repeat(128);
    world
        .register(&[
            "by-owner", "by-admin", "by-root", "accepts", "kim", &longest,
        ])
        .await;
    let admin = world.user("admin-active");
    for (actor, id) in [
        (&ada, "by-owner"),
        (&admin, "by-admin"),
        (&root, "by-root"),
        (&ada, "accepts"),
    ] {
        let body = json!({"user_id": id, "role": "member"});
        actor
            .post_once(&members, &format!("invites-{id}"), body)
            .await
            .expect(201);
    }
    let accept = format!("{members}/me/accept");
    let accepts = world.user("accepts");
    let request = accepts.request(reqwest::Method::POST, &accept);
    let request = request.header("idempotency-key", "accepts");
    accepts.send(request).await.expect(200);
    for id in [ODD_USER, &longest, "kim"] {
        let body = json!({"user_id": id, "role": "member", "status": "active"});
        post(&ada, &members, body).await;
    }
    // Changed often, for a high version.
    for role in ["readonly", "admin", "manager"] {
        ada.patch(&format!("{members}/kim"), json!({"role": role}))
            .await
            .expect(200);
    }
}

/// Teams with leaders and limits, in an organization and standalone.
async fn teams(setup: &Setup) {
    let (ada, root) = (setup.world.user("ada"), setup.root(ACME));
    let teams = format!("{}/teams", named(&root, "Acme").await);
    let sales = json!({
        "name": "Sales", "description": "EMEA", "is_default": true, "metadata": {"n": 1.5},
        "limits": {"models": ["all-org-models"], "max_budget": 10, "budget_duration": "7d", "tpm_limit": 10, "rpm_limit": 1},
    });
    let sales = ada.post_once(&teams, "sales", sales).await.expect(201);
    let sales = format!("{}/members", sales.headers["location"]);
    let leads = json!({"user_id": "member-active", "role": "leader"});
    ada.post_once(&sales, "leads", leads).await.expect(201);
    for id in ["readonly-active", "kim", ODD_USER, "accepts"] {
        post(&ada, &sales, json!({"user_id": id})).await;
    }
    let accepts = format!("{}/members/accepts", named(&root, "Acme").await);
    ada.patch(&accepts, json!({"status": "suspended"}))
        .await
        .expect(200);
    let renamed = post(&ada, &teams, json!({"name": "Old team"})).await;
    ada.patch(
        &format!("/teams/{renamed}"),
        json!({"name": "\u{2800}Team"}),
    )
    .await
    .expect(200);
    let gone = post(&ada, &teams, json!({"name": "Team gone"})).await;
    post(
        &ada,
        &format!("/teams/{gone}/members"),
        json!({"user_id": "kim"}),
    )
    .await;
    ada.delete(&format!("/teams/{gone}")).await.expect(204);
    for name in ["Alone", "Alone", "Alone too"] {
        let body = json!({"name": name, "limits": {"models": ["m"]}, "metadata": {"a": []}});
        let alone = format!("/teams/{}/members", post(&root, "/teams", body).await);
        post(&root, &alone, json!({"user_id": "kim", "role": "leader"})).await;
        post(&root, &alone, json!({"user_id": "ada"})).await;
    }
}

/// Items of the login sync, with manual changes and suspensions.
async fn logins(setup: &Setup) {
    let (graph, root) = (&setup.graph, setup.root(ACME));
    // The team of a group from before groups also became organizations.
    graph.assign("g-alone", "Alone of old");
    graph.join("eve", "g-alone");
    setup.under(&[]).await.login("eve").await;
    directory(graph);
    graph.join("eve", "g-left");
    // A directory with earlier settings, whose groups are gone.
    graph.assign("g-unassigned", "Unassigned");
    graph.join("eve", "g-unassigned");
    for user in ["eve", "fay", "eve"] {
        setup.login(user).await;
    }
    let renamed = json!({"name": "Renamed by hand"});
    root.patch("/organizations/g-renamed", renamed.clone())
        .await
        .expect(200);
    root.patch("/teams/g-renamed", renamed).await.expect(200);
    let by_hand = json!({"role": "admin"});
    root.patch("/organizations/g-two/members/eve", by_hand)
        .await
        .expect(200);
    let body = json!({"user_id": "kim", "role": "owner", "status": "active"});
    post(&root, "/organizations/g-two/members", body).await;
    root.patch(
        "/organizations/g-one/members/fay",
        json!({"status": "suspended"}),
    )
    .await
    .expect(200);
    for gone in ["/organizations/g-gone", "/teams/g-teamless"] {
        root.delete(gone).await.expect(204);
    }
    graph.leave("eve", "g-left");
    graph.unassign("g-unassigned");
    for user in ["eve", "fay", "eve"] {
        setup.login(user).await;
    }
}

/// A tenant whose id has every valid character.
async fn odd_tenant(setup: &Setup) {
    let odd = setup.world.user_of(ODD_TENANT, ODD_USER);
    let root = setup.root(ODD_TENANT);
    let organization = create(&odd, "Acme").await;
    let team = post(&odd, &format!("{organization}/teams"), json!({"name": "T"})).await;
    let body = json!({"user_id": ODD_USER, "role": "leader"});
    post(&odd, &format!("/teams/{team}/members"), body).await;
    root.put("/users/kim", json!({})).await.expect(201);
    post(
        &odd,
        &format!("{organization}/members"),
        json!({"user_id": "kim"}),
    )
    .await;
}

/// The path of a created organization.
async fn create(actor: &Actor, name: &str) -> String {
    let id = post(actor, "/organizations", json!({"name": name})).await;
    format!("/organizations/{id}")
}

/// The path of the organization of this name.
async fn named(root: &Actor, name: &str) -> String {
    let found = root.all(&format!("/organizations?name={name}")).await;
    format!("/organizations/{}", found[0]["id"].as_str().unwrap())
}

/// The id of a created resource, if it has one.
async fn post(actor: &Actor, path: &str, body: Value) -> String {
    let made = actor.post(path, body).await.expect(201);
    made.body["id"].as_str().unwrap_or_default().to_owned()
}
