//! Directories: maps and filters of groups, and SCIM members.

use super::*;

fn value(value: Value) -> Json {
    serde_json::from_value::<JsonObject>(json!({ "value": value }))
        .unwrap()
        .remove("value")
        .unwrap()
}

#[test]
fn group_maps_and_ids_have_exact_limits() {
    let group = |n: usize| format!("group-{n}");
    let many = |count: usize| -> serde_json::Map<String, Value> {
        let entry = |n| (group(n), json!({"organization_id": "o", "role": "admin"}));
        (0..count).map(entry).collect()
    };
    let patch = |count| GroupMapPatch::from_json(&value(Value::Object(many(count))));
    let map = patch(MAX_MAP_ENTRIES)
        .unwrap()
        .apply(&GroupMap::default())
        .unwrap();
    assert!(!map.is_empty() && GroupMap::default().is_empty());
    assert!(patch(MAX_MAP_ENTRIES + 1).is_err());
    // `null` removes an entry.
    let removal = GroupMapPatch::from_json(&value(json!({"group-0": null}))).unwrap();
    let without = removal.apply(&map).unwrap();
    let first = GroupId::parse("group-0").unwrap();
    assert!(map.get(&first).is_some() && without.get(&first).is_none());
    assert!(GroupMapPatch::from_json(&value(json!([]))).is_err());
    let ids = |count: usize| GroupIds::try_from((0..count).map(group).collect::<Vec<_>>());
    let most = ids(MAX_GROUP_IDS).unwrap();
    assert!(ids(MAX_GROUP_IDS + 1).is_err());
    assert!(!most.is_empty() && GroupIds::default().is_empty());
    assert!(most.contains(&first));
    assert!(!most.contains(&GroupId::parse("other").unwrap()));
    assert_eq!(most.iter().count(), MAX_GROUP_IDS);
}

#[test]
fn filters_differ_by_their_text() {
    let filter =
        |text: &str| -> GroupFilter { serde_json::from_value(json!({"prefix": text})).unwrap() };
    assert_eq!(filter("App-"), filter("App-"));
    assert_ne!(filter("App-"), filter("Dev-"));
}

#[test]
fn a_scim_member_is_a_user_or_a_group() {
    let id = ScimUserId::parse("u1").unwrap();
    let user = ScimMember::User(id.clone());
    assert_eq!((user.id(), user.user()), ("u1", Some(&id)));
    let group = ScimMember::Group(GroupId::parse("g1").unwrap());
    assert_eq!((group.id(), group.user()), ("g1", None));
}
