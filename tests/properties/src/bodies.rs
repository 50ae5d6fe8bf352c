//! The body of every operation with one, through the function itself.

use std::sync::LazyLock;

use muster_functions::endpoint::Endpoint;
use muster_functions::{functions, openapi_document};
use serde_json::{Value, json};

use crate::Property;
use crate::function::{Invoked, TENANT, assert_in_the_contract, invoke};

pub(crate) const PROPERTY: Property = Property {
    name: "bodies",
    check,
    seeds: &[
        br#"createOrganization {"name":"Acme","domain":"acme.example","billing_email":"a@b.cc","billing_address":"1\n2","stripe_customer_id":"cus_1","metadata":{"a":[1]},"limits":{"models":["m"],"max_budget":1.5,"budget_duration":"1mo","tpm_limit":1,"rpm_limit":null}}"#,
        br#"updateOrganization {"name":"Acme","domain":null,"limits":null,"metadata":{"a":null}}"#,
        br#"addMember {"user_id":"bob","role":"member","status":"active"}"#,
        br#"updateMember {"role":"org_admin","status":"suspended"}"#,
        br#"createTeam {"name":"Engines","description":"d","is_default":true,"limits":{"models":["all-org-models"]},"metadata":{}}"#,
        br#"updateTeam {"description":null,"is_default":null}"#,
        br#"addTeamMember {"user_id":"bob","role":"leader"}"#,
        br#"updateTeamMember {"role":"member","status":"active"}"#,
        br#"registerUser {"email":"bob@acme.example","display_name":"Bob","entra_object_id":"5f0a"}"#,
        br#"createStandaloneTeam {"a/b~c":1,"limits":{"x":[]},"metadata":{"a":{"b":{"c":{"d":{"e":1}}}}}}"#,
        br#"createWebhookEndpoint {"url":"https://hooks.acme.example:443/a?b=c","event_types":["membership.*","team.created"],"description":"d","organization_id":"o1"}"#,
        br#"updateWebhookEndpoint {"url":"https://[fd00:ec2::254]/","event_types":["*"],"status":"disabled","description":null}"#,
        br#"createDirectory {"entra":{"tenant_id":"8e881353-1735-45af-af21-ee1344582a41","domain":"acme.example","service_principal_id":"5f0a3c1e-2b4d-4c6f-8a1b-3c5d7e9f0a2b"},"settings":{"group_filter":"^Muster","group_map":{"5f0a3c1e-2b4d-4c6f-8a1b-3c5d7e9f0a2b":{"organization":"Acme","role":"admin"}}}}"#,
        br#"updateDirectory {"status":"paused","settings":{"on_leave":"suspend"}}"#,
        br#"syncDirectory {"dry_run":true}"#,
        br#"acceptInvitationByToken {"token":"inv1_"}"#,
        br#"declineInvitationByToken {"token":""}"#,
        br#"createDomain {"domain":"xn--bcher-kva.example."}"#,
        br#"updateDomain {"auto_join":true,"auto_join_role":"member"}"#,
        br#"createInvitation {"email":"bob@acme.example","role":"member","team_ids":["t1"],"metadata":{}}"#,
        br#"createInvitations {"items":[{"email":"bob@acme.example"},{"email":"eve@acme.example","role":"admin"}]}"#,
        br#"addMembers {"items":[{"user_id":"bob","role":"admin"},{"user_id":"eve","status":"active"}]}"#,
        br#"restoreOrganization {"name":"Rockets"}"#,
        br#"transferOwnership {"user_id":"bob","keep_role":"admin"}"#,
        br#"updateUser {"status":"disabled"}"#,
        br#"replayWebhookEvents {"from":"2026-11-27T00:00:00.000Z","to":"2026-11-28T00:00:00.000Z"}"#,
    ],
};

/// An operation with a body.
struct BodyOperation {
    id: String,
    function: &'static str,
    route: &'static str,
}

/// The start of the ids of operations that need the secret of the tokens, which cannot be read here.
const WITH_SECRET: [&str; 3] = ["acceptInvitation", "createInvitation", "declineInvitation"];

/// All operations with a body, as the endpoints declare them.
static OPERATIONS: LazyLock<Vec<BodyOperation>> = LazyLock::new(|| {
    let document = openapi_document();
    let mut operations = Vec::new();
    for function in functions() {
        for route in function.endpoint().into_iter().flat_map(Endpoint::routes) {
            let (method, path) = route.split_once(' ').unwrap();
            let described = &document["paths"][path][method.to_lowercase()];
            // SCIM has no operations in the document.
            let Some(id) = described["operationId"].as_str() else {
                continue;
            };
            if described.get("requestBody").is_some() {
                operations.push(BodyOperation {
                    id: id.to_owned(),
                    function: function.name,
                    route,
                });
            }
        }
    }
    operations
});

/// The largest growth of a request on its way to the table: escaped texts, some of them in several
/// keys, and the fixed parts.
const GROWTH: usize = 24;

/// An input is the id of an operation, a space and the body.
fn check(data: &[u8]) {
    let Ok(input) = std::str::from_utf8(data) else {
        return;
    };
    let (id, body) = input.split_once(' ').unwrap_or(("", input));
    // Without such an id, the length selects one.
    let operations = &OPERATIONS;
    let named = operations.iter().find(|it| it.id == id);
    let chosen = named.unwrap_or(&operations[data.len() % operations.len()]);
    let (name, route) = (chosen.function, chosen.route);
    let invoked = invoke(name, event(route, body));
    let needs_secret = WITH_SECRET.iter().any(|start| chosen.id.starts_with(start));
    if needs_secret && status_of(&invoked) == Some(503) {
        assert!(invoked.requests.is_empty());
        return;
    }
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

fn status_of(invoked: &Invoked) -> Option<u64> {
    invoked.answer.as_ref()?["statusCode"].as_u64()
}

fn event(route: &str, body: &str) -> Value {
    let mut parameters = serde_json::Map::new();
    for (name, id) in [
        ("organization_id", "o1"),
        ("team_id", "t1"),
        ("user_id", "bob"),
        ("endpoint_id", "019aa8c0-5e6f-7a81-92b3-c4d5e6f70819"),
        ("directory_id", "019aa8c0-5e6f-7a81-92b3-c4d5e6f70819"),
        ("domain", "acme.example"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_with_a_body_has_a_seed() {
        let seeds = PROPERTY.seeds.iter();
        let seeds: Vec<_> = seeds.map(|it| String::from_utf8_lossy(it)).collect();
        for BodyOperation { id, .. } in OPERATIONS.iter().filter(|it| !it.id.ends_with("ByPut")) {
            let start = format!("{id} ");
            assert!(seeds.iter().any(|seed| seed.starts_with(&start)), "{id}");
        }
    }
}
