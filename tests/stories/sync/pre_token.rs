//! A token issued right after a login has the login's result.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Fault;

use super::setup::{ORGANIZATIONS, Setup, event};

/// The event of a new token, in this version.
fn token_event(user: &str, version: &str) -> Value {
    let mut event = event(user);
    event["version"] = version.into();
    event["triggerSource"] = "TokenGeneration_HostedAuth".into();
    event["request"]["groupConfiguration"] =
        json!({"groupsToOverride": ["a"], "preferredRole": null});
    if version == "1" {
        event["response"] = json!({"claimsOverrideDetails": {
            "claimsToAddOrOverride": {"plan": "pro", "organizations": "none"},
            "claimsToSuppress": ["email"]}});
    } else {
        event["request"]["scopes"] = json!(["openid"]);
        event["response"] = json!({"claimsAndScopeOverrideDetails": {
            "idTokenGeneration": {"claimsToAddOrOverride": {"plan": ["pro", 1]}},
            "accessTokenGeneration": {"scopesToAdd": ["x"]},
            "groupOverrideDetails": {"groupsToOverride": []}}});
    }
    event
}

/// The organizations in a token of the first version.
async fn organizations(setup: &Setup, user: &str) -> Value {
    let answer = setup.invoke("pre-token", &token_event(user, "1")).await;
    let claims = &answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
    serde_json::from_str(claims["organizations"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn every_event_version_adds_claims_and_keeps_others() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    for version in ["1", "2", "3"] {
        setup.login("ada").await;
        let sent = token_event("ada", version);
        let mut expected = sent.clone();
        let roles = json!({"g-sales": "internal_user"});
        if version == "1" {
            let claims =
                &mut expected["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
            claims["tenant_id"] = "acme".into();
            claims["organizations"] = roles.to_string().into();
            claims["email"] = "ada@acme.example".into();
            claims["email_verified"] = "false".into();
        } else {
            let details = &mut expected["response"]["claimsAndScopeOverrideDetails"];
            for token in ["idTokenGeneration", "accessTokenGeneration"] {
                let claims = &mut details[token]["claimsToAddOrOverride"];
                claims["tenant_id"] = "acme".into();
                claims["organizations"] = roles.clone();
                claims["email"] = "ada@acme.example".into();
                claims["email_verified"] = false.into();
            }
        }
        assert_eq!(setup.invoke("pre-token", &sent).await, expected);
    }
}

#[tokio::test]
async fn a_token_of_a_disabled_user_has_no_rights() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let mut sent = token_event("ada", "2");
    sent["request"]["groupConfiguration"]["groupsToOverride"] = json!(["a", "tenant-admins"]);
    sent["response"]["claimsAndScopeOverrideDetails"]["groupOverrideDetails"] = Value::Null;
    let claims_and_groups = async || {
        let answer = setup.invoke("pre-token", &sent).await;
        let details = answer["response"]["claimsAndScopeOverrideDetails"].clone();
        let claims = &details["accessTokenGeneration"]["claimsToAddOrOverride"];
        let organizations = claims["organizations"].clone();
        let admin = claims.get("tenant_admin").cloned();
        let groups = details["groupOverrideDetails"]["groupsToOverride"].clone();
        (organizations, admin, groups)
    };
    let enabled = (
        json!({"g-sales": "internal_user"}),
        Some(json!(true)),
        Value::Null,
    );
    assert_eq!(claims_and_groups().await, enabled);
    for (status, expected) in [
        ("disabled", (json!({}), None, json!(["a"]))),
        ("enabled", enabled),
    ] {
        root.patch("/users/ada", json!({"status": status}))
            .await
            .expect(200);
        assert_eq!(claims_and_groups().await, expected);
    }
}

#[tokio::test]
async fn only_active_memberships_of_live_organizations_count() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    let root = setup.world.tenant_admin();
    for id in ["g-kept", "g-left", "g-deleted", "g-suspended"] {
        setup.graph.assign(id, id);
        setup.graph.join("ada", id);
    }
    setup.expect("ada", "synced").await;
    assert_eq!(
        organizations(&setup, "ada")
            .await
            .as_object()
            .unwrap()
            .len(),
        4
    );
    setup.graph.assign("g-invited", "g-invited");
    setup.expect("bob", "synced").await;
    root.delete("/organizations/g-deleted").await.expect(204);
    let suspended = json!({"status": "suspended"});
    let path = "/organizations/g-suspended/members/ada";
    root.patch(path, suspended).await.expect(200);
    let invited = json!({"user_id": "ada", "role": "owner"});
    let path = "/organizations/g-invited/members";
    root.post(path, invited).await.expect(201);
    setup.graph.leave("ada", "g-left");
    setup.expect("ada", "synced").await;
    let now = organizations(&setup, "ada").await;
    assert_eq!(now, json!({"g-kept": "internal_user"}));
    // Users without memberships get an empty claim: an old one must not stay.
    assert_eq!(organizations(&setup, "nobody").await, json!({}));
}

#[tokio::test]
async fn the_claim_keeps_the_highest_roles_within_its_size() {
    let setup = Setup::open(&[("TOKEN_CLAIM_BYTES", "4096")]).await;
    let eve = "eve".to_owned();
    let named: Vec<_> = (0..120)
        .map(|n| (format!("Organization {n}"), None))
        .collect();
    let ids = setup.world.organizations(&eve, &named).await;
    let roles = ["readonly", "manager", "admin"];
    let as_any = |(n, id): (usize, &String)| (id.clone(), "ada".to_owned(), roles[n % 3], "active");
    let memberships: Vec<_> = ids.iter().enumerate().map(as_any).collect();
    setup.world.memberships(&memberships).await;

    let answer = setup.invoke("pre-token", &token_event("ada", "2")).await;
    let details = &answer["response"]["claimsAndScopeOverrideDetails"];
    let claims = &details["accessTokenGeneration"]["claimsToAddOrOverride"];
    assert_eq!(claims["organizations_truncated"], "true");
    let added = claims["organizations"].as_object().unwrap();
    let size = claims["organizations"].to_string().len();
    assert!((4_000..=4_096).contains(&size), "{size}");
    let of = |role: &str| added.values().filter(|it| *it == role).count();
    assert_eq!((of("admin"), of("manager")), (40, 40));
    assert!((1..40).contains(&of("readonly")), "{added:?}");
    assert!(
        !organizations(&setup, "eve")
            .await
            .as_object()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_failing_or_slow_table_leaves_the_event_unchanged() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    for operation in ["Query", "BatchGetItem"] {
        for fault in [
            Fault::Throttle,
            Fault::Failure(500),
            Fault::CutBefore,
            Fault::Delay(Duration::from_secs(20)),
        ] {
            faults.always(operation, fault);
            let started = Instant::now();
            for version in ["1", "2"] {
                let event = token_event("ada", version);
                assert_eq!(setup.invoke("pre-token", &event).await, event);
                if matches!(fault, Fault::Delay(_)) {
                    break;
                }
            }
            assert!(
                started.elapsed() < Duration::from_secs(8),
                "{operation} {fault:?}"
            );
            let lines = setup.lines.take();
            super::setup::no_secrets(&lines);
            // The alarm counts this.
            let failed = |line: &&Value| {
                let outcome = line["outcome"].as_str().unwrap();
                assert!(
                    ["failed", "timed-out"].contains(&outcome),
                    "{fault:?}: {line}"
                );
                line["Events"] == 1 && line["trigger"] == "pre-token"
            };
            let triggers = lines.iter().filter(|line| line["message"] == "trigger");
            let sent = if matches!(fault, Fault::Delay(_)) {
                1
            } else {
                2
            };
            assert_eq!(
                triggers.filter(failed).count(),
                sent,
                "{operation} {fault:?}"
            );
            faults.stop();
        }
    }
    let now = organizations(&setup, "ada").await;
    assert_eq!(now, json!({"g-sales": "internal_user"}));
}

/// The claims of an access token.
async fn claims(setup: &Setup, event: &Value) -> Value {
    let answer = setup.invoke("pre-token", event).await;
    let details = &answer["response"]["claimsAndScopeOverrideDetails"];
    details["accessTokenGeneration"]["claimsToAddOrOverride"].clone()
}

#[tokio::test]
async fn a_token_with_many_organizations_stays_within_its_size() {
    let setup = Setup::open(&[]).await;
    let eve = "eve".to_owned();
    let named: Vec<_> = (0..50)
        .map(|n| (format!("Organization {n}"), None))
        .collect();
    let ids = setup.world.organizations(&eve, &named).await;
    let member = |id: &String| (id.clone(), "ada".to_owned(), "internal_user", "active");
    let memberships: Vec<_> = ids.iter().map(member).collect();
    setup.world.memberships(&memberships).await;

    for (kind, most) in [
        ("roles", "2048"),
        ("roles", "100"),
        ("ids", "1024"),
        ("ids", "512"),
    ] {
        let settings = [("TOKEN_ORGANIZATIONS", kind), ("TOKEN_CLAIM_BYTES", most)];
        let setup = setup.redeployed(&settings).await;
        let most: usize = most.parse().unwrap();
        let added = claims(&setup, &token_event("ada", "2")).await;
        assert_eq!(added["organizations"].is_array(), kind == "ids", "{added}");
        let size = added["organizations"].to_string().len();
        assert!(size <= most && size + 70 > most, "{kind} {most}: {size}");
        assert_eq!(added["organizations_truncated"], "true");
        // The string of the first version, as stored in a token.
        let answer = setup.invoke("pre-token", &token_event("ada", "1")).await;
        let added = &answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
        let size = added["organizations"].to_string().len();
        assert!(size <= most && size + 80 > most, "{kind} {most}: {size}");
    }
    let by_default = claims(&setup, &token_event("ada", "2")).await;
    assert!(by_default["organizations"].to_string().len() <= 2_048);
    // All of them fit.
    let all = setup
        .redeployed(&[
            ("TOKEN_ORGANIZATIONS", "ids"),
            ("TOKEN_CLAIM_BYTES", "8192"),
        ])
        .await;
    let added = claims(&all, &token_event("ada", "2")).await;
    assert_eq!(added["organizations"].as_array().unwrap().len(), 50);
    assert_eq!(added.get("organizations_truncated"), None);

    let none = setup.redeployed(&[("TOKEN_ORGANIZATIONS", "none")]).await;
    none.world.calls.take();
    let mut event = token_event("ada", "2");
    event["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]["claimsToAddOrOverride"] =
        json!({"organizations": {"o": "owner"}, "plan": "pro"});
    let added = claims(&none, &event).await;
    assert_eq!(
        added,
        json!({"tenant_id": "acme", "email": "ada@acme.example", "email_verified": false, "plan": "pro"})
    );
    assert_eq!(none.world.calls.operations(), ["GetItem"], "the profile");
}

#[tokio::test]
async fn only_the_exact_cognito_group_grants_tenant_admin() {
    let setup = Setup::open(&[("TENANT_ADMIN_GROUP", "the admins")]).await;
    let with = |version: &str, groups: Value| {
        let mut event = token_event("ada", version);
        event["request"]["groupConfiguration"]["groupsToOverride"] = groups;
        event["response"] = json!({"claimsAndScopeOverrideDetails": {"accessTokenGeneration": {
            "claimsToAddOrOverride": {"tenant_admin": true}}}});
        event
    };
    let admins = json!(["a", "the admins"]);
    let added = claims(&setup, &with("2", admins.clone())).await;
    assert_eq!(added["tenant_admin"], true);
    let answer = setup.invoke("pre-token", &with("1", admins)).await;
    let added = &answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
    assert_eq!(added["tenant_admin"], "true");
    for groups in [
        json!(null),
        json!(["friends of the admins"]),
        json!("the admins"),
        json!(["THE ADMINS"]),
        json!(["tenant-admins"]),
    ] {
        let added = claims(&setup, &with("2", groups.clone())).await;
        assert_eq!(added.get("tenant_admin"), None, "{groups}");
    }
    // Nor does it stay if nothing else is added.
    for mut event in [with("2", json!([])), with("3", json!(["the admins"]))] {
        event["triggerSource"] = "TokenGeneration_ClientCredentials".into();
        let added = claims(&setup, &event).await;
        assert_eq!(added, json!({}));
    }
}
