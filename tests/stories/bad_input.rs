//! Malformed requests are rejected with a problem document and change nothing.

use percent_encoding::percent_decode_str;
use serde_json::json;
use support::{World, filled};

/// Maximum size of a body.
const MAX_BODY: usize = 65_536;

#[tokio::test]
async fn bodies_over_64_kb_are_rejected_on_every_route() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    for route in world.routes().await {
        let (method, path) = route.split_once(' ').unwrap();
        if !["POST", "PUT", "PATCH"].contains(&method) {
            continue;
        }
        let path = filled(path, &id, "ada");
        for actor in [&ada, &world.tenant_admin()] {
            let padded = format!("{{{}\"x\":1}}", " ".repeat(MAX_BODY + 1 - 7));
            assert_eq!(padded.len(), MAX_BODY + 1);
            let reply = actor.text(method, &path, &padded).await;
            reply.problem(413, "body-too-large");
            let reply = actor
                .text(method, &path, &padded.replacen("{ ", "{", 1))
                .await;
            assert_eq!(reply.any_problem().status, 400, "{route}");
        }
    }
    assert_eq!(world.everything().await, before);

    let name = "n".repeat(200);
    let body = format!("{{\"name\":\"{name}\"{}}}", " ".repeat(MAX_BODY - 11 - 200));
    assert_eq!(body.len(), MAX_BODY);
    ada.text("POST", "/organizations", &body).await.expect(201);
    let full = json!({"name": "x", "metadata": {"a": "é".repeat(8_188)}});
    ada.post("/organizations", full).await.expect(201);
    let more = json!({"name": "y", "metadata": {"a": "é".repeat(8_189)}});
    ada.post("/organizations", more)
        .await
        .problem(400, "validation-failed");
}

#[tokio::test]
async fn deeply_nested_json_is_rejected() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    for route in world.routes().await {
        let (method, path) = route.split_once(' ').unwrap();
        if !["POST", "PUT", "PATCH"].contains(&method) {
            continue;
        }
        let path = filled(path, &id, "ada");
        for deep in [
            "[".repeat(5_000),
            "{\"a\":".repeat(5_000),
            format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)),
            format!("{{\"name\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000)),
            format!(
                "{{\"metadata\":{}1{}}}",
                "{\"a\":".repeat(5_000),
                "}".repeat(5_000)
            ),
        ] {
            let reply = ada.text(method, &path, &deep).await;
            reply.problem(400, "invalid-json");
        }
        let nested = format!(
            "{{\"metadata\":{}1{}}}",
            "{\"a\":".repeat(100),
            "}".repeat(100)
        );
        let reply = ada.text(method, &path, &nested).await;
        reply.problem(400, "validation-failed");
    }
    assert_eq!(world.everything().await, before);
}

/// Whether a parameter of the path is printable ASCII of at most 255 characters, like user ids.
fn is_printable(segment: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(segment).collect();
    decoded.len() <= 255 && decoded.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

#[tokio::test]
async fn invalid_ids_are_rejected_on_every_route() {
    let (world, ada, id) = World::acme().await;
    let before = world.everything().await;
    let long = "x".repeat(129);
    let bad = [
        "%23",
        "a%23b",
        "%2523",
        "%00",
        "a%00b",
        "%2e%2e%2f",
        "%2e%2e%2f%2e%2e%2fusers",
        "%ff",
        "%c0%80",
        "%f0%9f%98%80",
        "%e2%80%8b",
        "a%20b",
        "%0a",
        "%0d%0aset-cookie:x",
        "TENANT%23acme",
        "*",
        "%25",
        "%7f",
        "'",
        "%22",
        "%3c",
        "a%2fb",
        &long,
    ];
    for route in world.routes().await {
        let (method, path) = route.split_once(' ').unwrap();
        let places = [
            "{organization_id}",
            "{user_id}",
            "{team_id}",
            "{event_id}",
            "{endpoint_id}",
            "{delivery_id}",
        ];
        for place in places.into_iter().filter(|place| path.contains(place)) {
            for bad in bad {
                if place == "{user_id}" && is_printable(bad) {
                    continue;
                }
                let path = filled(&path.replace(place, bad), &id, "bob");
                let reply = ada.text(method, &path, "{}").await;
                assert_eq!(reply.any_problem().status, 400, "{method} {path}");
            }
            let path = filled(&path.replace(place, ""), &id, "bob");
            let reply = ada.text(method, &path, "{}").await.any_problem();
            // The gateway decides whether a segment may be empty.
            assert!([400, 404].contains(&reply.status), "{method} {path}");
        }
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn invalid_queries_are_rejected_or_find_nothing() {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let before = world.everything().await;
    let long = "%F0%9F%98%80".repeat(700);
    let values = [
        "",
        "%00",
        "%ff",
        "%23",
        "a%00b",
        "-1",
        "0",
        "101",
        "1.5",
        "x",
        "99999999999999999999999",
        "{}",
        "%E2%80%8B",
        "TENANT%23other",
        "Active",
        "%",
        "%zz",
        "xn--",
        "xn--zzzzzzzz.example",
        &long,
    ];
    let names = [
        "limit",
        "cursor",
        "status",
        "role",
        "name",
        "name_prefix",
        "domain",
    ];
    for route in world.routes().await {
        let (method, path) = route.split_once(' ').unwrap();
        if method != "GET" {
            continue;
        }
        let is_list = !path.ends_with("_id}");
        let path = filled(path, &id, "bob");
        for name in names.into_iter().filter(|_| is_list) {
            for value in values {
                let asked = format!("{path}?{name}={value}");
                let reply = root.get(&asked).await;
                assert!(
                    [200, 400, 404].contains(&reply.status),
                    "{asked}: {reply:?}"
                );
                if reply.status >= 400 {
                    reply.any_problem();
                }
            }
        }
        for odd in [
            "?",
            "?&&&",
            "?=",
            "?limit=1&limit=2",
            "?limit",
            "?a=b;c=d&%%%",
            "?tenant_id=other&%00=%00&=&user_id=%ff",
        ] {
            let reply = root.get(&format!("{path}{odd}")).await;
            assert!(reply.status < 500, "{path}{odd}: {reply:?}");
        }
    }
    let member = format!("/organizations/{id}/members/bob");
    for force in ["1", "yes", "TRUE", "true,true", "%00"] {
        let reply = root.delete(&format!("{member}?force={force}")).await;
        reply.problem(400, "validation-failed");
    }
    assert_eq!(world.everything().await, before);
}
