//! Versions and patches: which version a response has, and what a change does to it.

use reqwest::Method;
use serde_json::{Value, json};
use support::{Actor, Faults, Reply, World};

use crate::answers::is_shown;

async fn with(
    actor: &Actor,
    method: Method,
    path: &str,
    header: (&str, &str),
    body: Value,
) -> Reply {
    let mut request = actor.request(method, path).header(header.0, header.1);
    if !body.is_null() {
        request = request.json(&body);
    }
    actor.send(request).await
}

/// The version in a response's entity tag.
fn version(reply: &Reply) -> u64 {
    let tag = &reply.headers["etag"];
    let (version, _) = tag.trim_matches('"').split_once('.').expect("a digest");
    version.parse().expect("a number")
}

/// A versioned resource: its path, a body that changes it in a new way each time, and whether it
/// can be removed.
type VersionedResource = (String, fn(usize) -> Value, bool);

/// A tenant admin, and one of each versioned resource.
async fn resources() -> (World, Actor, Vec<VersionedResource>) {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let organization = format!("/organizations/{id}");
    let team = world.team(Some(&id), "T", &[("bob", "member")]).await;
    let resources: Vec<VersionedResource> = vec![
        (
            organization.clone(),
            |n| json!({"name": format!("N{n}")}),
            true,
        ),
        (
            format!("{organization}/members/bob"),
            |n| json!({"role": if n.is_multiple_of(2) { "readonly" } else { "manager" }}),
            true,
        ),
        (team, |n| json!({"name": format!("N{n}")}), true),
        (
            "/users/bob".to_owned(),
            |n| json!({"display_name": format!("N{n}")}),
            false,
        ),
    ];
    (world, root, resources)
}

#[tokio::test]
async fn if_match_applies_a_change_to_that_version_only() {
    let (world, root, resources) = resources().await;
    let mut n = 0;
    for (path, change, _) in &resources {
        let methods = if path.starts_with("/users") {
            vec![Method::PUT]
        } else {
            vec![Method::PATCH, Method::PUT]
        };
        for method in methods {
            let version = version(&root.get(path).await.expect(200));
            let stale = version + 7;
            let before = world.everything().await;
            for tag in [
                format!("\"{stale}\""),
                format!("W/\"{version}\""),
                format!("{version}"),
                format!("\"0{version}x\""),
                format!("\"{stale}\", \"{}\"", stale + 1),
                "\"\"".to_owned(),
                "garbage".to_owned(),
                "\"-1\"".to_owned(),
                "\"18446744073709551616\"".to_owned(),
                "**".to_owned(),
            ] {
                n += 1;
                let reply = with(&root, method.clone(), path, ("if-match", &tag), change(n)).await;
                assert_eq!(reply.status, 412, "{method} {path} {tag}: {reply:?}");
                reply.problem(412, "version-mismatch");
            }
            assert_eq!(world.everything().await, before, "{method} {path}");
            for (step, tag) in ["\"{}\"", "\"9999\", \"{}\"", "*", " \"{}\" ,"]
                .iter()
                .enumerate()
            {
                n += 1;
                let now = version + step as u64;
                let tag = tag.replace("{}", &now.to_string());
                let reply = with(&root, method.clone(), path, ("if-match", &tag), change(n)).await;
                assert_eq!(reply.status, 200, "{method} {path} {tag}: {reply:?}");
                assert_eq!(self::version(&reply), now + 1, "{method} {path}");
            }
        }
    }
    // Deletes the team before its organization.
    for (path, _, removable) in resources.iter().rev().filter(|(.., removable)| *removable) {
        assert!(removable);
        let tag = root.get(path).await.expect(200).headers["etag"].clone();
        let digest = tag.split_once('.').unwrap().1;
        for stale in [
            "\"1\"",
            "\"77\"",
            "x",
            &format!("W/{tag}"),
            &format!("\"77.{digest}"),
        ] {
            let reply = with(
                &root,
                Method::DELETE,
                path,
                ("if-match", stale),
                Value::Null,
            )
            .await;
            reply.problem(412, "version-mismatch");
        }
        with(&root, Method::DELETE, path, ("if-match", &tag), Value::Null)
            .await
            .expect(204);
    }
}

