//! The body of every endpoint with one, through the function itself.

use serde_json::{Value, json};

use crate::Property;
use crate::function::{TENANT, assert_in_the_contract, invoke};

pub(crate) const PROPERTY: Property = Property {
    name: "bodies",
    check,
    seeds: &[
        br#"0{"name":"Acme","domain":"acme.example","billing_email":"a@b.cc","billing_address":"1\n2","stripe_customer_id":"cus_1","metadata":{"a":[1]},"limits":{"models":["m"],"max_budget":1.5,"budget_duration":"1mo","tpm_limit":1,"rpm_limit":null}}"#,
        br#"1{"name":"Acme","domain":null,"limits":null,"metadata":{"a":null}}"#,
        br#"2{"user_id":"bob","role":"member","status":"active"}"#,
        br#"3{"role":"org_admin","status":"suspended"}"#,
        br#"4{"name":"Engines","description":"d","is_default":true,"limits":{"models":["all-org-models"]},"metadata":{}}"#,
        br#"5{"description":null,"is_default":null}"#,
        br#"6{"user_id":"bob","role":"leader"}"#,
        br#"7{"role":"member","status":"active"}"#,
        br#"8{"email":"bob@acme.example","display_name":"Bob","entra_object_id":"5f0a"}"#,
        br#"9{"a/b~c":1,"limits":{"x":[]},"metadata":{"a":{"b":{"c":{"d":{"e":1}}}}}}"#,
        br#":{"url":"https://hooks.acme.example:443/a?b=c","event_types":["membership.*","team.created"],"description":"d","organization_id":"o1"}"#,
        br#";{"url":"https://[fd00:ec2::254]/","event_types":["*"],"status":"disabled","description":null}"#,
    ],
};

/// The first byte selects the function.
const FUNCTIONS: [(&str, &str); 12] = [
    ("create-organization", "POST /organizations"),
    (
        "update-organization",
        "PATCH /organizations/{organization_id}",
    ),
    (
        "add-member",
        "POST /organizations/{organization_id}/members",
    ),
    (
        "update-member",
        "PATCH /organizations/{organization_id}/members/{user_id}",
    ),
    ("create-team", "POST /organizations/{organization_id}/teams"),
    ("update-team", "PATCH /teams/{team_id}"),
    ("add-team-member", "POST /teams/{team_id}/members"),
    (
        "update-team-member",
        "PATCH /teams/{team_id}/members/{user_id}",
    ),
    ("register-user", "PUT /users/{user_id}"),
    ("create-team", "POST /teams"),
    ("create-webhook-endpoint", "POST /webhook-endpoints"),
    (
        "update-webhook-endpoint",
        "PATCH /webhook-endpoints/{endpoint_id}",
    ),
];

/// The largest growth of a request on its way to the table: escaped texts, some of them in several
/// keys, and the fixed parts.
const GROWTH: usize = 24;

fn check(data: &[u8]) {
    let Some((which, body)) = data.split_first() else {
        return;
    };
    let (name, route) = FUNCTIONS[usize::from(*which) % FUNCTIONS.len()];
    let Ok(body) = std::str::from_utf8(body) else {
        return;
    };
    let invoked = invoke(name, event(route, body));
    assert_in_the_contract(&invoked);
    for request in &invoked.requests {
        let length = request.to_string().len();
        assert!(length <= GROWTH * (body.len() + 1_024), "{length}");
    }
    // A rejected body is rejected each time, for every caller.
    if invoked.requests.is_empty() {
        let again = invoke(name, event(route, body));
        assert!(again.requests.is_empty());
    }
    // A body that is not an object is not read further.
    if !matches!(serde_json::from_str(body), Ok(Value::Object(_))) {
        assert!(invoked.requests.is_empty());
    }
}

fn event(route: &str, body: &str) -> Value {
    let mut parameters = serde_json::Map::new();
    for (name, id) in [
        ("organization_id", "o1"),
        ("team_id", "t1"),
        ("user_id", "bob"),
        ("endpoint_id", "019aa8c0-5e6f-7a81-92b3-c4d5e6f70819"),
    ] {
        if route.contains(name) {
            parameters.insert(name.to_owned(), id.into());
        }
    }
    let claims = json!({"sub": "ada", "tenant_id": TENANT, "cognito:groups": "[tenant-admins]"});
    json!({
        "routeKey": route, "rawPath": "/x", "pathParameters": parameters,
        "headers": {"content-type": "application/json"}, "body": body,
        "requestContext": {"requestId": "r1", "authorizer": {"jwt": {"claims": claims}}},
    })
}
