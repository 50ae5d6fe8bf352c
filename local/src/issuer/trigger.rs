//! Invokes the pre-token trigger for a token's claims, as a user pool does.

use serde_json::{Map, Value, json};

use super::{AUDIENCE, Identity};
use crate::aws::REGION;
use crate::lambda::Lambda;

/// The binary of the trigger.
const PRE_TOKEN: &str = "pre-token";
/// Claims that no trigger may change.
/// <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>
const RESERVED: [&str; 10] = [
    "sub",
    "iss",
    "aud",
    "client_id",
    "token_use",
    "iat",
    "exp",
    "jti",
    "username",
    "cognito:username",
];

/// The claims that the trigger adds to an access token, with the groups if it sets them: none if the function does not exist, or if it
/// fails. The local stack is for trying things, so it issues a token where a user pool would not.
pub(super) async fn claims(
    lambda: &Lambda,
    identity: &Identity,
    request_id: &str,
) -> Map<String, Value> {
    let Some(trigger) = lambda.find(PRE_TOKEN) else {
        return Map::new();
    };
    // A failure is logged on the terminal.
    let answer = lambda.invoke(trigger, event(identity), request_id).await;
    added(answer.unwrap_or_default())
}

/// The event of a sign-in, version 2: the first that can add claims to access tokens.
fn event(identity: &Identity) -> Value {
    let mut attributes = json!({
        "sub": identity.user_id,
        "custom:tenant_id": identity.tenant_id,
        "cognito:user_status": "CONFIRMED",
    });
    if let (Some(email), Some(attributes)) = (&identity.email, attributes.as_object_mut()) {
        attributes.insert("email".to_owned(), json!(email));
        // Attributes are strings.
        let verified = identity.is_verified().to_string();
        attributes.insert("email_verified".to_owned(), json!(verified));
    }
    json!({
        "version": "2",
        "triggerSource": "TokenGeneration_Authentication",
        "region": REGION,
        "userPoolId": "local_pool",
        "userName": identity.user_id,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": AUDIENCE},
        "request": {
            "userAttributes": attributes,
            "groupConfiguration": {
                "groupsToOverride": identity.groups,
                "iamRolesToOverride": [],
                "preferredRole": null,
            },
            "scopes": [],
        },
        "response": {"claimsAndScopeOverrideDetails": null},
    })
}

fn added(mut answer: Value) -> Map<String, Value> {
    let groups = answer.pointer_mut(
        "/response/claimsAndScopeOverrideDetails/groupOverrideDetails/groupsToOverride",
    );
    let groups = groups.map(Value::take).filter(Value::is_array);
    let claims = answer.pointer_mut(
        "/response/claimsAndScopeOverrideDetails/accessTokenGeneration/claimsToAddOrOverride",
    );
    let mut claims = match claims.map(Value::take) {
        Some(Value::Object(mut claims)) => {
            claims.retain(|name, _| !RESERVED.contains(&name.as_str()));
            claims
        }
        _ => Map::new(),
    };
    if let Some(groups) = groups {
        claims.insert("cognito:groups".to_owned(), groups);
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_verified_by_default() {
        let verified = |email_verified| {
            let identity = Identity {
                email: Some("ada@acme.example".to_owned()),
                email_verified,
                ..Identity::default()
            };
            event(&identity)["request"]["userAttributes"]["email_verified"].clone()
        };
        assert_eq!(verified(None), "true");
        assert_eq!(verified(Some(false)), "false");
        let nobody = event(&Identity::default());
        assert_eq!(
            nobody["request"]["userAttributes"].get("email_verified"),
            None
        );
    }

    #[test]
    fn the_trigger_adds_claims_but_changes_no_reserved_ones() {
        let answer = json!({"response": {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": {
            "claimsToAddOrOverride": {"organizations": {"o1": "owner"}, "sub": "eve", "exp": 0}}}}});
        let claims = Value::Object(added(answer));
        assert_eq!(claims, json!({"organizations": {"o1": "owner"}}));
        let groups = json!({"response": {"claimsAndScopeOverrideDetails": {
            "groupOverrideDetails": {"groupsToOverride": ["a"]}}}});
        assert_eq!(
            Value::Object(added(groups)),
            json!({"cognito:groups": ["a"]})
        );
        for nothing in [
            Value::Null,
            json!({"response": {"claimsAndScopeOverrideDetails": null}}),
            event(&Identity::default()),
        ] {
            assert!(added(nothing).is_empty());
        }
    }
}
