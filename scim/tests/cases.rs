//! Requests that servers in the wild answer wrongly. Each test has the number of its case in
//! the list of known faults. Cases that are not here concern the service, and are stories.

// All of this file is tests.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use muster_scim::*;
use serde_json::{Map, Value, json};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn user(more: Value) -> User {
    let mut body = json!({"userName": "jane@contoso.test"});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    User::parse(&body).unwrap()
}

fn patch(operations: Value) -> PatchRequest {
    PatchRequest::parse(&json!({"Operations": operations})).unwrap()
}

fn patched(before: Value, operations: Value) -> Value {
    let user = patch(operations).apply_to_user(&user(before)).unwrap();
    Value::Object(user.attributes().clone())
}

fn group() -> Group {
    let body = json!({"displayName": "Sales", "externalId": "g"});
    GroupBody::parse(&body).unwrap().group
}

fn on_group(operations: Value) -> GroupPatched {
    patch(operations).apply_to_group(&group()).unwrap()
}

fn change(add: &[&str], remove: &[&str]) -> MembersChange {
    MembersChange::Some {
        add: members(add),
        remove: remove.iter().map(ToString::to_string).collect(),
    }
}

fn members(ids: &[&str]) -> Members {
    let ids = ids.iter().map(|id| (id.to_string(), MemberType::User));
    Members(ids.collect())
}

fn meta() -> Meta {
    Meta {
        location: "https://x.test/Users/1".to_owned(),
        created: "2026-11-29T00:00:00Z".to_owned(),
        last_modified: "2026-11-29T01:00:00Z".to_owned(),
        version: 7,
    }
}

fn shown(user: &User, attributes: Option<&str>, excluded: Option<&str>) -> Value {
    let projection = Projection::parse(attributes, excluded).unwrap();
    user.render("1", None, &meta(), &projection)
}

fn kind_of<T: std::fmt::Debug>(result: Result<T, Error>) -> Option<ScimType> {
    result.unwrap_err().scim_type
}

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

/// 3: Booleans as text are booleans, in POST and PATCH.
#[test]
fn case_03_booleans_may_be_text() {
    assert!(!user(json!({"active": "False"})).is_active());
    assert!(user(json!({"active": "True"})).is_active());
    let after = patched(
        json!({}),
        json!([{"op": "Replace", "path": "active", "value": "False"}]),
    );
    assert_eq!(after["active"], json!(false));
    let wrong = patch(json!([{"op": "Replace", "path": "active", "value": "no"}]));
    assert_eq!(
        kind_of(wrong.apply_to_user(&user(json!({})))),
        Some(ScimType::InvalidValue)
    );
}

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

/// 7: An inactive user can be made active again and keeps the other attributes.
#[test]
fn case_07_an_inactive_user_can_be_reactivated() {
    let inactive = user(json!({"active": false, "externalId": "00u1"}));
    let active = inactive.with_active(true);
    assert!(active.is_active() && active.external_id() == Some("00u1"));
}

/// 8: `externalId` can be filtered, by an index.
#[test]
fn case_08_external_id_can_be_filtered() {
    let filter = Filter::parse("externalId eq \"JDoe\"").unwrap();
    let Plan::Indexed(plan) = filter.plan(Kind::User) else {
        panic!("an index answers it")
    };
    let value = "JDoe".to_owned();
    let by = Indexed::ExternalId;
    assert_eq!(plan[0].lookups, [Lookup { by, value }]);
    assert!(!plan[0].is_partial);
}

/// 9: `userName` is compared and unique without regard to case; `externalId` is not.
#[test]
fn case_09_user_names_ignore_case() {
    let jane = user(json!({"externalId": "Jane"}));
    assert_eq!(
        User::parse(&json!({"userName": "JANE@Contoso.test"}))
            .unwrap()
            .user_name_key(),
        jane.user_name_key()
    );
    let holds = |filter: &str| {
        Filter::parse(filter)
            .unwrap()
            .matches(Kind::User, jane.attributes())
    };
    assert!(holds("USERNAME EQ \"JANE@CONTOSO.TEST\""));
    assert!(holds("externalId eq \"Jane\"") && !holds("externalId eq \"jane\""));
}

/// 10: A conflict is 409 with `uniqueness`, and its status is a string.
#[test]
fn case_10_a_conflict_has_scim_type_uniqueness() {
    let error = Error::of(ScimType::Uniqueness, "userName is taken.").to_json();
    let expected = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "409", "scimType": "uniqueness", "detail": "userName is taken.",
    });
    assert_eq!(error, expected);
}

