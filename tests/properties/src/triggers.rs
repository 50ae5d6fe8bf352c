//! Events of a user pool, and of any other single sign-on.

use muster::config::Settings;
use muster_functions::triggers::post_login;
use serde_json::Value;

use crate::Property;
use crate::function::{assert_of_the_tenant, invoke};

pub(crate) const PROPERTY: Property = Property {
    name: "triggers",
    check,
    seeds: &[
        br#"{"version":"1","triggerSource":"PostAuthentication_Authentication","userName":"entra_k3","request":{"userAttributes":{"sub":"3c6f","email":"ada@example.com","custom:tenant_id":"acme","custom:entra_object_id":"5f0a","given_name":"Ada","family_name":"L"},"newDeviceUsed":false},"response":{}}"#,
        br#"{"triggerSource":"PostLogin","tenantId":"acme","userId":"ada","email":"a@b.cc","entraObjectId":"5f0a","displayName":"Ada"}"#,
        br#"{"version":"2","triggerSource":"TokenGeneration_HostedAuth","request":{"userAttributes":{"sub":"u","custom:tenant_id":"acme"},"scopes":[]},"response":{"claimsAndScopeOverrideDetails":null}}"#,
        br#"{"request":{"userAttributes":{"sub":"u","custom:tenant_id":"acme","identities":"[{\"userId\":\"cdb555e3-b33e-4fd5-a427-17fadacbdfa7\",\"providerType\":\"SAML\"}]"}}}"#,
        br#"[1,null,{"request":7}]"#,
    ],
};

/// The settings of a function without optional ones.
fn settings() -> Settings {
    let read = |name: &str| (name == "TABLE_NAME").then(|| "t".to_owned());
    Settings::read(read).unwrap()
}

fn check(data: &[u8]) {
    let Ok(event) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    let login = invoke("post-login", event.clone());
    assert_eq!(
        login.answer.as_ref(),
        Some(&event),
        "the login's event is unchanged"
    );
    let profile = post_login::profile(&event, &settings()).ok();
    assert_eq!(login.requests.is_empty(), profile.is_none());
    if let Some(profile) = profile {
        // Only the user named by the event signs in, with exactly that tenant.
        for id in [profile.tenant_id.as_str(), profile.user_id.as_str()] {
            assert!(holds(&event, id), "{id}");
        }
        if let Some(email) = &profile.email {
            assert!(holds(&event, email.as_str()));
        }
    }
    // The table does not answer, so the token is issued without its data.
    let token = invoke("pre-token", event.clone());
    assert_eq!(token.answer, Some(without_tenant_admin(event.clone())));
    let tenant = event["request"]["userAttributes"]["custom:tenant_id"].as_str();
    if tenant == Some(crate::function::TENANT) {
        token.requests.iter().for_each(assert_of_the_tenant);
    } else if tenant.is_none() {
        assert!(token.requests.is_empty(), "no default tenant");
    }
}

/// The event without a claim that no user has here.
fn without_tenant_admin(mut event: Value) -> Value {
    for place in [
        "/response/claimsOverrideDetails/claimsToAddOrOverride",
        "/response/claimsAndScopeOverrideDetails/idTokenGeneration/claimsToAddOrOverride",
        "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride",
    ] {
        if let Some(Value::Object(claims)) = event.pointer_mut(place) {
            claims.remove("tenant_admin");
        }
    }
    event
}

/// Whether a text is anywhere in the event.
fn holds(event: &Value, text: &str) -> bool {
    match event {
        Value::String(found) => found == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(members) => members.values().any(|item| holds(item, text)),
        _ => false,
    }
}
