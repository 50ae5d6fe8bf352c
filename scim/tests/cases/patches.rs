//! Tests of the changes that a PATCH makes.

use muster_scim::*;
use serde_json::json;

use super::{ENTERPRISE, kind_of, members, on_group, patch, patched, user};

/// 4: A PATCH that changes nothing succeeds.
#[test]
fn case_04_unchanged_values_succeed() {
    let before = user(json!({"title": "CTO"}));
    let same = patch(json!([{"op": "Replace", "path": "title", "value": "CTO"}]));
    assert_eq!(same.apply_to_user(&before).unwrap(), before);
}

/// 5: An add of a single value replaces it.
#[test]
fn case_05_add_of_a_single_value_replaces_it() {
    let operations = json!([{"op": "add", "path": "active", "value": false}]);
    assert_eq!(
        patched(json!({"active": true}), operations)["active"],
        false
    );
}

/// 6: Add and replace with a filter that matches nothing create the element.
#[test]
fn case_06_an_unmatched_filter_creates() {
    for op in ["Add", "Replace"] {
        let path = "emails[type eq \"work\"].value";
        let operations = json!([{"op": op, "path": path, "value": "new@contoso.test"}]);
        let after = patched(
            json!({"emails": [{"value": "old@contoso.test"}]}),
            operations,
        );
        let created = json!({"type": "work", "value": "new@contoso.test"});
        assert_eq!(
            after["emails"],
            json!([{"value": "old@contoso.test"}, created])
        );
    }
    let path = "roles[primary eq \"True\"].value";
    let operations = json!([{"op": "Add", "path": path, "value": "Admin"}]);
    let roles = json!([{"primary": true, "value": "Admin"}]);
    assert_eq!(patched(json!({}), operations)["roles"], roles);
    let unclear = json!([{"op": "replace", "path": "emails[type co \"w\"].value", "value": "x"}]);
    assert_eq!(
        kind_of(patch(unclear).apply_to_user(&user(json!({})))),
        Some(ScimType::NoTarget)
    );
}

/// 15: A PATCH without a path works for users and groups; an `id` inside is ignored.
#[test]
fn case_15_operations_may_have_no_path() {
    let off = json!([{"op": "replace", "value": {"active": false}}]);
    assert_eq!(patched(json!({}), off)["active"], false);
    let value = json!({"id": "g1", "displayName": "EMEA", "members": [{"value": "u1"}]});
    let after = on_group(json!([{"op": "replace", "value": value}]));
    assert_eq!(after.group.display_name(), "EMEA");
    assert_eq!(after.members, MembersChange::Replace(members(&["u1"])));
}

/// 16: Extensions without a path, dotted or nested, are set; unknown attributes do not fail it.
#[test]
fn case_16_extensions_may_have_no_path() {
    let department = format!("{ENTERPRISE}:department");
    let flat =
        json!({"op": "replace", "value": {department: "R&D", "name.givenName": "K", "x[": 1}});
    let nested = json!({"op": "replace", "value": {ENTERPRISE: {"department": "R&D"}, "other": 1}});
    let after = patched(json!({}), json!([flat]));
    assert_eq!(after[ENTERPRISE]["department"], "R&D");
    assert_eq!(after["name"], json!({"givenName": "K"}));
    let after = patched(json!({}), json!([nested]));
    assert_eq!(
        (&after[ENTERPRISE]["department"], &after["other"]),
        (&json!("R&D"), &json!(1))
    );
}

/// 17: The path of an extension is split at its last colon, not in its version.
#[test]
fn case_17_extension_paths_split_at_the_last_colon() {
    let path = format!("{ENTERPRISE}:manager.value");
    let operations = json!([{"op": "Add", "path": path, "value": "9"}]);
    assert_eq!(
        patched(json!({}), operations)[ENTERPRISE]["manager"],
        json!({"value": "9"})
    );
    let manager =
        json!([{"op": "Add", "path": "manager", "value": [{"$ref": "https://x/9", "value": "9"}]}]);
    assert_eq!(
        patched(json!({}), manager)[ENTERPRISE]["manager"]["value"],
        "9"
    );
    let before = json!({ENTERPRISE: {"department": "R&D"}});
    let gone = patched(before, json!([{"op": "remove", "path": ENTERPRISE}]));
    assert_eq!(gone, json!({"userName": "jane@contoso.test"}));
}

/// 18: Unknown attributes are kept, in POST and PATCH. A malformed path is `invalidPath`.
#[test]
fn case_18_unknown_attributes_are_kept() {
    let after = patched(
        json!({"costKey": 1}),
        json!([{"op": "Add", "path": "shoeSize", "value": 40}]),
    );
    assert_eq!(
        (&after["costKey"], &after["shoeSize"]),
        (&json!(1), &json!(40))
    );
    let unknown = json!({"urn:acme:2.0:User": {"a": {"b": 1}}});
    assert_eq!(
        patched(unknown.clone(), json!([]))["urn:acme:2.0:User"],
        json!({"a": {"b": 1}})
    );
    let malformed = json!({"Operations": [{"op": "add", "path": "emails[", "value": 1}]});
    assert_eq!(
        kind_of(PatchRequest::parse(&malformed)),
        Some(ScimType::InvalidPath)
    );
}

/// 30: An empty list of operations changes nothing; a missing one is an error.
#[test]
fn case_30_no_operations_change_nothing() {
    assert_eq!(
        patched(json!({}), json!([])),
        json!({"userName": "jane@contoso.test"})
    );
    assert_eq!(
        kind_of(PatchRequest::parse(&json!({}))),
        Some(ScimType::InvalidSyntax)
    );
}

/// 31: An unknown `op` is `invalidSyntax`.
#[test]
fn case_31_unknown_operations_are_invalid_syntax() {
    let body = json!({"Operations": [{"op": "move", "path": "a", "value": 1}]});
    assert_eq!(
        kind_of(PatchRequest::parse(&body)),
        Some(ScimType::InvalidSyntax)
    );
}

#[test]
fn patches_are_atomic_and_keep_required_attributes() {
    let operations = json!([
        {"op": "replace", "path": "title", "value": "CTO"},
        {"op": "remove", "path": "userName"},
    ]);
    let before = user(json!({"title": "CEO"}));
    assert_eq!(
        kind_of(patch(operations).apply_to_user(&before)),
        Some(ScimType::InvalidValue)
    );
    assert_eq!(before.attributes()["title"], "CEO");
    let no_path = patch(json!([{"op": "remove"}]));
    assert_eq!(
        kind_of(no_path.apply_to_user(&before)),
        Some(ScimType::NoTarget)
    );
    let read_only = patch(json!([{"op": "replace", "path": "id", "value": "2"}]));
    assert_eq!(
        kind_of(read_only.apply_to_user(&before)),
        Some(ScimType::Mutability)
    );
    let many = vec![json!({"op": "add", "path": "title", "value": "x"}); MAX_OPERATIONS + 1];
    assert!(PatchRequest::parse(&json!({"Operations": many})).is_err());
}

#[test]
fn a_new_primary_value_replaces_the_old_one() {
    let emails = json!([{"value": "a", "primary": true}]);
    let operations =
        json!([{"op": "add", "path": "emails", "value": [{"value": "b", "primary": "True"}]}]);
    let after = patched(json!({"emails": emails}), operations);
    let expected = json!([{"value": "a", "primary": false}, {"value": "b", "primary": true}]);
    assert_eq!(after["emails"], expected);
}
