//! The lifecycle of an organization: deleted, hidden, its name reused, restored, purged.

pub(crate) mod expiry;

use muster_local::Options;
use serde_json::json;
use support::{Actor, Faults, World, at_once, invariants};

use crate::answers::is_shown;

/// An organization with every kind of member, its owner first.
async fn acme(world: &World) -> (String, Vec<Actor>) {
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let mut people = vec![ada];
    for (name, role, status) in [
        ("max", "admin", "active"),
        ("mia", "member", "active"),
        ("ian", "member", "invited"),
        ("sue", "owner", "suspended"),
    ] {
        people.push(world.member(&id, name, role, status).await);
    }
    (id, people)
}

/// All members, without the time of their last activity.
async fn members(actor: &Actor, organization: &str) -> Vec<serde_json::Value> {
    let mut members = actor
        .all(&format!("{organization}/members?status=all"))
        .await;
    for member in &mut members {
        member.as_object_mut().unwrap().remove("last_active_at");
    }
    members
}

/// The organization does not exist for any caller.
async fn assert_hidden(world: &World, id: &str, people: &[Actor]) {
    let organization = format!("/organizations/{id}");
    let members = format!("{organization}/members");
    let root = world.tenant_admin();
    for actor in people.iter().chain([&root]) {
        let replies = [
            actor.get(&organization).await,
            actor.patch(&organization, json!({"domain": null})).await,
            actor.delete(&organization).await,
            actor.get(&members).await,
            actor.get(&format!("{members}?status=all")).await,
            actor.get(&format!("{members}/mia")).await,
            actor.post(&members, json!({"user_id": "mia"})).await,
            actor.post(&members, json!({"user_id": "new"})).await,
            actor
                .post(&members, json!({"user_id": "new", "role": "owner"}))
                .await,
            actor
                .patch(&format!("{members}/mia"), json!({"role": "admin"}))
                .await,
            actor.delete(&format!("{members}/mia")).await,
            actor.post_empty(&format!("{members}/me/accept")).await,
        ];
        for reply in replies {
            reply.problem(404, "not-found");
        }
    }
    for actor in people {
        let own = actor.all("/users/me/organizations?status=all").await;
        assert_eq!(own, Vec::<serde_json::Value>::new());
        actor
            .get(&format!("{members}/me"))
            .await
            .problem(404, "not-found");
    }
    for list in ["", "?name=acme", "?name_prefix=a", "?domain=acme.example"] {
        let listed = root.all(&format!("/organizations{list}")).await;
        assert!(listed.iter().all(|one| one["id"] != id), "{list}");
    }
}

