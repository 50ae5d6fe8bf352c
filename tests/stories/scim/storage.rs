//! The users, groups and memberships of a directory in the table.

use std::collections::BTreeSet;

use muster::domain::{
    Clock, GroupId, ScimGroup, ScimLookup, ScimMembersChange, ScimScope, ScimUser, ScimUserId,
    Timestamp, UserId,
};
use muster::store::{Error, Refusal, ScimWritten, Store, metered};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use support::World;

use super::{created, origin};

fn user(name: &str) -> ScimUser {
    let clock = Clock::system();
    let attributes = json!({"userName": name, "active": true});
    ScimUser {
        id: ScimUserId::from(clock.new_id()),
        attributes: attributes.as_object().unwrap().clone(),
        user_name: name.to_lowercase(),
        external_id: Some(format!("ext-{name}")),
        emails: BTreeSet::from([format!("{name}@acme.example").to_lowercase()]),
        is_active: true,
        user_id: None,
        unapplied: None,
        version: 1,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

fn group(name: &str) -> ScimGroup {
    let clock = Clock::system();
    let attributes = json!({"displayName": name});
    ScimGroup {
        id: GroupId::from(clock.new_id()),
        attributes: attributes.as_object().unwrap().clone(),
        name: name.parse().unwrap(),
        name_key: name.to_lowercase(),
        external_id: None,
        member_count: 0,
        version: 1,
        created_at: clock.now(),
        updated_at: clock.now(),
    }
}

/// A directory with users of these names. Returns their ids.
async fn with_users(store: &Store, scope: &ScimScope, count: usize) -> Vec<String> {
    let names = (0..count).map(|n| format!("User{n:05}"));
    with_names(store, scope, names).await
}

/// Names that share the slot of a bucket, in which lists have the order of the names.
fn names_of_one_slot() -> impl Iterator<Item = String> {
    let place = |name: &str| {
        let [bucket, slot, ..] = <[u8; 32]>::from(Sha256::digest(name));
        (bucket >> 1, slot >> 1)
    };
    let first = place("twin0");
    let names = (0..).map(|n| format!("twin{n}"));
    names.filter(move |name| place(name) == first).take(4)
}

async fn with_names(
    store: &Store,
    scope: &ScimScope,
    names: impl Iterator<Item = String>,
) -> Vec<String> {
    let made = names.map(|name| async move {
        let user = user(&name);
        let made = store.create_scim_user(scope, &user).await.unwrap();
        made.id.to_string()
    });
    let made = futures::StreamExt::buffered(futures::stream::iter(made), 4);
    futures::StreamExt::collect(made).await
}

async fn change(
    store: &Store,
    scope: &ScimScope,
    group: &GroupId,
    members: ScimMembersChange,
) -> Result<ScimWritten<ScimGroup>, Error> {
    let edit = |before: &ScimGroup| Ok((before.clone(), members.clone()));
    store
        .change_scim_group(scope, group, None, &origin(scope), edit)
        .await
}

fn adding(ids: &[String]) -> ScimMembersChange {
    ScimMembersChange::Some {
        add: ids.iter().cloned().collect(),
        remove: BTreeSet::new(),
    }
}

fn removing(ids: &[String]) -> ScimMembersChange {
    ScimMembersChange::Some {
        add: BTreeSet::new(),
        remove: ids.iter().cloned().collect(),
    }
}

async fn members(store: &Store, scope: &ScimScope, group: &GroupId) -> BTreeSet<String> {
    let members = store.scim_members(scope, group).await.unwrap();
    members.iter().map(|it| it.id().to_owned()).collect()
}

/// Whether both directions of all memberships agree with the number of members.
async fn check(store: &Store, scope: &ScimScope, ids: &[String], groups: &[GroupId]) {
    for group in groups {
        let members = members(store, scope, group).await;
        let found = store.scim_group(scope, group).await.unwrap().unwrap();
        assert_eq!(found.member_count, members.len(), "{}", found.name);
        for id in ids {
            let user = ScimUserId::parse(id.as_str()).unwrap();
            let of = store.scim_groups_of(scope, &user).await.unwrap();
            let is_in = of.iter().any(|(it, _)| it == group);
            assert_eq!(is_in, members.contains(id), "{id} in {}", found.name);
        }
    }
}

#[tokio::test]
async fn users_are_found_by_what_identifies_them() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let ada = user("Ada");
    store.create_scim_user(&scope, &ada).await.unwrap();
    let twin = store.create_scim_user(&scope, &user("ADA")).await;
    assert!(matches!(twin, Err(Error::Refused(Refusal::NameTaken))));
    let text = str::to_owned;
    for lookup in [
        ScimLookup::Id(ada.id.to_string()),
        ScimLookup::Name(text("ada")),
        ScimLookup::ExternalId(text("ext-Ada")),
        ScimLookup::Email(text("ada@acme.example")),
    ] {
        let found = store.scim_users_found(&scope, &lookup).await.unwrap();
        assert_eq!(found, Some(vec![ada.clone()]), "{lookup:?}");
    }
    let edit = |before: &ScimUser, _: Timestamp| -> Result<ScimUser, Error> {
        Ok(ScimUser {
            user_name: text("grace"),
            external_id: None,
            emails: BTreeSet::from([text("grace@acme.example")]),
            is_active: false,
            ..before.clone()
        })
    };
    let changed = store.change_scim_user(&scope, &ada.id, Some(1), edit).await;
    let changed = changed.unwrap();
    assert_eq!(changed.resource.version, 2);
    // It is not linked.
    assert_eq!(changed.affected, []);
    // Repeated, it changes nothing.
    let again = store.change_scim_user(&scope, &ada.id, Some(1), edit).await;
    assert_eq!(again.unwrap().resource, changed.resource);
    let back = |_: &ScimUser, _: Timestamp| -> Result<ScimUser, Error> { Ok(ada.clone()) };
    let stale = store.change_scim_user(&scope, &ada.id, Some(1), back).await;
    assert!(matches!(
        stale,
        Err(Error::Refused(Refusal::VersionMismatch))
    ));
    for (lookup, count) in [
        (ScimLookup::Name(text("ada")), 0),
        (ScimLookup::Name(text("grace")), 1),
        (ScimLookup::ExternalId(text("ext-Ada")), 0),
        (ScimLookup::Email(text("ada@acme.example")), 0),
        (ScimLookup::Email(text("grace@acme.example")), 1),
        (ScimLookup::Id(text("a#b")), 0),
    ] {
        let found = store.scim_users_found(&scope, &lookup).await.unwrap();
        assert_eq!(found.unwrap().len(), count, "{lookup:?}");
    }
    store.create_scim_user(&scope, &user("Ada")).await.unwrap();
    store
        .delete_scim_user(&scope, &ada.id, None, &origin(&scope))
        .await
        .unwrap();
    let gone = store
        .delete_scim_user(&scope, &ada.id, None, &origin(&scope))
        .await;
    assert!(matches!(gone, Err(Error::Refused(Refusal::NotFound))));
    let page = store.scim_users_page(&scope, 0, 10).await.unwrap();
    assert_eq!((page.total, page.items.len()), (1, 1));
}

#[tokio::test]
async fn pages_have_a_stable_order_and_the_true_total() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let mut ids = with_users(&store, &scope, 21).await;
    ids.extend(with_names(&store, &scope, names_of_one_slot()).await);
    ids.sort();
    for count in [1, 3, 10, 25] {
        let mut seen = Vec::new();
        for start in (0..30).step_by(count) {
            let page = store.scim_users_page(&scope, start, count).await.unwrap();
            assert_eq!(page.total, 25);
            seen.extend(page.items.into_iter().map(|user| user.id.to_string()));
        }
        let whole = store.scim_users_page(&scope, 0, 25).await.unwrap();
        let whole: Vec<_> = whole.items.iter().map(|it| it.id.to_string()).collect();
        assert_eq!(seen, whole, "{count}");
        seen.sort();
        assert_eq!(seen, ids);
    }
    let none = store.scim_users_page(&scope, 0, 0).await.unwrap();
    assert_eq!((none.total, none.items.len()), (25, 0));
}

