//! Who sees which fields of an organization. That each answer has the fields of its schema and no others is checked
//! with every answer of every story (`support/document.rs`).

use serde_json::{Value, json};
use support::World;

const BILLING: [&str; 3] = ["billing_email", "billing_address", "stripe_customer_id"];

/// Returns the billing fields that are shown.
fn billing(organization: &Value) -> Vec<&'static str> {
    let shown = organization.as_object().unwrap();
    let shown = |name: &&str| shown.contains_key(*name);
    BILLING.into_iter().filter(shown).collect()
}

#[tokio::test]
async fn billing_fields_require_owner_admin_or_tenant_admin() {
    let (world, ada, id) = World::acme().await;
    let path = format!("/organizations/{id}");
    ada.patch(&path, json!({"billing_email": "pay@acme.example"}))
        .await
        .expect(200);
    for role in [
        "owner",
        "admin",
        "org_admin",
        "manager",
        "member",
        "internal_user",
        "readonly",
        "internal_user_viewer",
    ] {
        let actor = world
            .member(&id, &format!("a-{role}"), role, "active")
            .await;
        let shown = actor.get(&path).await.expect(200).body;
        if ["owner", "admin", "org_admin"].contains(&role) {
            assert_eq!(billing(&shown), BILLING, "{role}");
            assert_eq!(shown["billing_email"], "pay@acme.example");
        } else {
            assert!(billing(&shown).is_empty(), "{role}");
        }
    }
    let shown = world.tenant_admin().get(&path).await.expect(200).body;
    assert_eq!(billing(&shown), BILLING);
    let admin = world.user("a-admin");
    let patched = admin
        .patch(&path, json!({"metadata": {"a": 1}}))
        .await
        .expect(200);
    assert_eq!(billing(&patched.body), BILLING);
    admin
        .patch(&path, json!({"billing_address": null}))
        .await
        .problem(403, "forbidden");
}
