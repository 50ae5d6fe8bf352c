//! A domain belongs to one organization of a tenant: the one that has verified it.

use futures::future::join_all;
use serde_json::json;
use support::{World, invariants, statuses};

use super::{add, domains, publish, set_records, verified, verify};

#[tokio::test]
async fn a_verified_domain_belongs_to_one_organization() {
    let world = World::start().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let acme = world.organization(&ada, "Acme").await;
    let other = world.organization(&bob, "Other").await;
    let theirs = add(&bob, &other, "acme.example").await;
    // Bob's claim is not verified, so it locks no other organization out. His token does not prove Ada's.
    let hers = add(&ada, &acme, "acme.example").await;
    assert_ne!(theirs, hers);
    publish(&world, &[("acme.example", &theirs)]).await;
    let failed = ada
        .post_empty(&verify(&acme, "acme.example"))
        .await
        .expect(200);
    assert_eq!(failed.body["status"], "failed");
    // A record of the parent does not prove a subdomain, nor the other way round.
    let below = add(&ada, &acme, "mail.acme.example").await;
    publish(
        &world,
        &[("acme.example", &below), ("mail.acme.example", &hers)],
    )
    .await;
    for domain in ["acme.example", "mail.acme.example"] {
        let failed = ada.post_empty(&verify(&acme, domain)).await.expect(200);
        assert_eq!(failed.body["status"], "failed", "{domain}");
    }
    let both = json!({"_muster-challenge.acme.example": [hers, theirs]});
    set_records(&world, &both).await;
    ada.post_empty(&verify(&acme, "acme.example"))
        .await
        .expect(200);
    let taken = bob.post_empty(&verify(&other, "acme.example")).await;
    taken.problem(409, "domain-taken");
    let third = world.organization(&bob, "Third").await;
    let taken = bob
        .post(&domains(&third), json!({"domain": "acme.example"}))
        .await;
    taken.problem(409, "domain-taken");
    // Another tenant has its own.
    let eve = world.user_of("other", "eve");
    let apart = world.organization(&eve, "Apart").await;
    let value = add(&eve, &apart, "acme.example").await;
    publish(&world, &[("acme.example", &value)]).await;
    let found = eve
        .post_empty(&verify(&apart, "acme.example"))
        .await
        .expect(200);
    assert_eq!(found.body["status"], "verified");
    // Free again, with a new token.
    let path = format!("{}/acme.example", domains(&acme));
    ada.delete(&path).await.expect(204);
    assert_ne!(add(&ada, &acme, "acme.example").await, hers);
    publish(&world, &[("acme.example", &theirs)]).await;
    let found = bob
        .post_empty(&verify(&other, "acme.example"))
        .await
        .expect(200);
    assert_eq!(found.body["status"], "verified");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn the_domain_of_a_deleted_organization_is_free() {
    let world = World::start().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let acme = world.organization(&ada, "Acme").await;
    let other = world.organization(&bob, "Other").await;
    let theirs = add(&bob, &other, "acme.example").await;
    verified(&world, &ada, &acme, "acme.example").await;
    ada.delete(&format!("/organizations/{acme}"))
        .await
        .expect(204);
    publish(&world, &[("acme.example", &theirs)]).await;
    let found = bob
        .post_empty(&verify(&other, "acme.example"))
        .await
        .expect(200);
    assert_eq!(found.body["status"], "verified");
    ada.post_empty(&format!("/organizations/{acme}/restore"))
        .await
        .expect(200);
    let path = format!("{}/acme.example", domains(&acme));
    let lost = ada.get(&path).await.expect(200);
    assert_eq!(lost.body["status"], "failed");
    ada.post_empty(&format!("{path}/verify")).await.expect(200);
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn two_organizations_that_verify_at_once() {
    let world = World::start().await;
    let (ada, bob) = (world.user("ada"), world.user("bob"));
    let acme = world.organization(&ada, "Acme").await;
    let other = world.organization(&bob, "Other").await;
    let values = [
        add(&ada, &acme, "a.example").await,
        add(&bob, &other, "a.example").await,
    ];
    set_records(&world, &json!({"_muster-challenge.a.example": values})).await;
    let replies = join_all((0..6).map(|n| {
        let (who, id) = if n % 2 == 0 {
            (&ada, &acme)
        } else {
            (&bob, &other)
        };
        let path = verify(id, "a.example");
        async move { who.post_empty(&path).await }
    }))
    .await;
    assert_eq!(statuses(&replies), [(200, 3), (409, 3)].into());
    invariants::check(&world.items().await);
}
