//! Logins that prove an email address, and those that do not.

use serde_json::{Value, json};
use support::World;

use super::setup::{Setup, event};

/// The event of a login whose user has these attributes as well.
fn login_with(attributes: &Value) -> Value {
    let mut event = event("ada");
    let user = event["request"]["userAttributes"].as_object_mut().unwrap();
    user.extend(attributes.as_object().unwrap().clone());
    event
}

/// Whether the address in the profile and the claim of a new token are verified. Both are the same.
async fn is_verified(setup: &Setup, attributes: &Value) -> bool {
    let event = login_with(attributes);
    setup.sign_in(event.clone()).await;
    let claim = claim(setup, event).await;
    let profile = profile(&setup.world).await;
    assert_eq!(profile["email"], "ada@acme.example");
    assert_eq!(profile["email_verified"], claim, "{attributes}");
    claim.as_bool().unwrap()
}

async fn claim(setup: &Setup, mut event: Value) -> Value {
    event["triggerSource"] = "TokenGeneration_Authentication".into();
    event["version"] = "2".into();
    let answer = setup.invoke("pre-token", &event).await;
    answer["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
        ["claimsToAddOrOverride"]["email_verified"]
        .clone()
}

async fn profile(world: &World) -> Value {
    let profile = world.user("ada").get("/users/ada").await;
    assert_eq!(profile.status, 200);
    profile.body
}

#[tokio::test]
async fn a_profile_and_a_token_follow_the_last_login() {
    let setup = Setup::open(&[("VERIFIED_EMAIL_PROVIDERS", "Okta")]).await;
    let of = |providers: &[&str]| {
        let all = providers.iter().map(|name| json!({"providerName": name}));
        Value::Array(all.collect()).to_string()
    };
    for (attributes, expected) in [
        (json!({}), false),
        (json!({"email_verified": "true"}), true),
        (json!({"email_verified": "true"}), true),
        (json!({"email_verified": "false"}), false),
        (json!({"identities": of(&["Okta"])}), true),
        (json!({"identities": of(&["Okta", "Entra"])}), false),
    ] {
        assert_eq!(is_verified(&setup, &attributes).await, expected);
    }
}

#[tokio::test]
async fn a_repeated_login_writes_no_event() {
    let setup = Setup::open(&[]).await;
    let event = login_with(&json!({"email_verified": "true"}));
    setup.sign_in(event.clone()).await;
    let root = setup.world.tenant_admin();
    let before = root.get("/events?type=user.*").await.body["items"].clone();
    setup.sign_in(event).await;
    let after = root.get("/events?type=user.*").await.body["items"].clone();
    assert_eq!(before.as_array().unwrap().len(), 1);
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_login_without_an_address_leaves_the_profile() {
    let setup = Setup::open(&[]).await;
    let verified = login_with(&json!({"email_verified": "true"}));
    setup.sign_in(verified.clone()).await;
    let mut without = verified;
    let attributes = without["request"]["userAttributes"].as_object_mut();
    attributes
        .unwrap()
        .retain(|name, _| !name.starts_with("email"));
    setup.sign_in(without).await;
    assert_eq!(profile(&setup.world).await["email_verified"], true);
}

#[tokio::test]
async fn an_address_set_by_a_tenant_admin_is_not_verified() {
    let setup = Setup::open(&[]).await;
    setup
        .sign_in(login_with(&json!({"email_verified": "true"})))
        .await;
    let root = setup.world.tenant_admin();
    let other = json!({"email": "ada@acme.example", "display_name": "Ada"});
    let same = root.put("/users/ada", other).await;
    assert_eq!(same.body["email_verified"], true);
    let changed = root
        .put("/users/ada", json!({"email": "eve@acme.example"}))
        .await;
    assert_eq!(changed.body["email_verified"], false);
    let back = root
        .put("/users/ada", json!({"email": "ada@acme.example"}))
        .await;
    assert_eq!(back.body["email_verified"], false);
}
