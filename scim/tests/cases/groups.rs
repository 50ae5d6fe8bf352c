//! Groups and their members.

use muster_scim::*;
use serde_json::json;

use super::{change, group, kind_of, members, on_group, patch};

/// 1: Entra's remove with the members as value removes only these.
#[test]
fn case_01_remove_with_value_removes_only_these() {
    let operation =
        json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u1"}]}]);
    assert_eq!(on_group(operation).members, change(&[], &["u1"]));
    let nothing = json!([{"op": "Remove", "path": "members", "value": []}]);
    assert!(on_group(nothing).members.is_empty());
    let all = json!([{"op": "remove", "path": "members"}]);
    assert_eq!(on_group(all).members, MembersChange::Replace(members(&[])));
}

/// 2: A remove with a filter in its path changes the membership.
#[test]
fn case_02_remove_by_filter_removes_the_member() {
    let operations = json!([
        {"op": "remove", "path": "members[value eq \"u1\"]"},
        {"op": "add", "path": "members", "value": [{"value": "u2", "display": "a@b"}]},
    ]);
    assert_eq!(on_group(operations).members, change(&["u2"], &["u1"]));
    let by_name = patch(json!([{"op": "remove", "path": "members[display co \"x\"]"}]));
    assert_eq!(
        kind_of(by_name.apply_to_group(&group())),
        Some(ScimType::InvalidFilter)
    );
}

/// 14: A PUT of a group with its own name has the same key.
#[test]
fn case_14_a_group_keeps_its_own_name() {
    let put = GroupBody::parse(&json!({"displayName": "SALES"})).unwrap();
    assert_eq!(put.group.display_name_key(), group().display_name_key());
}

/// 21: A member without a type is a user. Bare ids are members.
#[test]
fn case_21_members_are_users_by_default() {
    let members_of = json!(["u1", {"value": "u2"}, {"value": "g", "type": "Group"}]);
    let body = json!({"displayName": "Sales", "members": members_of});
    let members = GroupBody::parse(&body)
        .unwrap()
        .members
        .unwrap_or_default()
        .0;
    let kinds: Vec<_> = members.values().copied().collect();
    assert_eq!(
        kinds,
        [MemberType::Group, MemberType::User, MemberType::User]
    );
}

/// 22: A replace of members replaces all; later operations build on it.
#[test]
fn case_22_replace_replaces_all_members() {
    let operations = json!([
        {"op": "replace", "path": "members", "value": [{"value": "u1"}, {"value": "u2"}]},
        {"op": "remove", "path": "members[value eq \"u1\"]"},
        {"op": "add", "path": "members", "value": {"value": "u3"}},
    ]);
    let expected = MembersChange::Replace(members(&["u2", "u3"]));
    assert_eq!(on_group(operations).members, expected);
}