/// 11: Pages are clamped, and `totalResults` counts all matches.
#[test]
fn case_11_totals_count_all_matches() {
    let all: Vec<_> = (0..5).collect();
    let page = |query: &str| ListQuery::from_query(query).unwrap().page(&all).to_vec();
    assert_eq!(page("startIndex=0&count=2"), [0, 1]);
    assert_eq!(page("startIndex=-3&count=2"), [0, 1]);
    assert_eq!(page("startIndex=5&count=2"), [4]);
    assert!(page("startIndex=9").is_empty());
    assert!(page("count=0").is_empty() && page("count=-1").is_empty());
    assert_eq!(
        ListQuery::from_query("count=9999").unwrap().count,
        MAX_COUNT
    );
    let body = list_response(5, 5, vec![json!({})]);
    assert_eq!(body["totalResults"], 5);
}

/// 12: `itemsPerPage` is the number of resources that are returned, not the one that is asked for.
#[test]
fn case_12_items_per_page_is_the_number_returned() {
    for returned in [0, 1, 3] {
        let body = list_response(5, 1, vec![json!({}); returned]);
        assert_eq!(body["itemsPerPage"], returned);
        assert_eq!(body["Resources"].as_array().unwrap().len(), returned);
    }
}

/// 13: An empty list is `[]`.
#[test]
fn case_13_an_empty_list_is_an_array() {
    let body = list_response(0, 1, Vec::new());
    assert_eq!(
        (&body["Resources"], &body["totalResults"]),
        (&json!([]), &json!(0))
    );
}

