use muster::domain::UserId;
use serde_json::json;

use super::*;
use crate::triggers::is_true;

fn claims(mut event: Value, truncated: bool, tenant_admin: bool) -> Value {
    let roles = Map::from_iter([("o1".to_owned(), "owner".into())]);
    let organizations = Organizations {
        claim: Some(Value::Object(roles)),
        truncated,
    };
    let tenant = TenantId::parse("acme").unwrap();
    let is_verified = is_true(event["request"]["userAttributes"].get("email_verified"));
    let claims = claims_of(&event, &tenant, organizations, tenant_admin, is_verified);
    let is_first = is_first_version(&event);
    add_claims(&mut event, &claims, is_first);
    event
}

#[test]
fn the_first_version_gets_strings_and_keeps_what_others_added() {
    let request =
        json!({"userAttributes": {"email": "ada@acme.example", "email_verified": "true"}});
    let event = json!({"version": "1", "x": [1], "request": request, "response": {
        "claimsOverrideDetails": {"claimsToAddOrOverride": {"plan": "pro"}, "claimsToSuppress": ["email"]}}});
    let details = json!({
        "claimsToAddOrOverride": {"plan": "pro", "tenant_id": "acme", "organizations": "{\"o1\":\"owner\"}",
            "email": "ada@acme.example", "email_verified": "true", "tenant_admin": "true"},
        "claimsToSuppress": ["email"],
    });
    let expected = json!({"version": "1", "x": [1], "request": request,
        "response": {"claimsOverrideDetails": details}});
    assert_eq!(claims(event, false, true), expected);
}

#[test]
fn later_versions_get_values_in_both_tokens() {
    for version in [json!("2"), json!("3"), json!(2)] {
        let event = json!({"version": version, "response": null,
            "request": {"userAttributes": {"email": "ada@acme.example"}}});
        let details = &claims(event, true, true)["response"]["claimsAndScopeOverrideDetails"];
        for token in ["idTokenGeneration", "accessTokenGeneration"] {
            assert_eq!(
                details[token]["claimsToAddOrOverride"],
                json!({"tenant_id": "acme", "organizations": {"o1": "owner"}, "organizations_truncated": "true",
                    "email": "ada@acme.example", "email_verified": false, "tenant_admin": true})
            );
        }
    }
}

#[test]
fn claims_that_were_not_earned_do_not_stay() {
    let present = json!({"tenant_admin": true, "email": "eve@x.example", "email_verified": true,
        "organizations_truncated": "true", "plan": "pro"});
    let event = json!({"version": "2", "response": {"claimsAndScopeOverrideDetails": {
        "accessTokenGeneration": {"claimsToAddOrOverride": present}}}});
    let mut as_it_came = event.clone();
    let place =
        "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride";
    let changed = claims(event, false, false);
    assert_eq!(
        changed.pointer(place),
        Some(&json!({"plan": "pro", "tenant_id": "acme", "organizations": {"o1": "owner"}}))
    );
    remove_tenant_admin(&mut as_it_came);
    assert_eq!(as_it_came.pointer(place).unwrap().get("tenant_admin"), None);
}

#[test]
fn a_removed_group_leaves_the_others_and_their_roles() {
    let configuration = json!({"groupsToOverride": ["a", "tenant-admins"],
        "iamRolesToOverride": ["r1"], "preferredRole": "r1"});
    for (version, place) in [
        ("1", "claimsOverrideDetails"),
        ("2", "claimsAndScopeOverrideDetails"),
    ] {
        let mut event = json!({"version": version, "response": {place: {"groupOverrideDetails": null}},
            "request": {"groupConfiguration": configuration}});
        let is_first = is_first_version(&event);
        remove_group(&mut event, "tenant-admins", is_first);
        let expected =
            json!({"groupsToOverride": ["a"], "iamRolesToOverride": ["r1"], "preferredRole": "r1"});
        assert_eq!(event["response"][place]["groupOverrideDetails"], expected);
        assert_eq!(event["request"]["groupConfiguration"], configuration);
        // What another trigger decided stays.
        event["response"][place]["groupOverrideDetails"] =
            json!({"groupsToOverride": ["tenant-admins", "b"]});
        remove_group(&mut event, "tenant-admins", is_first);
        let expected = json!({"groupsToOverride": ["b"]});
        assert_eq!(event["response"][place]["groupOverrideDetails"], expected);
    }
}

#[test]
fn only_the_very_group_makes_a_tenant_admin() {
    let settings = Settings::read(|name| (name == "TABLE_NAME").then(|| "t".to_owned()));
    let settings = settings.unwrap();
    let ada = Subject::User(
        TenantId::parse("acme").unwrap(),
        UserId::parse("ada").unwrap(),
    );
    let is = |groups: Value| {
        let event = json!({"request": {"groupConfiguration": {"groupsToOverride": groups}}});
        is_tenant_admin(&event, &ada, &settings)
    };
    assert!(is(json!(["a", "tenant-admins"])));
    for groups in [
        json!(null),
        json!([]),
        json!("tenant-admins"),
        json!(["friends of tenant-admins"]),
        json!(["tenant-admins "]),
        json!(["TENANT-ADMINS"]),
        json!([["tenant-admins"]]),
        json!({"tenant-admins": true}),
    ] {
        assert!(!is(groups.clone()), "{groups}");
    }
    let event = json!({"request": {"groupConfiguration": {"groupsToOverride": ["tenant-admins"]}}});
    assert!(!is_tenant_admin(&event, &Subject::NoUser, &settings));
}
