//! The items and units of `docs/DATA_MODEL.md` match the code.

use std::collections::BTreeSet;

use muster::domain::{Clock, Delivery, DeliveryStatus, EventId, TenantId, WebhookEndpointId};
use serde_json::{Value, json};
use support::member_counts;

use super::{read, section};
use crate::sync::setup::Setup;

/// The Entra tenant of a directory.
const ENTRA: &str = "7b1d9c52-0e4f-4a6b-9d38-5c2f1e0a7b64";

/// The rows of the tables of items: `pk`, `sk`, `gsi1pk`, `gsi1sk`, or `gsi3pk`, `gsi3sk`.
fn item_rows(markdown: &str) -> BTreeSet<Vec<String>> {
    let rows = section(markdown, "Items").lines();
    let rows = rows.filter(|line| line.starts_with("| ") && line.contains("TENANT#"));
    rows.map(|row| {
        let cells = row.trim_matches('|').split('|').skip(1);
        cells.map(|cell| cell.trim().replace('`', "")).collect()
    })
    .collect()
}

#[expect(clippy::too_many_lines, reason = "one item of each kind")]
#[tokio::test]
async fn the_items_match_the_data_model() {
    let setup = Setup::patient(&[]).await;
    let world = &setup.world;
    let (root, ada) = (world.tenant_admin(), world.user("ada"));
    let email = json!({"email": "ada@acme.example"});
    root.put("/users/ada", email).await.expect(201);
    let mut ids = Vec::new();
    for deleted in [true, false] {
        let made = json!({"name": "folded", "domain": "acme.example"});
        let made = ada
            .post_once("/organizations", &format!("k{deleted}"), made)
            .await;
        let id = made.expect(201).body["id"].as_str().unwrap().to_owned();
        let path = format!("/organizations/{id}");
        if deleted {
            ada.delete(&path).await.expect(204);
        } else {
            let team = ada
                .post(&format!("{path}/teams"), json!({"name": "folded"}))
                .await;
            ids.push((
                team.expect(201).body["id"].as_str().unwrap().to_owned(),
                "m",
            ));
        }
        ids.push((id, "o"));
    }
    let team = root
        .post("/teams", json!({"name": "folded"}))
        .await
        .expect(201);
    let team = team.body["id"].as_str().unwrap().to_owned();
    let ada_joins = json!({"user_id": "ada"});
    root.post(&format!("/teams/{team}/members"), ada_joins)
        .await
        .expect(201);
    ids.push((team, "m"));
    let endpoint = json!({"url": "https://hooks.example/", "event_types": ["*"]});
    let endpoint = root.post_once("/webhook-endpoints", "k", endpoint).await;
    let endpoint = endpoint.expect(201).body["id"].as_str().unwrap().to_owned();
    let rotate = format!("/webhook-endpoints/{endpoint}/rotate-secret");
    root.post_empty(&rotate).await.expect(200);
    let organization = ids.iter().rev().find(|(_, letter)| *letter == "o");
    let (organization, _) = organization.unwrap().clone();
    let invitations = format!("/organizations/{organization}/invitations");
    for is_revoked in [true, false] {
        let invited = json!({"email": "ada@acme.example"});
        let made = ada.post(&invitations, invited).await.expect(201);
        if is_revoked {
            ada.delete(&made.headers["location"]).await.expect(204);
        }
        ids.push((made.body["id"].as_str().unwrap().to_owned(), "i"));
    }
    let tenant = TenantId::parse("acme").unwrap();
    let delivered = delivery(&endpoint);
    let recorded = world.store().record_delivery(&tenant, &delivered).await;
    recorded.unwrap();
    ids.push((delivered.id.to_string(), "id"));
    ids.push((endpoint, "w"));
    let (live, _) = ids[2].clone();
    crate::domains::verified(world, &ada, &live, "bare.example").await;
    ids.push(("bare.example".to_owned(), "domain"));
    world.member(&live, "root", "member", "active").await;
    let member = format!("/organizations/{live}/members/root");
    ada.delete(&member).await.expect(204);
    setup.graph.assign("group-of-sales", "folded");
    setup.graph.join("ada", "group-of-sales");
    setup.expect("ada", "synced").await;
    ids.push(("group-of-sales".to_owned(), "m"));
    // Two directories, one after the other.
    setup.graph.change(|directory| {
        let tenant = std::mem::replace(&mut directory.application.tenant, ENTRA.to_owned());
        directory.domains = vec![tenant, "bare.example".to_owned()];
    });
    let directory = json!({"name": "Acme", "type": "entra", "entra": {"tenant_id": ENTRA,
        "domain": "bare.example", "service_principal_id": ENTRA}});
    for is_deleted in [true, false] {
        let made = root
            .post("/directories", directory.clone())
            .await
            .expect(201);
        if is_deleted {
            root.delete(&made.headers["location"]).await.expect(204);
        }
        ids.push((made.body["id"].as_str().unwrap().to_owned(), "d"));
    }
    ids.push((ENTRA.to_owned(), "e"));
    ids.push(("object-of-ada".to_owned(), "object id"));
    let (directory, _) = ids[ids.len() - 3].clone();
    let task = json!({"tenant_id": "acme", "directory_id": directory}).to_string();
    let batch = json!({"Records": [{"messageId": "1", "body": task}]});
    setup.invoke("reconcile-directory", &batch).await;
    let runs = root.all(&format!("/directories/{directory}/runs")).await;
    ids.push((runs[0]["id"].as_str().unwrap().to_owned(), "r"));

    member_counts::pass_all(world, &mut fastrand::Rng::with_seed(1)).await;

    let (model, api) = (read("docs/DATA_MODEL.md"), read("docs/openapi.json"));
    let (explained, said) = (section(&model, "Items"), item_rows(&model));
    let (said, said_of_people): (BTreeSet<_>, BTreeSet<_>) =
        said.into_iter().partition(|row| row.len() == 4);
    let said_of_people: BTreeSet<_> = said_of_people
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let (mut found, mut people) = (BTreeSet::new(), BTreeSet::new());
    for item in world.items().await {
        let text = |attribute: &str| {
            item.get(attribute)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let generic = |attribute: &str| {
            let mut key = text(attribute).to_owned();
            if item.contains_key("record") {
                key = key.replace(text("sk"), "id");
                if let Some((start, _)) = key.split_once("!EVENTS#") {
                    return format!("{start}!EVENTS#digit").replace("#acme", "#t");
                }
            }
            for (id, letter) in &ids {
                key = key.replace(id, letter);
            }
            for (own, letter) in [
                ("#acme", "#t"),
                ("#ada@acme.example", "#email"),
                ("#ada", "#u"),
                ("#root", "#u"),
                ("folded", "name"),
            ] {
                key = key.replace(own, letter);
            }
            if key.starts_with("COUNTED#") {
                return "COUNTED#id".to_owned();
            }
            if item.contains_key("role") {
                // The time of joining.
                key = key.replace(&format!("${}#", text("created_at")), "$time#");
            }
            match key.split_once("#IDEMPOTENCY#") {
                Some((tenant, rest)) => {
                    assert_eq!(rest.split('#').count(), 3, "{rest}");
                    format!("{tenant}#IDEMPOTENCY#u#route#digest")
                }
                None => key,
            }
        };
        found.insert(["pk", "sk", "gsi1pk", "gsi1sk"].map(generic).to_vec());
        if item.contains_key("gsi3pk") {
            people.insert(generic("gsi3pk"));
        }
        for attribute in item.keys() {
            let is_explained = explained.contains(&format!("`{attribute}`"));
            let is_of_the_api = api.contains(&format!("\"{attribute}\":"));
            assert!(is_explained || is_of_the_api, "{attribute}");
        }
        let domain = text("gsi2pk");
        let deleted = if text("status") == "deleted" {
            "#DELETED"
        } else {
            ""
        };
        if domain == "TENANT##CHECKS" {
            let (due, domain) = text("gsi2sk").split_once('#').unwrap();
            assert!(due > text("last_checked_at"));
            assert!(domain.ends_with("#bare.example"), "{domain}");
        } else if domain == "TENANT##RUNS" {
            assert_eq!(text("gsi2sk"), format!("acme#{}", text("id")));
        } else if !domain.is_empty() {
            assert_eq!(domain, format!("TENANT#acme#DOMAIN#acme.example{deleted}"));
            assert_eq!(text("gsi2sk"), text("gsi1sk"));
        }
    }
    // Only Ada has an email address; users without one are not in the index.
    found.retain(|keys| keys[1] != "USER" || !keys[2].is_empty());
    assert_eq!(people, said_of_people);
    assert_eq!(found, said);
}

/// A delivery with every attribute.
fn delivery(endpoint: &str) -> Delivery {
    let now = Clock::system().now();
    Delivery {
        id: EventId::first_at(now),
        endpoint_id: WebhookEndpointId::parse(endpoint).unwrap(),
        event_type: "team.created".to_owned(),
        status: DeliveryStatus::Pending,
        attempts: 1,
        last_attempt_at: now,
        response_status: Some(500),
        error: Some("timeout".to_owned()),
        duration_ms: 1,
        next_attempt_at: Some(now),
    }
}
