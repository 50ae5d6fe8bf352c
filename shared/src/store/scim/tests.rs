//! Users and groups of a directory, in the order of requests that only a race or a large directory shows.

use uuid::Uuid;

use super::members::GroupOfRow;
use super::records::record_change;
use super::step::MemberStep;
use super::*;
use crate::domain::{MAX_SCIM_FOUND, Origin, ScimLookup, ScimMember, ScimMembersChange, ScimToken};
use crate::store::Error;
use crate::store::fake::{self, Fake};
use crate::store::keys::{SCIM_GROUP_PREFIX, SCIM_USER_PREFIX, ScimIndex};
use crate::store::samples::{now, request_of_admin, scim_scope as scope};

fn origin() -> Origin {
    request_of_admin().origin
}

fn user(number: u128) -> ScimUser {
    ScimUser {
        id: Uuid::from_u128(number).into(),
        attributes: Map::new(),
        user_name: format!("user {number}"),
        external_id: None,
        emails: BTreeSet::new(),
        is_active: true,
        user_id: None,
        unapplied: None,
        version: 4,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

pub(super) fn group(number: u128) -> ScimGroup {
    ScimGroup {
        id: Uuid::from_u128(number).into(),
        attributes: Map::new(),
        name: format!("Group {number}").parse().unwrap(),
        name_key: format!("group {number}"),
        external_id: None,
        member_count: 0,
        version: 4,
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
    }
}

pub(super) fn user_row(number: u128) -> Item {
    to_user_row(&scope(), &user(number)).unwrap()
}

fn group_row(number: u128) -> Item {
    to_group_row(&scope(), &group(number)).unwrap()
}

#[tokio::test]
async fn the_previous_token_works_until_it_expires() {
    let token = |byte| ScimToken::from_bytes(vec![byte; 32]).unwrap();
    let mut row = access_row(&scope(), token(1).hash()).unwrap();
    let end = now().as_second();
    let hash = String::from(token(2).hash());
    row.insert("previous_hash".to_owned(), text(hash));
    row.insert("previous_until".to_owned(), number(end));
    let store = Fake::with([row]).store();
    for (byte, second, works) in [(2, end - 1, true), (2, end, false), (1, end, true)] {
        let at = Timestamp::from_millisecond(second * 1000).unwrap();
        let (id, token) = (scope().directory_id, token(byte));
        let access = store.scim_access(&id, &token, at);
        assert_eq!(access.await.unwrap().is_some(), works);
    }
}

#[tokio::test]
async fn more_than_a_thousand_groups_of_a_member_are_too_many() {
    let member = user(1).id;
    let row = |number| {
        let group_id: GroupId = Uuid::from_u128(number).into();
        let key = keys::scim_group_of(&scope(), member.as_str(), &group_id);
        let row = GroupOfRow { group_id };
        to_item(&row, [key.attributes(), Item::new()]).unwrap()
    };
    let most = u128::try_from(MAX_SCIM_FOUND).unwrap();
    for (number, is_found) in [(most, true), (most + 1, false)] {
        let store = Fake::with((0..number).map(row)).store();
        let lookup = ScimLookup::Member(member.as_str().to_owned());
        let found = store.scim_groups_found(&scope(), &lookup).await.unwrap();
        assert_eq!(found.is_some(), is_found, "{number}");
    }
}

#[tokio::test]
async fn more_than_a_thousand_users_with_an_address_are_too_many() {
    let email = "ada@acme.example";
    let row = |number| {
        let id = user(number).id.as_str().to_owned();
        let key = keys::scim_found(&scope(), ScimIndex::Email, email, &id);
        to_item(&LookupRow { id }, [key.attributes(), Item::new()]).unwrap()
    };
    let most = u128::try_from(MAX_SCIM_FOUND).unwrap();
    for (number, is_found) in [(most, true), (most + 1, false)] {
        let fake = Fake::with((0..number).map(row));
        let lookup = ScimLookup::Email(email.to_owned());
        let store = fake.store();
        let found = store.scim_users_found(&scope(), &lookup).await.unwrap();
        assert_eq!(found.is_some(), is_found, "{number}");
    }
}

#[tokio::test]
async fn a_new_name_of_a_group_marks_its_members() {
    for (count, is_marked) in [(1, true), (0, false)] {
        let before = ScimGroup {
            member_count: count,
            ..group(1)
        };
        let fake = Fake::with([to_group_row(&scope(), &before).unwrap()]);
        let rename = |before: &ScimGroup| -> Result<(ScimGroup, ScimMembersChange), Error> {
            let after = ScimGroup {
                name: "Other".parse().unwrap(),
                name_key: "other".to_owned(),
                ..before.clone()
            };
            Ok((after, ScimMembersChange::none()))
        };
        let (store, scope, origin) = (fake.store(), scope(), origin());
        let changed = store.change_scim_group(&scope, &before.id, None, &origin, rename);
        let changed = changed.await.unwrap();
        assert_eq!(changed.resource.updated_at, now());
        let key = keys::scim_group(&scope, &before.id);
        let writes = fake.writes();
        let write = writes[0].iter().find(|action| action.key == key).unwrap();
        assert_eq!(write.value(PENDING), is_marked.then_some("members"));
    }
}

#[tokio::test]
async fn an_older_version_comes_before_other_errors_of_a_group() {
    let refused = async |expected| {
        let fake = Fake::with([group_row(1)]);
        let (store, scope, origin) = (fake.store(), scope(), origin());
        let edit = |_: &ScimGroup| -> Result<(ScimGroup, ScimMembersChange), Error> {
            Err(Refusal::LimitReached.into())
        };
        let id = group(1).id;
        let changed = store.change_scim_group(&scope, &id, expected, &origin, edit);
        changed.await.unwrap_err()
    };
    let limit = |error| matches!(error, Error::Refused(Refusal::LimitReached));
    assert!(limit(refused(None).await));
    assert!(limit(refused(Some(4)).await));
    let overtaken = refused(Some(3)).await;
    assert!(matches!(
        overtaken,
        Error::Refused(Refusal::VersionMismatch)
    ));
}

#[tokio::test]
async fn a_group_is_created_with_a_member_who_changed_meanwhile() {
    let fake = Fake::with([user_row(1)]).unmet(keys::scim_user(&scope(), &user(1).id), None);
    let members = BTreeSet::from([user(1).id.as_str().to_owned()]);
    let store = fake.store();
    let created = store
        .create_scim_group(&scope(), &group(2), &members, &origin())
        .await;
    assert_eq!(created.unwrap().resource.member_count, 1);
    assert_eq!(fake.writes().len(), 2);
}

#[tokio::test]
async fn a_group_is_added_to_a_group_only_if_it_is_there() {
    let fake = Fake::with([group_row(1)]);
    let members = BTreeSet::from([group(1).id.as_str().to_owned()]);
    let store = fake.store();
    let created = store
        .create_scim_group(&scope(), &group(2), &members, &origin())
        .await;
    assert!(created.is_ok());
    let key = keys::scim_group(&scope(), &group(1).id);
    let check = fake.last_write_of(&key).unwrap();
    assert_eq!(check.kind, "ConditionCheck");
    assert_eq!(check.condition(), "attribute_exists(#pk)");
}

#[tokio::test]
async fn a_member_who_was_deleted_before_being_added_is_not_counted() {
    let fake = Fake::with([group_row(1)]);
    let (store, scope, id) = (fake.store(), scope(), group(1).id);
    let steps = [MemberStep::Add(ScimMember::User(user(2).id))];
    let mut transaction = store.unrecorded();
    record_change(&mut transaction, &scope, &id, "c", &steps, false).unwrap();
    assert!(transaction.commit().await.unwrap().is_ok());
    store.carry_out(&scope, &id).await.unwrap();
    let group = keys::scim_group(&scope, &id);
    let counted = |write: Vec<fake::RecordedAction>| {
        let on_group = write.into_iter().find(|action| action.key == group)?;
        on_group.value("member_count").map(str::to_owned)
    };
    let counted: Vec<_> = fake.writes().into_iter().filter_map(counted).collect();
    assert_eq!(counted, ["-1"]);
    assert!(!fake.has(&keys::scim_pending(&scope, id.as_str())));
}

#[tokio::test]
async fn no_users_and_groups_of_a_deleted_directory_are_left() {
    let scope = scope();
    let (user_name, group_name) = (user(1).user_name, group(2).name_key);
    let names = [
        keys::scim_name(&scope, SCIM_USER_PREFIX, &user_name),
        keys::scim_name(&scope, SCIM_GROUP_PREFIX, &group_name),
    ];
    let rows = names.iter().map(|key| lookup_row(key, "x").unwrap());
    let fake = Fake::with(rows.chain([user_row(1), group_row(2)]));
    fake.store().purge_scim(&scope, &origin()).await.unwrap();
    let ids = [
        user(1).id.as_str().to_owned(),
        group(2).id.as_str().to_owned(),
    ];
    let pending = ids.map(|id| keys::scim_pending(&scope, &id));
    let user = keys::scim_user(&scope, &user(1).id);
    let group = keys::scim_group(&scope, &group(2).id);
    for key in names.iter().chain(&pending).chain([&user, &group]) {
        assert!(!fake.has(key), "{key:?}");
    }
}

#[tokio::test]
async fn only_a_name_that_another_user_has_is_taken() {
    let rename = async |unmet| {
        let fake = Fake::with([user_row(1)]).unmet(unmet, None);
        let (store, scope, id) = (fake.store(), scope(), user(1).id);
        let renamed = store.change_scim_user(&scope, &id, None, |before, _| {
            Ok::<_, Error>(ScimUser {
                user_name: "new".to_owned(),
                ..before.clone()
            })
        });
        renamed.await.map(|written| written.resource.user_name)
    };
    let name = |name| keys::scim_name(&scope(), SCIM_USER_PREFIX, name);
    let taken = rename(name("new")).await;
    assert!(matches!(taken, Err(Error::Refused(Refusal::NameTaken))));
    let retried = rename(name(&user(1).user_name)).await;
    assert_eq!(retried.unwrap(), "new");
}