/// It has no URL to read: its version is in the responses to changes.
#[tokio::test]
async fn team_memberships_have_versions() {
    let (_world, root, resources) = resources().await;
    let path = format!("{}/members/bob", resources[2].0);
    let leader = json!({"role": "leader"});
    let stale = ("if-match", "\"2\"");
    for (method, body) in [
        (Method::PATCH, leader.clone()),
        (Method::DELETE, Value::Null),
    ] {
        let reply = with(&root, method, &path, stale, body).await;
        reply.problem(412, "version-mismatch");
    }
    let current = ("if-match", "\"1\"");
    let changed = with(&root, Method::PATCH, &path, current, leader.clone()).await;
    assert_eq!(version(&changed.expect(200)), 2);
    for (method, body) in [(Method::PATCH, leader), (Method::DELETE, Value::Null)] {
        let reply = with(&root, method, &path, current, body).await;
        reply.problem(412, "version-mismatch");
    }
    let removed = with(&root, Method::DELETE, &path, stale, Value::Null).await;
    removed.expect(204);
}

/// `*` requires any version, so an existing resource (RFC 9110, section 13.1.1).
#[tokio::test]
async fn if_match_star_does_not_create() {
    let (world, root, _) = resources().await;
    let before = world.table().await;
    let any = ("if-match", "*");
    let reply = with(&root, Method::PUT, "/users/nobody", any, json!({})).await;
    reply.problem(412, "version-mismatch");
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn an_unchanged_version_returns_304_without_a_body() {
    let (_world, root, resources) = resources().await;
    for (path, ..) in resources {
        let first = root.get(&path).await.expect(200);
        let tag = first.headers["etag"].clone();
        for held in [
            tag.clone(),
            format!("W/{tag}"),
            format!("\"88\", {tag}"),
            "*".to_owned(),
        ] {
            let reply = with(
                &root,
                Method::GET,
                &path,
                ("if-none-match", &held),
                Value::Null,
            )
            .await;
            assert_eq!(reply.status, 304, "{path} {held}");
            assert_eq!(reply.body, Value::Null);
            assert_eq!(reply.headers["etag"], tag);
            assert!(!reply.headers.contains_key("content-type"), "{reply:?}");
        }
        let (of_version, digest) = tag.trim_matches('"').split_once('.').unwrap();
        let (bare, newer) = (format!("\"{of_version}\""), format!("\"88.{digest}\""));
        let other = format!("\"{of_version}.0000000000000000\"");
        for held in ["\"88\"", "88", "garbage", "", &bare, &newer, &other] {
            let reply = with(
                &root,
                Method::GET,
                &path,
                ("if-none-match", held),
                Value::Null,
            )
            .await;
            assert_eq!(reply.expect(200).body, first.body, "{path} {held}");
        }
    }
}

#[tokio::test]
async fn long_lists_of_versions_are_cut_off() {
    let (_world, root, resources) = resources().await;
    let tags: Vec<_> = (1..1_200).map(|n| format!("\"{}\"", n + 100)).collect();
    for (path, change, _) in resources {
        let reply = with(
            &root,
            Method::PUT,
            &path,
            ("if-match", &tags.join(",")),
            change(0),
        )
        .await;
        let reply = reply.any_problem();
        assert!([400, 412].contains(&reply.status), "{path}: {reply:?}");
        // Parsing stops at a reasonable number of versions.
        let tag = root.get(&path).await.headers["etag"].clone();
        let some = format!("{},{tag}", tags[..99].join(","));
        with(&root, Method::PUT, &path, ("if-match", &some), change(1))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn a_patch_keeps_what_is_absent_and_clears_what_is_null() {
    let (_world, ada, id) = World::acme().await;
    let path = format!("/organizations/{id}");
    let full = json!({
        "domain": "Bücher.Example",
        "billing_email": "Pay@Acme.example",
        "billing_address": "1 Street\n2 Town",
        "stripe_customer_id": "cus_1",
        "metadata": {"a": {"b": 1, "c": [1, {"d": null}]}, "e": "x"},
        "limits": {
            "models": ["m1", "m2"],
            "max_budget": 12.5,
            "budget_duration": "30d",
            "tpm_limit": 10,
            "rpm_limit": 5,
        },
    });
    let mut now = ada.patch(&path, full.clone()).await.expect(200).body;
    assert_eq!(now["domain"], "xn--bcher-kva.example");
    for field in [
        "billing_email",
        "billing_address",
        "stripe_customer_id",
        "metadata",
        "limits",
    ] {
        assert_eq!(now[field], full[field], "{field}");
    }
    for (patch, changes) in [
        (json!({"name": "  Acme 2 "}), json!({"name": "Acme 2"})),
        (json!({"domain": null}), json!({"domain": null})),
        (
            json!({"metadata": {"a": {"b": null, "x": 2}}}),
            json!({"metadata": {"a": {"c": [1, {"d": null}], "x": 2}, "e": "x"}}),
        ),
        (
            json!({"metadata": {"a": 7}}),
            json!({"metadata": {"a": 7, "e": "x"}}),
        ),
        (
            json!({"metadata": {"a": {"y": {"z": null}}}}),
            json!({"metadata": {"a": {"y": {}}, "e": "x"}}),
        ),
        (json!({"metadata": null}), json!({"metadata": {}})),
        (
            json!({"limits": {"max_budget": null, "tpm_limit": 11}}),
            json!({"limits": {"models": ["m1", "m2"], "max_budget": null, "budget_duration": "30d", "tpm_limit": 11, "rpm_limit": 5}}),
        ),
        (
            json!({"limits": {"models": null}}),
            json!({"limits": {"models": [], "max_budget": null, "budget_duration": "30d", "tpm_limit": 11, "rpm_limit": 5}}),
        ),
        (
            json!({"limits": null}),
            json!({"limits": {"models": [], "max_budget": null, "budget_duration": null, "tpm_limit": null, "rpm_limit": null}}),
        ),
        (
            json!({"billing_email": null, "billing_address": null, "stripe_customer_id": null}),
            json!({"billing_email": null, "billing_address": null, "stripe_customer_id": null}),
        ),
    ] {
        // The second method finds nothing to change.
        for (method, changed) in [(Method::PUT, true), (Method::PATCH, false)] {
            let mut expected = now.clone();
            for (field, value) in changes.as_object().unwrap() {
                expected[field] = value.clone();
            }
            let reply = ada
                .send(ada.request(method, &path).json(&patch))
                .await
                .expect(200);
            if changed {
                expected["version"] = json!(now["version"].as_u64().unwrap() + 1);
                expected["updated_at"] = reply.body["updated_at"].clone();
                assert!(reply.body["updated_at"].as_str() >= now["updated_at"].as_str());
            }
            assert_eq!(reply.body, expected, "{patch}");
            is_shown(&reply, ada.get(&path).await.expect(200), &path);
            now = expected;
        }
    }
}

#[tokio::test]
async fn a_patch_that_changes_nothing_writes_nothing() {
    let (world, root, resources) = resources().await;
    for (path, change, _) in resources {
        let method = if path.starts_with("/users") {
            Method::PUT
        } else {
            Method::PATCH
        };
        let send = |body| root.send(root.request(method.clone(), &path).json(&body));
        let changed = send(change(1)).await.expect(200);
        let tag = changed.headers["etag"].clone();
        is_shown(&changed, root.get(&path).await.expect(200), &path);
        let before = world.everything().await;
        for body in [change(1), json!({})] {
            let reply = send(body).await.expect(200);
            assert_eq!(reply.headers["etag"], tag, "{path}");
        }
        assert_eq!(world.everything().await, before, "{path}");
    }
}

/// Deleted between its read and its write: then it is gone, for every expected version.
#[tokio::test]
async fn a_concurrent_deletion_returns_404_instead_of_412() {
    for (method, body) in [
        (Method::PATCH, json!({"name": "Another"})),
        (Method::DELETE, Value::Null),
    ] {
        let (world, faults) = Faults::world(muster_local::Options::default()).await;
        let ada = world.user("ada");
        let id = world.organization(&ada, "Acme").await;
        let path = format!("/organizations/{id}");
        let mut held = faults.hold("TransactWriteItems");
        let late = {
            let (path, ada) = (path.clone(), ada.clone());
            tokio::spawn(
                async move { with(&ada, method, &path, ("if-match", "\"1\""), body).await },
            )
        };
        held.arrived().await;
        ada.delete(&path).await.expect(204);
        held.release();
        late.await.unwrap().problem(404, "not-found");
    }
}