#[tokio::test]
async fn many_members_change_as_one() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let ids = with_users(&store, &scope, 120).await;
    let all: BTreeSet<String> = ids.iter().cloned().collect();
    let sales = group("Sales");
    let made = store
        .create_scim_group(&scope, &sales, &all, &origin(&scope))
        .await
        .unwrap();
    assert_eq!(made.resource.member_count, 120);
    assert_eq!(members(&store, &scope, &sales.id).await, all);
    // Repeated, it changes nothing.
    let again = change(&store, &scope, &sales.id, adding(&ids)).await;
    assert_eq!(again.unwrap().resource.version, 1);
    let kept: BTreeSet<String> = ids.iter().take(50).cloned().collect();
    let replace = ScimMembersChange::Replace(kept.clone());
    let replaced = change(&store, &scope, &sales.id, replace).await.unwrap();
    assert_eq!(
        (replaced.resource.version, replaced.resource.member_count),
        (2, 50)
    );
    assert_eq!(members(&store, &scope, &sales.id).await, kept);
    let nobody = ["00000000-0000-7000-8000-000000000000".to_owned()];
    let unknown = change(&store, &scope, &sales.id, adding(&nobody)).await;
    assert!(matches!(
        unknown,
        Err(Error::Refused(Refusal::Invalid { .. }))
    ));
    change(&store, &scope, &sales.id, removing(&nobody))
        .await
        .unwrap();
    check(&store, &scope, &ids, std::slice::from_ref(&sales.id)).await;

    // A deleted user leaves the groups, and a deleted group its members.
    let first = ScimUserId::parse(ids[0].as_str()).unwrap();
    store
        .delete_scim_user(&scope, &first, None, &origin(&scope))
        .await
        .unwrap();
    check(&store, &scope, &ids[1..], std::slice::from_ref(&sales.id)).await;
    let found = store.scim_group(&scope, &sales.id).await.unwrap().unwrap();
    assert_eq!((found.member_count, found.version), (49, 3));
    store
        .delete_scim_group(&scope, &sales.id, None, &origin(&scope))
        .await
        .unwrap();
    assert_eq!(members(&store, &scope, &sales.id).await, BTreeSet::new());
    let last = ScimUserId::parse(ids[40].as_str()).unwrap();
    assert_eq!(store.scim_groups_of(&scope, &last).await.unwrap(), []);

    let root = world.tenant_admin();
    let path = format!("/directories/{}", scope.directory_id);
    // It answers 503 when its time is up, and continues.
    while root.delete(&path).await.status == 503 {}
    let start = format!("TENANT#acme#DIRECTORY#{}", scope.directory_id);
    let left = world.items().await;
    let left: Vec<_> = left
        .iter()
        .filter(|item| item["pk"].as_str().unwrap().starts_with(&start))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn concurrent_changes_of_members_all_count() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let ids = with_users(&store, &scope, 6).await;
    let sales = group("Sales");
    store
        .create_scim_group(&scope, &sales, &BTreeSet::new(), &origin(&scope))
        .await
        .unwrap();
    let all = ids.iter().map(|id| {
        let (store, scope, id) = (store.clone(), scope.clone(), id.clone());
        let group = sales.id.clone();
        async move { change(&store, &scope, &group, adding(&[id])).await }
    });
    for changed in futures::future::join_all(all).await {
        changed.unwrap();
    }
    let found = store.scim_group(&scope, &sales.id).await.unwrap().unwrap();
    assert_eq!(found.member_count, 6);
    check(&store, &scope, &ids, std::slice::from_ref(&sales.id)).await;
}

