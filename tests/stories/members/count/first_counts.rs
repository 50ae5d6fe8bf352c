//! The first count of an organization that has no number yet: it is older than its events, or its number was removed.

use aws_sdk_dynamodb::types::AttributeValue;
use fastrand::Rng;
use futures::future::join_all;
use muster_local::Options;
use serde_json::{Value, json};
use support::member_counts::{pass, pass_all, records};
use support::{Faults, World};

use super::{NONE, exact, organization, shown};

/// Makes the organization one of a release without events: they are gone, and so is what says that there are any.
async fn of_last_release(world: &World, id: &str) {
    let (client, table) = (world.stack.client(), world.stack.table_name());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    for item in world.items().await {
        if item.contains_key("record") {
            let delete = client.delete_item().table_name(table);
            let delete = delete.key("pk", text(item["pk"].as_str().unwrap()));
            let delete = delete.key("sk", text(item["sk"].as_str().unwrap()));
            delete.send().await.unwrap();
        }
    }
    let update = client.update_item().table_name(table);
    let update = update.key("pk", text(&format!("TENANT#acme#ORG#{id}")));
    let update = update.key("sk", text("ORG"));
    let update = update.update_expression("REMOVE counts_from_start");
    update.send().await.unwrap();
}

#[tokio::test]
async fn members_from_before_the_events_are_counted_once() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    of_last_release(&world, &id).await;
    assert_eq!(shown(&ada, &id).await, Value::Null);
    let members = format!("/organizations/{id}/members");
    ada.delete(&format!("{members}/cyd")).await.expect(204);
    let bob = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, bob).await.expect(201);
    ada.delete(&format!("{members}/eve")).await.expect(204);
    for seed in 0..3 {
        pass_all(&world, &mut Rng::with_seed(seed)).await;
        assert_eq!(shown(&ada, &id).await, 2);
    }
    exact(&world.items().await);
}

#[tokio::test]
async fn a_first_count_does_not_depend_on_a_late_index() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (ada, id) = organization(&world).await;
    of_last_release(&world, &id).await;
    faults.hold_indexes_back(&world).await;
    let members = format!("/organizations/{id}/members");
    let bob = json!({"user_id": "bob", "status": "active"});
    ada.post(&members, bob).await.expect(201);
    ada.delete(&format!("{members}/cyd")).await.expect(204);
    ada.patch(&format!("{members}/dee"), json!({"status": "active"}))
        .await
        .expect(200);
    pass_all(&world, &mut Rng::with_seed(1)).await;
    assert_eq!(shown(&ada, &id).await, 4);
    faults.catch_up(&world).await;
    exact(&world.items().await);
}

#[tokio::test]
async fn a_change_during_a_first_count_is_counted() {
    for is_before_the_members in [true, false] {
        let (world, faults) = Faults::world(Options::default()).await;
        let (ada, id) = organization(&world).await;
        of_last_release(&world, &id).await;
        let members = format!("/organizations/{id}/members");
        ada.delete(&format!("{members}/cyd")).await.expect(204);
        let first = records(&world).await;
        let held = if is_before_the_members {
            "Query gsi1"
        } else {
            "Query EVENTS#7"
        };
        let mut held = faults.hold(held);
        let change = async {
            held.arrived().await;
            ada.delete(&format!("{members}/eve")).await.expect(204);
            let bob = json!({"user_id": "bob", "status": "active"});
            ada.post(&members, bob).await.expect(201);
            held.release();
        };
        let (failed, ()) = tokio::join!(pass(&world, &first), change);
        assert_eq!(failed, NONE);
        pass_all(&world, &mut Rng::with_seed(2)).await;
        assert_eq!(shown(&ada, &id).await, 2, "{is_before_the_members}");
        exact(&world.items().await);
    }
}

#[tokio::test]
async fn several_first_counts_at_once_agree() {
    let (world, faults) = Faults::world(Options::default()).await;
    let (ada, id) = organization(&world).await;
    of_last_release(&world, &id).await;
    let members = format!("/organizations/{id}/members");
    for user in ["cyd", "eve"] {
        ada.delete(&format!("{members}/{user}")).await.expect(204);
    }
    let records = records(&world).await;
    faults.at_random(10, 3);
    join_all((0..5).map(|_| pass(&world, &records))).await;
    faults.stop();
    assert_eq!(pass(&world, &records).await, NONE);
    assert_eq!(shown(&ada, &id).await, 1);
    exact(&world.items().await);
}

#[tokio::test]
async fn a_removed_number_is_counted_with_the_next_event() {
    let world = World::start().await;
    let (ada, id) = organization(&world).await;
    pass_all(&world, &mut Rng::with_seed(1)).await;
    let update = world.stack.client().update_item();
    let update = update.table_name(world.stack.table_name());
    let pk = format!("TENANT#acme#ORG#{id}#MEMBERS");
    update
        .key("pk", AttributeValue::S(pk))
        .key("sk", AttributeValue::S("COUNT".to_owned()))
        .update_expression("REMOVE member_count")
        .send()
        .await
        .unwrap();
    assert_eq!(shown(&ada, &id).await, Value::Null);
    let member = format!("/organizations/{id}/members/eve");
    ada.delete(&member).await.expect(204);
    pass_all(&world, &mut Rng::with_seed(2)).await;
    assert_eq!(shown(&ada, &id).await, 2);
    exact(&world.items().await);
}

#[tokio::test]
async fn only_an_older_organization_shows_null() {
    let world = World::start().await;
    let (_, id) = organization(&world).await;
    let members = format!("/organizations/{id}/members");
    let root = world.tenant_admin();
    assert_eq!(shown(&root, &id).await, 0);
    of_last_release(&world, &id).await;
    assert_eq!(shown(&root, &id).await, Value::Null);
    // The next change counts all.
    let bob = json!({"user_id": "bob", "status": "active"});
    root.post(&members, bob).await.expect(201);
    pass_all(&world, &mut Rng::with_seed(1)).await;
    assert_eq!(shown(&root, &id).await, 4);
}
