//! Enforces the functions' policies of the template locally, so that every story also tests
//! permissions.

use muster_local::Options;
use serde_json::json;
use support::{Lines, World};

#[tokio::test]
async fn a_function_without_write_access_fails_and_logs_why() {
    let mut options = Options::default();
    let (both, one) = (
        "Action: [dynamodb:ConditionCheckItem, dynamodb:PutItem, dynamodb:UpdateItem]",
        "Action: [dynamodb:ConditionCheckItem, dynamodb:UpdateItem]",
    );
    assert!(options.template.contains(both));
    options.template = options.template.replace(both, one);
    let (options, lines) = Lines::collect(options);
    let world = World::with(options).await;
    let made = world
        .user("ada")
        .post("/organizations", json!({"name": "Acme"}))
        .await;
    assert_eq!(made.status, 503, "{made:?}");
    assert!(world.items().await.is_empty());
    let lines = lines.take();
    let failure = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    let error = failure["error"].as_str().unwrap();
    let named = "CreateOrganization is not authorized to perform dynamodb:PutItem on the table";
    assert!(error.contains(named), "{error}");
}
