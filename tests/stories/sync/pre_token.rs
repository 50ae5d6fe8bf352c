//! The token that is made right after a login carries what the login came to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::Fault;

use super::office::{ORGANIZATIONS, Office, event};

/// The event of a token that is made, in this version.
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

/// The organizations that a token of the first version carries.
async fn organizations(office: &Office, user: &str) -> Value {
    let answer = office.invoke("pre-token", &token_event(user, "1")).await;
    let claims = &answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
    serde_json::from_str(claims["organizations"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn every_version_carries_the_tenant_and_the_organizations_and_keeps_what_was_there() {
    let office = Office::open(&[ORGANIZATIONS]).await;
    office.graph.assign("g-sales", "Sales");
    office.graph.join("ada", "g-sales");
    for version in ["1", "2", "3"] {
        office.login("ada").await;
        let sent = token_event("ada", version);
        let mut expected = sent.clone();
        let roles = json!({"g-sales": "internal_user"});
        if version == "1" {
            let claims =
                &mut expected["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
            claims["tenant_id"] = "acme".into();
            claims["organizations"] = roles.to_string().into();
        } else {
            let details = &mut expected["response"]["claimsAndScopeOverrideDetails"];
            for token in ["idTokenGeneration", "accessTokenGeneration"] {
                details[token]["claimsToAddOrOverride"]["tenant_id"] = "acme".into();
                details[token]["claimsToAddOrOverride"]["organizations"] = roles.clone();
            }
        }
        assert_eq!(office.invoke("pre-token", &sent).await, expected);
    }
}

#[tokio::test]
async fn only_active_memberships_of_organizations_that_are_there_count_and_at_once() {
    let office = Office::open(&[ORGANIZATIONS]).await;
    let root = office.world.tenant_admin();
    for id in ["g-kept", "g-left", "g-deleted", "g-suspended"] {
        office.graph.assign(id, id);
        office.graph.join("ada", id);
    }
    office.expect("ada", "synced").await;
    assert_eq!(
        organizations(&office, "ada")
            .await
            .as_object()
            .unwrap()
            .len(),
        4
    );
    office.graph.assign("g-invited", "g-invited");
    office.expect("bob", "synced").await;
    root.delete("/organizations/g-deleted").await.expect(204);
    let suspended = json!({"status": "suspended"});
    let path = "/organizations/g-suspended/members/ada";
    root.patch(path, suspended).await.expect(200);
    let invited = json!({"user_id": "ada", "role": "owner"});
    let path = "/organizations/g-invited/members";
    root.post(path, invited).await.expect(201);
    office.graph.leave("ada", "g-left");
    office.expect("ada", "synced").await;
    let now = organizations(&office, "ada").await;
    assert_eq!(now, json!({"g-kept": "internal_user"}));
    // Who is in nothing gets an empty claim: an old one must not stay.
    assert_eq!(organizations(&office, "nobody").await, json!({}));
}

#[tokio::test]
async fn the_highest_roles_come_first_and_the_claim_ends_at_four_kilobytes() {
    let office = Office::open(&[]).await;
    let eve = "eve".to_owned();
    let named: Vec<_> = (0..120)
        .map(|n| (format!("Organization {n}"), None))
        .collect();
    let ids = office.world.organizations(&eve, &named).await;
    let roles = ["readonly", "manager", "admin"];
    let as_any = |(n, id): (usize, &String)| (id.clone(), "ada".to_owned(), roles[n % 3], "active");
    let memberships: Vec<_> = ids.iter().enumerate().map(as_any).collect();
    office.world.memberships(&memberships).await;

    let answer = office.invoke("pre-token", &token_event("ada", "2")).await;
    let details = &answer["response"]["claimsAndScopeOverrideDetails"];
    let claims = &details["accessTokenGeneration"]["claimsToAddOrOverride"];
    assert_eq!(claims["organizations_truncated"], "true");
    let told = claims["organizations"].as_object().unwrap();
    let size = claims["organizations"].to_string().len();
    assert!((4_000..=4_096).contains(&size), "{size}");
    let of = |role: &str| told.values().filter(|it| *it == role).count();
    assert_eq!((of("admin"), of("manager")), (40, 40));
    assert!((1..40).contains(&of("readonly")), "{told:?}");
    assert!(
        !organizations(&office, "eve")
            .await
            .as_object()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_table_that_fails_or_is_slow_leaves_the_event_as_it_came() {
    let (office, faults) = Office::with_faults(&[ORGANIZATIONS]).await;
    office.graph.assign("g-sales", "Sales");
    office.graph.join("ada", "g-sales");
    office.expect("ada", "synced").await;
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
                assert_eq!(office.invoke("pre-token", &event).await, event);
                if matches!(fault, Fault::Delay(_)) {
                    break;
                }
            }
            assert!(
                started.elapsed() < Duration::from_secs(8),
                "{operation} {fault:?}"
            );
            let lines = office.lines.take();
            super::office::no_secrets(&lines);
            // What the alarm counts.
            let failed = |line: &&Value| {
                let outcome = line["outcome"].as_str().unwrap();
                assert!(
                    ["failed", "timed-out"].contains(&outcome),
                    "{fault:?}: {line}"
                );
                line["Events"] == 1 && line["trigger"] == "pre-token"
            };
            let told = lines.iter().filter(|line| line["message"] == "trigger");
            let sent = if matches!(fault, Fault::Delay(_)) {
                1
            } else {
                2
            };
            assert_eq!(told.filter(failed).count(), sent, "{operation} {fault:?}");
            faults.stop();
        }
    }
    let now = organizations(&office, "ada").await;
    assert_eq!(now, json!({"g-sales": "internal_user"}));
}