#[tokio::test]
async fn a_deleted_organization_is_hidden_immediately() {
    let world = World::start().await;
    let (id, people) = acme(&world).await;
    let organization = format!("/organizations/{id}");
    let ada = &people[0];
    ada.patch(&organization, json!({"domain": "acme.example"}))
        .await
        .expect(200);
    ada.delete(&organization).await.expect(204);
    assert_hidden(&world, &id, &people).await;

    let root = world.tenant_admin();
    for list in [
        "?status=deleted",
        "?status=deleted&name=ACME",
        "?status=deleted&domain=acme.example",
    ] {
        let deleted = root.all(&format!("/organizations{list}")).await;
        assert_eq!(deleted.len(), 1, "{list}");
        assert_eq!(deleted[0]["id"], id.as_str());
        assert_eq!(deleted[0]["status"], "deleted");
        assert!(deleted[0]["deleted_at"].is_string());
    }
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_restored_organization_has_its_members_and_data() {
    let world = World::start().await;
    let (id, people) = acme(&world).await;
    let organization = format!("/organizations/{id}");
    let ada = &people[0];
    ada.patch(
        &organization,
        json!({"domain": "acme.example", "metadata": {"a": 1}, "billing_email": "b@acme.example"}),
    )
    .await
    .expect(200);
    let before = ada.get(&organization).await.expect(200).body;
    let members = members(ada, &organization).await;
    ada.delete(&organization).await.expect(204);
    let restored = ada
        .post_empty(&format!("{organization}/restore"))
        .await
        .expect(200);
    assert!(restored.headers["etag"].starts_with("\"4."));

    let after = ada.get(&organization).await.expect(200);
    is_shown(&restored, after.clone(), &organization);
    let mut after = after.body;
    for own in ["version", "updated_at"] {
        assert_ne!(after[own], before[own]);
        after[own] = before[own].clone();
    }
    assert_eq!(after, before);
    assert_eq!(self::members(ada, &organization).await, members);
    let found = world
        .tenant_admin()
        .all("/organizations?domain=acme.example")
        .await;
    assert_eq!(found.len(), 1);
    let [_, _, mia, ian, sue] = &people[..] else {
        panic!("{} people", people.len())
    };
    mia.get(&organization).await.expect(200);
    ian.post_empty(&format!("{organization}/members/me/accept"))
        .await
        .expect(200);
    sue.get(&organization).await.problem(404, "not-found");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn a_taken_name_prevents_a_restore() {
    let world = World::start().await;
    let ada = world.user("ada");
    let first = world.organization(&ada, "Acme").await;
    let restore = format!("/organizations/{first}/restore");
    ada.delete(&format!("/organizations/{first}"))
        .await
        .expect(204);
    let second = world.organization(&ada, "ACME").await;

    let before = world.table().await;
    ada.post_empty(&restore).await.problem(409, "name-taken");
    ada.post_once(&restore, "k", json!({}))
        .await
        .problem(409, "name-taken");
    assert_eq!(world.table().await, before);

    ada.patch(
        &format!("/organizations/{second}"),
        json!({"name": "Acme 2"}),
    )
    .await
    .expect(200);
    let restored = ada.post_once(&restore, "k", json!({})).await.expect(200);
    assert_eq!(restored.body["name"], "Acme");
    invariants::check(&world.items().await);
}

#[tokio::test]
async fn renaming_releases_the_old_name() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let path = format!("/organizations/{id}");
    ada.patch(&path, json!({"name": "Other"})).await.expect(200);
    world.organization(&ada, "acme").await;
    ada.patch(&path, json!({"name": "Acme"}))
        .await
        .problem(409, "name-taken");
    // The same name in another spelling is its own.
    let own = ada
        .patch(&path, json!({"name": "  OTHER  "}))
        .await
        .expect(200);
    assert_eq!(own.body["name"], "OTHER");
    invariants::check(&world.items().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_concurrent_restore_and_creation_do_not_share_a_name() {
    let world = World::start().await;
    let ada = world.user("ada");
    for round in 0..10 {
        let name = format!("Round {round}");
        let id = world.organization(&ada, &name).await;
        ada.delete(&format!("/organizations/{id}"))
            .await
            .expect(204);
        let requests = [
            (format!("/organizations/{id}/restore"), json!({})),
            ("/organizations".to_owned(), json!({"name": name})),
        ];
        let replies = at_once(requests.map(|(path, body)| {
            let ada = ada.clone();
            async move { ada.post(&path, body).await }
        }))
        .await;
        let (restored, made) = (&replies[0], &replies[1]);
        assert!(
            matches!((restored.status, made.status), (200, 409) | (409, 201)),
            "{restored:?} {made:?}"
        );
        invariants::check(&world.items().await);
    }
}

/// Decided while it existed, written after its deletion.
#[tokio::test]
async fn writes_in_flight_fail_after_a_deletion() {
    let (world, proxy) = Faults::world(Options::default()).await;
    world.register(&["new"]).await;
    for number in 0..5 {
        let (id, people) = acme(&world).await;
        let organization = format!("/organizations/{id}");
        let members = format!("{organization}/members");
        let (max, ian) = (&people[1], &people[3]);
        let mut held = proxy.hold("TransactWriteItems");
        let going = async {
            let mia = format!("{members}/mia");
            match number {
                0 => max.patch(&organization, json!({"name": "New"})).await,
                1 => max.post(&members, json!({"user_id": "new"})).await,
                2 => max.patch(&mia, json!({"role": "admin"})).await,
                3 => max.delete(&mia).await,
                _ => ian.post_empty(&format!("{members}/me/accept")).await,
            }
        };
        let meanwhile = async {
            held.arrived().await;
            people[0].delete(&organization).await.expect(204);
            let before = world.table().await;
            held.release();
            before
        };
        let (reply, before) = futures::join!(going, meanwhile);
        reply.problem(404, "not-found");
        assert!(world.table().await == before, "{number} succeeded");
    }
}

#[tokio::test]
async fn restoring_a_live_organization_changes_nothing() {
    let world = World::start().await;
    let ada = world.user("ada");
    let id = world.organization(&ada, "Acme").await;
    let before = world.table().await;
    for actor in [ada, world.tenant_admin()] {
        let restored = actor
            .post_empty(&format!("/organizations/{id}/restore"))
            .await
            .expect(200);
        assert_eq!(restored.body["version"], 1);
    }
    assert_eq!(world.table().await, before);
}

#[tokio::test]
async fn only_owners_and_tenant_admins_restore() {
    let world = World::start().await;
    let (id, people) = acme(&world).await;
    let restore = format!("/organizations/{id}/restore");
    people[0]
        .delete(&format!("/organizations/{id}"))
        .await
        .expect(204);
    let before = world.table().await;
    let [ada, max, mia, ian, sue] = &people[..] else {
        panic!("{} people", people.len())
    };
    for member in [max, mia] {
        member.post_empty(&restore).await.problem(403, "forbidden");
    }
    for other in [
        ian,
        sue,
        &world.user("eve"),
        &world.user_of("globex", "ada"),
        &world.tenant_admin_of("globex"),
    ] {
        other.post_empty(&restore).await.problem(404, "not-found");
    }
    assert_eq!(world.table().await, before);

    for actor in [ada, &world.tenant_admin()] {
        actor.post_empty(&restore).await.expect(200);
        actor
            .delete(&format!("/organizations/{id}"))
            .await
            .expect(204);
    }
}
