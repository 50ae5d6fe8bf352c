//! Every error of the contract: how it occurs, and its content.

mod provoke;

use muster::http::Code;
use serde_json::json;
use strum::VariantArray as _;
use support::{Reply, World};

use provoke::provoke;

#[tokio::test]
async fn every_problem_code_has_its_status_and_members() {
    let mut shown = Vec::new();
    for code in Code::VARIANTS {
        let (status, reply) = provoke(*code).await;
        let reply = reply.problem(status, code.as_str());
        // Paths and texts are for people; their presence is checked above.
        shown.push(format!(
            "{} {} {}",
            reply.status,
            code.as_str(),
            reply.body["title"].as_str().unwrap()
        ));
    }
    insta::assert_snapshot!(shown.join("\n"));
}

#[tokio::test]
async fn all_violations_are_returned_with_json_pointers() {
    let world = World::start().await;
    let ada = world.user("ada");
    let wrong = json!({
        "name": "  ",
        "domain": "nodot",
        "billing_email": "ada",
        "billing_address": 7,
        "stripe_customer_id": "sub_1",
        "metadata": [],
        "limits": {
            "models": ["a", 1],
            "max_budget": -1,
            "budget_duration": "soon",
            "tpm_limit": 1.5,
            "rpm_limit": "many",
            "more/~": null,
        },
        "spend": 5,
        "id": "mine",
    });
    let reply = ada.post("/organizations", wrong.clone()).await;
    let found = pointers(&reply.problem(400, "validation-failed"));
    let mut expected = vec![
        "/billing_address",
        "/billing_email",
        "/domain",
        "/id",
        "/limits/budget_duration",
        "/limits/max_budget",
        "/limits/models",
        "/limits/more~1~0",
        "/limits/rpm_limit",
        "/limits/tpm_limit",
        "/metadata",
        "/name",
        "/spend",
        "/stripe_customer_id",
    ];
    assert_eq!(found, expected);

    let id = world.organization(&ada, "Acme").await;
    let organization = format!("/organizations/{id}");
    for reply in [
        ada.patch(&organization, wrong.clone()).await,
        ada.put(&organization, wrong).await,
    ] {
        assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);
    }

    let members = format!("{organization}/members");
    let wrong = json!({"user_id": "ä", "role": "god", "status": "suspended", "source": "entra"});
    let reply = ada.post(&members, wrong.clone()).await;
    expected = vec!["/role", "/source", "/status", "/user_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);
    let reply = ada.post(&members, json!({})).await;
    assert_eq!(
        pointers(&reply.problem(400, "validation-failed")),
        ["/user_id"]
    );

    let wrong = json!({"role": null, "status": "gone", "user_id": "bob"});
    let reply = ada.patch(&format!("{members}/ada"), wrong).await;
    expected = vec!["/role", "/status", "/user_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);

    let wrong = json!({"email": "x", "display_name": "", "entra_object_id": "/", "tenant_id": "t"});
    let reply = world.tenant_admin().put("/users/bob", wrong).await;
    expected = vec!["/display_name", "/email", "/entra_object_id", "/tenant_id"];
    assert_eq!(pointers(&reply.problem(400, "validation-failed")), expected);

    for action in ["restore", "members/ada/accept"] {
        let reply = ada
            .post(&format!("{organization}/{action}"), json!({"a": 1}))
            .await;
        assert_eq!(pointers(&reply.problem(400, "validation-failed")), ["/a"]);
    }
}

fn pointers(reply: &Reply) -> Vec<String> {
    let errors = reply.body["errors"].as_array().unwrap();
    let mut pointers: Vec<_> = errors
        .iter()
        .map(|error| error["pointer"].as_str().unwrap().to_owned())
        .collect();
    pointers.sort();
    pointers
}

#[tokio::test]
async fn a_problem_contains_the_path_and_the_request_id() {
    let world = World::start().await;
    let ada = world.user("ada");
    for (asked, instance) in [
        ("/organizations/none?limit=1", "/organizations/none"),
        ("/organizations/a%20b", "/organizations/a%20b"),
        ("/organizations/caf%C3%A9", "/organizations/caf%C3%A9"),
        ("/organizations/50%25", "/organizations/50%25"),
        ("/organizations/a%23b", "/organizations/a%23b"),
        ("/nothing/a%20b", "/nothing/a%20b"),
    ] {
        let reply = ada.get(asked).await.any_problem();
        assert_eq!(reply.body["instance"], instance);
    }
    let (one, two) = (
        ada.get("/organizations").await,
        ada.get("/organizations").await,
    );
    assert_ne!(one.body["request_id"], two.body["request_id"]);
}

#[tokio::test]
async fn requests_without_an_authorizer_return_401() {
    let world = World::start().await;
    let nobody = world.bearer("", None);
    for (context, status, code) in [
        (json!({}), 401, "unauthenticated"),
        (json!({"authorizer": {}}), 401, "unauthenticated"),
        (
            json!({"authorizer": {"lambda": {"sub": "ada"}}}),
            401,
            "unauthenticated",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {}}}}),
            401,
            "unauthenticated",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "me", "tenant_id": "t"}}}}),
            403,
            "unusable-subject",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "ada"}}}}),
            403,
            "no-tenant",
        ),
        (
            json!({"authorizer": {"jwt": {"claims": {"sub": "ada", "tenant_id": "a#b"}}}}),
            403,
            "no-tenant",
        ),
    ] {
        let event = json!({
            "routeKey": "GET /organizations",
            "rawPath": "/organizations",
            "headers": {"tenant_id": "acme", "sub": "ada", "authorization": "Bearer x.y.z"},
            "requestContext": context,
        });
        let invoke = "/2015-03-31/functions/list-organizations/invocations";
        let answer = nobody.post(invoke, event).await.expect(200).body;
        assert_eq!(answer["statusCode"], status, "{context}");
        assert!(answer["body"].as_str().unwrap().contains(code), "{answer}");
    }
    assert_eq!(world.calls.take(), []);
}
