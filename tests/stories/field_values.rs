//! Invalid values of fields, and unusual valid ones.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, World};

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn unusual_values_are_rejected_or_returned_unchanged() {
    let (world, ada, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    let before = world.everything().await;
    for (body, code) in [
        ("", "invalid-json"),
        ("null", "invalid-json"),
        ("[]", "invalid-json"),
        ("\"x\"", "invalid-json"),
        ("{} {}", "invalid-json"),
        ("\u{feff}{}", "invalid-json"),
        ("{'name': 'x'}", "invalid-json"),
        ("{\"name\": NaN}", "invalid-json"),
        ("{\"name\": \"\u{0}\"}", "invalid-json"),
        (r#"{"name": "a\ud800"}"#, "invalid-json"),
        (r#"{"name": "\udc00\ud800"}"#, "invalid-json"),
        (r#"{"limits": {"max_budget": 1e999}}"#, "invalid-json"),
        (r#"{"metadata": {"a": 1e400}}"#, "invalid-json"),
        (r#"{"metadata": {"a": -1e400}}"#, "invalid-json"),
        (r#"{"name": "a\u0000b"}"#, "validation-failed"),
        (r#"{"name": "a\u007fb"}"#, "validation-failed"),
        (r#"{"name": "\u00a0\u2003"}"#, "validation-failed"),
        (r#"{"name": null}"#, "validation-failed"),
        (r#"{"name": "x", "name": 1}"#, "validation-failed"),
        (r#"{"": 1}"#, "validation-failed"),
        (r#"{"\u0000": 1}"#, "validation-failed"),
        (r#"{"limits": {"max_budget": -0.1}}"#, "validation-failed"),
        (r#"{"limits": {"max_budget": 1e-300}}"#, "validation-failed"),
        (r#"{"limits": {"max_budget": 1e308}}"#, "validation-failed"),
        (r#"{"limits": {"max_budget": "1"}}"#, "validation-failed"),
        (
            r#"{"limits": {"tpm_limit": 18446744073709551616}}"#,
            "validation-failed",
        ),
        (
            r#"{"limits": {"tpm_limit": 18446744073709551615}}"#,
            "validation-failed",
        ),
        (r#"{"limits": {"tpm_limit": 1e400}}"#, "invalid-json"),
        (r#"{"limits": {"tpm_limit": 1.5}}"#, "validation-failed"),
        (r#"{"limits": {"rpm_limit": -1}}"#, "validation-failed"),
        (
            r#"{"limits": {"budget_duration": "１d"}}"#,
            "validation-failed",
        ),
        (r#"{"limits": {"models": [""]}}"#, "validation-failed"),
        (
            r#"{"limits": {"models": ["a\u0000"]}}"#,
            "validation-failed",
        ),
        (r#"{"limits": []}"#, "validation-failed"),
        (
            r#"{"metadata": {"a":{"b":{"c":{"d":{"e":{}}}}}}}"#,
            "validation-failed",
        ),
        (r#"{"metadata": {"a":[[[[[]]]]]}}"#, "validation-failed"),
        (r#"{"domain": "a\u0000.b"}"#, "validation-failed"),
        (r#"{"domain": "xn--a.example"}"#, "validation-failed"),
        (r#"{"domain": "127.0.0.1"}"#, "validation-failed"),
        (
            r#"{"billing_email": "a\r\nBcc: b@x.example"}"#,
            "validation-failed",
        ),
        (r#"{"billing_address": "a\u0000"}"#, "validation-failed"),
        (r#"{"stripe_customer_id": "cus_é"}"#, "validation-failed"),
    ] {
        let reply = ada.text("PATCH", &organization, body).await;
        assert_eq!(reply.any_problem().body["code"], code, "{body}");
    }
    let domain = format!("{}.example", "ü".repeat(20_000));
    let reply = ada.patch(&organization, json!({"domain": domain})).await;
    reply.problem(400, "validation-failed");
    assert_eq!(world.everything().await, before);

    for (patch, then) in [
        (
            r#"{"metadata": {"\u0000": "\u0000"}}"#,
            json!({"metadata": {"\u{0}": "\u{0}"}}),
        ),
        (
            r#"{"metadata": {"": [-0.0, 1.5e300]}}"#,
            json!({"metadata": {"": [-0.0, 1.5e300]}}),
        ),
        (
            r#"{"metadata": {"n": 18446744073709551615}}"#,
            json!({"metadata": {"n": 18_446_744_073_709_551_615_u64}}),
        ),
        (
            r#"{"metadata": {"a":{"b":{"c":{"d":{}}}}}}"#,
            json!({"metadata": {"a":{"b":{"c":{"d":{}}}}}}),
        ),
        (
            r#"{"limits": {"max_budget": -0}}"#,
            json!({"limits": {"max_budget": 0}}),
        ),
        (
            r#"{"limits": {"max_budget": -0.0}}"#,
            json!({"limits": {"max_budget": 0}}),
        ),
        (
            r#"{"limits": {"max_budget": 1e-9}}"#,
            json!({"limits": {"max_budget": 1e-9}}),
        ),
        (
            r#"{"limits": {"tpm_limit": 9007199254740991}}"#,
            json!({"limits": {"tpm_limit": 9_007_199_254_740_991_u64}}),
        ),
        (
            r#"{"billing_address": "a\r\n\tb 😀"}"#,
            json!({"billing_address": "a\r\n\tb 😀"}),
        ),
        (r#"{"name": "x", "name": "y"}"#, json!({"name": "y"})),
        ("{}", json!({})),
    ] {
        ada.text("PATCH", &organization, patch).await.expect(200);
        let now = ada.get(&organization).await.expect(200).body;
        assert!(includes(&now, &then), "{then} in {now}");
    }
}

/// Whether a value contains another one.
fn includes(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, part)| whole.get(name).is_some_and(|whole| includes(whole, part))),
        (whole, part) => whole == part,
    }
}

#[tokio::test]
async fn names_with_any_characters_are_stored_found_and_unique() {
    let world = World::start().await;
    let root = world.tenant_admin();
    let names = [
        "😀".repeat(255),
        "\u{fdfa}".repeat(255),
        "a\u{200d}b".to_owned(),
        "\u{202e}evil".to_owned(),
        "e\u{301}".to_owned(),
        "ﬀ".to_owned(),
        "İ".to_owned(),
        "#$ \"!~".to_owned(),
        "TENANT#acme#ORGS".to_owned(),
        "\u{10ffff}x".to_owned(),
        "zz\u{2800}".to_owned(),
        "\u{fffd}".to_owned(),
        "<script>alert(1)</script>".to_owned(),
    ];
    for name in &names {
        let made = root
            .post("/organizations", json!({"name": name}))
            .await
            .expect(201);
        assert_eq!(made.body["name"], *name);
    }
    for name in &names {
        let again = json!({"name": format!(" {} ", name.to_uppercase())});
        root.post("/organizations", again)
            .await
            .problem(409, "name-taken");
        for parameter in ["name", "name_prefix"] {
            let query = [(parameter, name.as_str())];
            let request = root.request(Method::GET, "/organizations").query(&query);
            let reply = root.send(request).await;
            // The longest do not fit the request line.
            if name.len() * 3 > 9_000 && reply.status == 431 {
                continue;
            }
            let found = reply.expect(200).body;
            let found: Vec<_> = found["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| &one["name"])
                .collect();
            assert_eq!(found, [name.as_str()], "{parameter}");
        }
    }
    assert_eq!(root.all("/organizations?limit=3").await.len(), names.len());
}

/// The text of a response, with numbers exactly as sent.
async fn text_of(actor: &Actor, path: &str) -> String {
    let reply = actor.request(Method::GET, path).send().await.unwrap();
    reply.text().await.unwrap()
}

#[tokio::test]
async fn numbers_are_returned_as_sent() {
    let (world, ada, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    let team = world.team(Some(&id), "T", &[]).await;
    let metadata = concat!(
        r#"{"big":12345678901234567890123,"exp":[1e2,1E+2,-0,-0.0,1.10],"lat":1.5777777777770001,"#,
        r#""m":4.488477270507554e40,"max":18446744073709551616,"min":-9223372036854775809,"tiny":5e-324}"#
    );
    let body = format!(r#"{{"metadata":{metadata}}}"#);
    for (path, budget) in [
        (&organization, "999999999999999.9"),
        (&team, "0.1234567890123456"),
    ] {
        ada.text("PATCH", path, &body).await.expect(200);
        let limits =
            format!(r#"{{"limits":{{"max_budget":{budget},"tpm_limit":9007199254740991}}}}"#);
        ada.text("PATCH", path, &limits).await.expect(200);
        for n in 0..4 {
            let shown = text_of(&ada, path).await;
            assert!(shown.contains(metadata), "{shown}");
            assert!(
                shown.contains(&format!("\"max_budget\":{budget},")),
                "{shown}"
            );
            let name = json!({"name": format!("N{n}"), "metadata": {"n": n}});
            ada.patch(path, name).await.expect(200);
            let patch = json!({"metadata": {"n": null}});
            ada.patch(path, patch).await.expect(200);
        }
    }
    // A list and a replayed response show the same.
    let once = async || {
        let request = ada.request(Method::POST, "/organizations");
        let request = request.header("idempotency-key", "k");
        let body = format!(r#"{{"name":"Other","metadata":{metadata}}}"#);
        let request = request
            .header("content-type", "application/json")
            .body(body);
        request.send().await.unwrap().text().await.unwrap()
    };
    let first = once().await;
    assert!(first.contains(metadata), "{first}");
    assert_eq!(once().await, first);
    let listed = text_of(&ada, &format!("{organization}/teams")).await;
    assert!(listed.contains(metadata), "{listed}");
}

#[tokio::test]
async fn numbers_that_cannot_be_stored_are_rejected() {
    let (world, ada, id) = World::acme().await;
    let organization = format!("/organizations/{id}");
    let before = world.everything().await;
    for limits in [
        r#"{"max_budget":0.12345678901234567890}"#,
        r#"{"max_budget":999999999999999.99999}"#,
        r#"{"tpm_limit":9007199254740990.5}"#,
        r#"{"rpm_limit":9007199254740991.0000000000001}"#,
    ] {
        let body = format!(r#"{{"limits":{limits}}}"#);
        let reply = ada.text("PATCH", &organization, &body).await;
        reply.problem(400, "validation-failed");
    }
    assert_eq!(world.everything().await, before);
}

/// Requests that differ in one digit are different, even if a float could not distinguish them.
#[tokio::test]
async fn a_key_distinguishes_numbers_by_every_digit() {
    let (world, ada, _) = World::acme().await;
    let post = async |number: &str| {
        let request = ada.request(Method::POST, "/organizations");
        let body = format!(r#"{{"name":"Other","metadata":{{"n":{number}}}}}"#);
        let request = request.header("idempotency-key", "k");
        ada.send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await
    };
    post("12345678901234567890123").await.expect(201);
    post("12345678901234567890123").await.expect(201);
    let other = post("12345678901234567890124").await;
    other.problem(422, "idempotency-mismatch");
    drop(world);
}

#[tokio::test]
async fn invisible_names_are_rejected() {
    let world = World::start().await;
    let root = world.tenant_admin();
    for name in [
        "\u{2800}",
        "\u{301}",
        "\u{ffff}",
        "\u{e000}",
        "\u{10ffff}",
        "\u{378}",
        "\u{fffc}",
        "\u{2060}\u{301} ",
        "\u{1d159}",
        "\u{e0041}",
        "\u{1160}",
        "\u{fff9}",
        "\u{fdd0}",
        "\u{f0000}",
        "\u{20dd}",
    ] {
        let body = json!({"name": name});
        for path in ["/organizations", "/teams"] {
            let reply = root.post(path, body.clone()).await;
            reply.problem(400, "validation-failed");
        }
        let reply = root.put("/users/bob", json!({"display_name": name})).await;
        reply.problem(400, "validation-failed");
    }
    root.post("/organizations", json!({"name": "Acme 3"}))
        .await
        .expect(201);
    for invisible in [
        "\u{2800}", "\u{e000}", "\u{ffff}", "\u{200b}", "\u{378}", "\u{feff}",
    ] {
        for name in [
            format!("Acme 3{invisible}"),
            format!("{invisible}Acme 3"),
            format!("Ac{invisible}me 3"),
        ] {
            let reply = root.post("/organizations", json!({"name": name})).await;
            reply.problem(409, "name-taken");
        }
    }
}