/// 14: A PUT of a group with its own name has the same key.
#[test]
fn case_14_a_group_keeps_its_own_name() {
    let put = GroupBody::parse(&json!({"displayName": "SALES"})).unwrap();
    assert_eq!(put.group.display_name_key(), group().display_name_key());
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

/// 19: Errors are JSON with the error schema. That the service sends them so is a story.
#[test]
fn case_19_errors_have_the_error_schema() {
    let error = Error::status(401, "No token.").to_json();
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:Error"]);
    assert_eq!(
        error,
        json!({"schemas": schemas, "status": "401", "detail": "No token."})
    );
}

/// 20: Responses have the media type of SCIM. What is accepted is a story of the service.
#[test]
fn case_20_the_media_type_is_that_of_scim() {
    assert_eq!(MEDIA_TYPE, "application/scim+json");
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

/// 23: A user without `active` is active.
#[test]
fn case_23_users_are_active_by_default() {
    let user = user(json!({}));
    assert!(user.is_active());
    assert_eq!(shown(&user.with_active(true), None, None)["active"], true);
}

/// 25: A password is neither kept nor announced.
#[test]
fn case_25_passwords_are_ignored() {
    assert_eq!(
        user(json!({"password": "x", "groups": []})),
        user(json!({}))
    );
    let after = patched(
        json!({}),
        json!([{"op": "replace", "path": "password", "value": "x"}]),
    );
    assert_eq!(after, json!({"userName": "jane@contoso.test"}));
    let base = "https://x.test";
    assert!(
        !Discovery { base }
            .schemas()
            .to_string()
            .contains("password\"")
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

#[test]
fn app_roles_as_json_text_are_unpacked() {
    let role =
        json!({"value": "{\"id\":\"1\",\"value\":\"Admin\",\"displayName\":\"Administrator\"}"});
    let after = patched(
        json!({}),
        json!([{"op": "Add", "path": "roles", "value": [role]}]),
    );
    assert_eq!(
        after["roles"],
        json!([{"value": "Admin", "display": "Administrator"}])
    );
}

#[test]
fn filters_compare_as_the_rfc_says() {
    let user = user(json!({
        "active": true, "title": "CTO", "emails": [{"type": "work", "value": "A@b.test"}],
        "name": {"familyName": "O'Malley"}, ENTERPRISE: {"manager": {"value": "9"}},
    }));
    let shown = shown(&user, None, None);
    let holds = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        filter.matches(Kind::User, shown.as_object().unwrap())
    };
    for text in [
        "emails[type eq \"work\"].value eq \"a@b.test\"",
        "emails[type eq \"work\" and value co \"@B\"]",
        "emails co \"b.test\"",
        "name.familyName sw \"o'm\"",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName ew \".test\"",
        "title pr and not (nickName pr)",
        "active eq true",
        "active eq \"True\"",
        "id eq \"1\" and manager eq \"9\"",
        "meta.lastModified gt \"2026-11-29T00:30:00.000Z\"",
        "meta.lastModified ge \"2026-11-29T01:00:00.000Z\"",
        "nickName eq null",
        "title ne \"CEO\" AND (title LT \"D\" Or title eq \"x\")",
        "userName eq jane@contoso.test",
    ] {
        assert!(holds(text), "{text}");
    }
    for text in [
        "title eq \"x\" or title eq \"y\"",
        "emails[type eq \"home\"]",
        "not (title pr)",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn malformed_filters_are_invalid() {
    let deep = format!("{}title pr{}", "(".repeat(17), ")".repeat(17));
    let long = "a".repeat(MAX_FILTER_LENGTH + 1);
    for text in [
        "",
        "title",
        "title xx 1",
        "title eq",
        "title eq \"x",
        "(title pr",
        "a pr b",
        "a[b[c pr]]",
        &deep,
        &long,
    ] {
        assert_eq!(
            kind_of(Filter::parse(text)),
            Some(ScimType::InvalidFilter),
            "{text}"
        );
    }
    assert!(
        Filter::parse("active gt true")
            .unwrap()
            .check(Kind::User)
            .is_err()
    );
}

#[test]
fn plans_name_what_an_index_answers() {
    let plan = |text: &str, kind| Filter::parse(text).unwrap().plan(kind);
    assert_eq!(plan("title eq \"x\"", Kind::User), Plan::Scan);
    assert_eq!(
        plan("id eq \"1\" or title eq \"x\"", Kind::User),
        Plan::Scan
    );
    assert_eq!(plan("not (id eq \"1\")", Kind::User), Plan::Scan);
    let lookup = |by, value: &str| Lookup {
        by,
        value: value.to_owned(),
    };
    let of = |lookups, is_partial| {
        Plan::Indexed(vec![Alternative {
            lookups,
            is_partial,
        }])
    };
    let email = of(vec![lookup(Indexed::Email, "a@b")], true);
    assert_eq!(
        plan("emails[type eq \"work\"].value eq \"A@b\"", Kind::User),
        email
    );
    let both = vec![lookup(Indexed::Id, "1"), lookup(Indexed::Member, "U")];
    for text in [
        "members eq \"U\"",
        "members.value eq \"U\"",
        "members[value eq \"U\"]",
    ] {
        let filter = Filter::parse(&format!("{text} and id eq \"1\"")).unwrap();
        assert_eq!(filter.plan(Kind::Group), of(both.clone(), false));
        let asked = filter.members_asked(Kind::Group);
        assert!(asked.ids == ["U"] && !asked.needs_all);
        let group = Map::from_iter([("id".to_owned(), json!("1"))]);
        assert!(filter.matches_group(Kind::Group, &group, &|id| Some(id == "U")));
        assert!(!filter.matches_group(Kind::Group, &group, &|_| Some(false)));
    }
}

#[test]
fn responses_have_what_is_asked_for() {
    let user = user(json!({
        "name": {"givenName": "J", "familyName": "D"}, "emails": [{"type": "work", "value": "a"}],
        ENTERPRISE: {"department": "R&D", "division": "X"},
    }));
    let whole = shown(&user, None, None);
    assert_eq!(
        whole["schemas"],
        json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE])
    );
    assert_eq!(whole["meta"]["version"], "W/\"7\"");
    let department = format!("NAME.givenname,emails.value,{ENTERPRISE}:department");
    let some = shown(&user, Some(&department), None);
    let expected = json!({
        "id": "1", "schemas": whole["schemas"], "name": {"givenName": "J"},
        "emails": [{"value": "a"}], ENTERPRISE: {"department": "R&D"},
    });
    assert_eq!(some, expected);
    let without = shown(&user, None, Some("id,name.familyName,meta,emails"));
    assert_eq!(
        (&without["id"], &without["name"]),
        (&json!("1"), &json!({"givenName": "J"}))
    );
    assert!(without.get("meta").is_none() && without.get("emails").is_none());
    let wants = |attributes, excluded| {
        Projection::parse(attributes, excluded)
            .unwrap()
            .wants(Kind::Group, "members")
    };
    assert!(wants(None, None) && wants(Some("members.value"), None));
    assert!(!wants(None, Some("Members")) && !wants(Some("displayName"), None));
}

#[test]
fn queries_are_form_encoded() {
    let query = ListQuery::from_query("filter=userName+eq+%22a%22&attributes=id").unwrap();
    assert_eq!(
        query.filter,
        Some(Filter::parse("userName eq \"a\"").unwrap())
    );
    let body = json!({"filter": "userName eq \"a\"", "attributes": ["id"], "startIndex": 1});
    assert_eq!(ListQuery::from_search(&body).unwrap(), query);
    assert_eq!(
        kind_of(ListQuery::from_query("count=x")),
        Some(ScimType::InvalidValue)
    );
}

#[test]
fn discovery_documents_can_be_read_by_id() {
    let base = "https://x.test/scim/v2/1";
    let discovery = Discovery { base };
    assert_eq!(discovery.schemas()["totalResults"], 3);
    let department = discovery.schema(ENTERPRISE).unwrap();
    assert_eq!(department["attributes"][4]["name"], "department");
    assert!(discovery.schema("urn:x").is_none() && discovery.resource_type("Bot").is_none());
    assert_eq!(
        discovery.resource_type("User").unwrap()["endpoint"],
        "/Users"
    );
    assert_eq!(
        discovery.service_provider_config()["bulk"]["supported"],
        false
    );
    assert_eq!(discovery.resource_types()["Resources"][1]["name"], "Group");
}
