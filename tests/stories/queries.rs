//! Query parameters: unknown ones are rejected, like unknown fields of a body.

use reqwest::Method;
use serde_json::{Value, json};
use support::{World, filled};

#[tokio::test]
async fn unknown_query_parameters_return_400_everywhere() {
    let (world, _, id) = World::acme().await;
    let root = world.tenant_admin();
    let before = world.everything().await;
    for route in world.routes().await {
        let (method, path) = route.split_once(' ').unwrap();
        let method: Method = method.parse().unwrap();
        let path = filled(path, &id, "bob");
        for (query, pointers) in [
            ("nmae=Acme", vec!["/nmae"]),
            ("tenant_id=other&x~y=1", vec!["/tenant_id", "/x~0y"]),
            ("Limit=1", vec!["/Limit"]),
            ("=", vec!["/"]),
        ] {
            let mut request = root.request(method.clone(), &format!("{path}?{query}"));
            if [Method::POST, Method::PUT, Method::PATCH].contains(&method) {
                request = request.json(&json!({}));
            }
            let reply = root.send(request).await.problem(400, "validation-failed");
            let errors = reply.body["errors"].as_array().unwrap().clone();
            let found: Vec<_> = errors
                .iter()
                .map(|it| it["pointer"].as_str().unwrap())
                .collect();
            assert_eq!(found, pointers, "{route}?{query}");
        }
    }
    assert_eq!(world.everything().await, before);
}

#[tokio::test]
async fn empty_filters_return_400() {
    let (world, ada, id) = World::acme().await;
    let root = world.tenant_admin();
    for (actor, path) in [
        (&root, "/organizations?domain=".to_owned()),
        (&root, "/organizations?name=".to_owned()),
        (&root, "/organizations?name_prefix=".to_owned()),
        (&root, "/organizations?status=".to_owned()),
        (&ada, format!("/organizations/{id}/members?status=")),
        (&ada, format!("/organizations/{id}/members?role=")),
        (&ada, "/users/me/organizations?status=".to_owned()),
        (
            &ada,
            "/users/me/organizations?organization_status=".to_owned(),
        ),
    ] {
        let reply = actor.get(&path).await.problem(400, "validation-failed");
        assert_eq!(reply.body["errors"].as_array().unwrap().len(), 1, "{path}");
    }
    let force = format!("/organizations/{id}/members/bob?force=");
    root.delete(&force).await.problem(400, "validation-failed");
}

#[tokio::test]
async fn all_violations_of_a_query_are_returned_together() {
    let world = World::start().await;
    let path = "/organizations?status=gone&domain=nodot&name=%20&limit=0&cursor=x&colour=red";
    let reply = world.tenant_admin().get(path).await;
    let problem = reply.problem(400, "validation-failed");
    let pointers: Vec<&Value> = problem.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(
        pointers,
        ["/name", "/domain", "/status", "/limit", "/colour"]
    );
}
