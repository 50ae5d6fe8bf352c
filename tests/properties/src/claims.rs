//! The claims of a token, as API Gateway formats them.

use muster::http::{ApiRequest, Code};
use serde_json::{Value, json};

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "claims",
    check,
    seeds: &[
        b"{\"sub\":\"ada\",\"tenant_id\":\"acme\",\"cognito:groups\":\"[a tenant-admins]\"}\xfftenant-admins",
        b"{\"sub\":\"ada\",\"custom:tenant_id\":\"acme\",\"cognito:groups\":\"tenant-admins\"}\xfftenant-admins",
        b"{\"sub\":\"ada\",\"tenant_id\":\"\",\"custom:tenant_id\":\"a#b\",\"cognito:groups\":[\"x\"]}\xffx",
        b"{}\xff",
        b"{\"sub\":7,\"tenant_id\":null}\xff",
        b"{\"sub\":\"CN=a/b\",\"tenant_id\":\"t\",\"tenant_admin\":\"true\"}\xff[tenant-admins",
    ],
};

/// The issuer of a user pool.
const POOL: &str = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_abc";
/// The group of tenant admins.
const ADMINS: &str = "tenant-admins";

fn check(data: &[u8]) {
    let [claims, groups] = texts(data);
    if let Ok(Value::Object(claims)) = serde_json::from_str(&claims) {
        of_any_token(Value::Object(claims));
    }
    of_rendered_groups(&groups);
}

/// A caller has exactly the values of the claims.
fn of_any_token(claims: Value) {
    let claim_text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
    let tenant = match claim_text("tenant_id") {
        none if none.is_empty() => claim_text("custom:tenant_id"),
        tenant => tenant,
    };
    let user = claim_text("sub");
    let names_admins = claims["cognito:groups"].to_string().contains(ADMINS)
        || claims["tenant_admin"] == true
        || claims["tenant_admin"] == "true";
    let is_empty = claims == json!({});
    match caller(claims) {
        Ok(caller) => {
            assert_eq!(caller.tenant_id.as_str(), tenant);
            assert_eq!(caller.user_id.as_str(), user);
            assert!(!caller.tenant_admin || names_admins);
        }
        // A token without a required claim is invalid.
        Err(Code::Unauthenticated) => assert!(is_empty),
        Err(code) => assert!(matches!(code, Code::UnusableSubject | Code::NoTenant)),
    }
}

/// A formatted list of groups means the same as a list, and only a complete group name counts.
fn of_rendered_groups(groups: &str) {
    // Groups of a user pool have no spaces in their names.
    let groups: Vec<&str> = groups.split_whitespace().collect();
    let is_admin = |issuer: &str, groups: Value| {
        let claims =
            json!({"sub": "ada", "tenant_id": "acme", "iss": issuer, "cognito:groups": groups});
        caller(claims).unwrap().tenant_admin
    };
    let expected = groups.contains(&ADMINS);
    let rendered: Value = format!("[{}]", groups.join(" ")).into();
    for issuer in [POOL, "https://login.example"] {
        assert_eq!(is_admin(issuer, json!(groups)), expected);
    }
    assert_eq!(is_admin(POOL, rendered.clone()), expected, "{groups:?}");
    // Other groups may have spaces, so only a single name is certain.
    let expected = groups == [ADMINS];
    assert_eq!(is_admin("https://login.example", rendered), expected);
}

fn caller(claims: Value) -> Result<muster::domain::Caller, Code> {
    let event = json!({
        "routeKey": "GET /", "requestContext": {"authorizer": {"jwt": {"claims": claims}}},
    });
    let request = ApiRequest::of_event(&event.to_string(), ADMINS).unwrap();
    request.caller().map_err(|problem| problem.code)
}
