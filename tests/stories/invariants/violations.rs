//! The check of the invariants finds their violations.

use aws_sdk_dynamodb::types::AttributeValue::{self, N, S};
use serde_json::{Value, json};
use support::{ACME, World, invariants};

/// Shows that damage is found, which an intact table could not.
#[tokio::test]
async fn violations_of_the_table_are_found() {
    let (world, ada, id) = World::acme().await;
    let other = world.organization(&ada, "Other").await;
    invariants::check(&world.items().await);
    let (of_ada, of_bob) = (user_key("ada"), user_key("bob"));
    let organization = format!("TENANT#{ACME}#ORG#{id}");
    let membership = format!("ORG#{id}");
    let text = |text: &str| S(text.to_owned());
    let damages = [
        (&organization, "ORG", "owner_count", N("2".to_owned()), "4:"),
        (&of_bob, &membership, "role", text("owner"), "4:"),
        (&of_ada, &membership, "status", text("invited"), "3:"),
        (&of_ada, &membership, "tenant_id", text("globex"), "5:"),
        (
            &of_ada,
            &membership,
            "gsi1pk",
            text("TENANT#globex#ORG#x"),
            "5:",
        ),
        (
            &of_bob,
            &membership,
            "organization_id",
            text(&other),
            "another's key",
        ),
        (&of_bob, "USER", "user_id", text("eve"), "6:"),
        (&organization, "ORG", "name", text("OTHER"), "2:"),
        (
            &organization,
            "ORG",
            "status",
            text("deleted"),
            "half deleted",
        ),
        (&organization, "ORG", "id", text("x"), "6:"),
    ];
    each_is_found(&world, &damages).await;
}

#[tokio::test]
async fn violations_of_invitations_are_found() {
    let (world, ada, id) = World::acme().await;
    let body = json!({"email": "eve@acme.example"});
    let path = format!("/organizations/{id}/invitations");
    let made = ada.post(&path, body).await.expect(201);
    invariants::check(&world.items().await);
    let partition = format!("TENANT#{ACME}#ORG#{id}#INVITATIONS");
    let place = format!("INVITATION#{}", made.body["id"].as_str().unwrap());
    let address = format!("TENANT#{ACME}#ORG#{id}#INVITEE#eve@acme.example");
    let text = |text: &str| S(text.to_owned());
    let damages = [
        (
            &partition,
            &*place,
            "status",
            text("accepted"),
            "15: an acc",
        ),
        (&partition, &place, "status", text("revoked"), "15: an addr"),
        (&partition, &place, "role", text("owner"), "12:"),
        (&partition, &place, "send_count", N("2".to_owned()), "12:"),
        (&partition, &place, "version", N("2".to_owned()), "12:"),
        (&partition, &place, "id", text("x"), "another's key"),
        (
            &address,
            "INVITEE",
            "invitation_id",
            text("x"),
            "15: a pend",
        ),
    ];
    each_is_found(&world, &damages).await;
}

/// Damages the item of a key at a time, and repairs it: key, attribute, value, and what the violation contains.
async fn each_is_found(world: &World, damages: &[(&String, &str, &str, AttributeValue, &str)]) {
    for (pk, sk, attribute, value, expected) in damages {
        let before = world.table().await[&((*pk).clone(), (*sk).to_owned())][*attribute].clone();
        world.tamper(pk, sk, attribute, value.clone()).await;
        let violations = invariants::violations(&world.items().await);
        assert!(
            violations
                .iter()
                .any(|violation| violation.contains(expected)),
            "{attribute} of {pk} {sk}: {violations:?}"
        );
        let before = match before {
            Value::String(before) => S(before),
            before => N(before.to_string()),
        };
        world.tamper(pk, sk, attribute, before).await;
        invariants::check(&world.items().await);
    }
}

fn user_key(id: &str) -> String {
    format!("TENANT#{ACME}#USER#{id}")
}