#[tokio::test]
async fn one_member_costs_the_same_in_a_large_group() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let ids = with_users(&store, &scope, 301).await;
    let mut units = Vec::new();
    for count in [10, 300] {
        let group = group(&format!("Of {count}"));
        let some: BTreeSet<String> = ids.iter().take(count).cloned().collect();
        store
            .create_scim_group(&scope, &group, &some, &origin(&scope))
            .await
            .unwrap();
        let add = change(&store, &scope, &group.id, adding(&ids[300..]));
        let (added, measure) = Box::pin(metered(add)).await;
        assert_eq!(added.unwrap().resource.member_count, count + 1);
        let remove = change(&store, &scope, &group.id, removing(&ids[..1]));
        let (removed, of_removal) = Box::pin(metered(remove)).await;
        removed.unwrap();
        units.push((measure.units, of_removal.units));
    }
    assert_eq!(units[0], units[1]);
}

#[tokio::test]
async fn changes_of_linked_users_are_marked_until_applied() {
    let world = World::start().await;
    let (scope, _) = created(&world).await;
    let store = world.store();
    let ids = with_users(&store, &scope, 2).await;
    let id = ScimUserId::parse(ids[0].as_str()).unwrap();
    let (hank, homer) = (
        UserId::parse("hank").unwrap(),
        UserId::parse("homer").unwrap(),
    );
    assert!(store.link_scim_user(&scope, &id, &hank).await.unwrap());
    assert!(store.link_scim_user(&scope, &id, &hank).await.unwrap());
    assert!(!store.link_scim_user(&scope, &id, &homer).await.unwrap());
    let all: BTreeSet<String> = ids.iter().cloned().collect();
    let sales = group("Sales");
    let made = store
        .create_scim_group(&scope, &sales, &all, &origin(&scope))
        .await
        .unwrap();
    assert_eq!(made.affected, std::slice::from_ref(&id));
    let unapplied = store.unapplied_scim_users(&scope, None, 10).await.unwrap();
    assert_eq!(unapplied, std::slice::from_ref(&id));
    let found = store.scim_user(&scope, &id).await.unwrap().unwrap();
    let mark = found.unapplied.unwrap();
    let removed = change(&store, &scope, &sales.id, removing(&ids)).await;
    assert_eq!(removed.unwrap().affected, std::slice::from_ref(&id));
    // Another change followed the one that was applied.
    store.applied_scim_user(&scope, &id, &mark).await.unwrap();
    let found = store.scim_user(&scope, &id).await.unwrap().unwrap();
    let mark = found.unapplied.unwrap();
    store.applied_scim_user(&scope, &id, &mark).await.unwrap();
    assert_eq!(
        store.unapplied_scim_users(&scope, None, 10).await.unwrap(),
        []
    );
    assert!(!store.unlink_scim_user(&scope, &id, &homer).await.unwrap());
    assert!(store.unlink_scim_user(&scope, &id, &hank).await.unwrap());
}
