//! Lists, filters and pages.

use muster_scim::*;
use serde_json::{Map, json};

use super::{ENTERPRISE, kind_of, shown, user};

/// 8: `externalId` can be filtered, by an index.
#[test]
fn case_08_external_id_can_be_filtered() {
    let filter = Filter::parse("externalId eq \"JDoe\"").unwrap();
    let Plan::Indexed(plan) = filter.plan(ScimResource::User) else {
        panic!("an index answers it")
    };
    let value = "JDoe".to_owned();
    let by = Indexed::ExternalId;
    assert_eq!(plan[0].lookups, [Lookup { by, value }]);
    assert!(!plan[0].is_partial);
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

#[test]
fn filters_compare_as_the_rfc_says() {
    let user = user(json!({
        "active": true, "title": "CTO", "emails": [{"type": "work", "value": "A@b.test"}],
        "name": {"familyName": "O'Malley"}, ENTERPRISE: {"manager": {"value": "9"}},
    }));
    let shown = shown(&user, None, None);
    let holds = |text: &str| {
        let filter = Filter::parse(text).unwrap();
        filter.matches(ScimResource::User, shown.as_object().unwrap())
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
    for text in [
        "active gt true",
        "groups pr",
        "title pr or not (Groups.value eq \"g\")",
        "groups[value eq \"g\"]",
        "urn:ietf:params:scim:schemas:core:2.0:User:groups eq \"g\"",
    ] {
        let filter = Filter::parse(text).unwrap();
        let refused = kind_of(filter.check(ScimResource::User));
        assert_eq!(refused, Some(ScimType::InvalidFilter), "{text}");
    }
}

#[test]
fn plans_name_what_an_index_answers() {
    let plan = |text: &str, kind| Filter::parse(text).unwrap().plan(kind);
    assert_eq!(plan("title eq \"x\"", ScimResource::User), Plan::Scan);
    assert_eq!(
        plan("id eq \"1\" or title eq \"x\"", ScimResource::User),
        Plan::Scan
    );
    assert_eq!(plan("not (id eq \"1\")", ScimResource::User), Plan::Scan);
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
        plan(
            "emails[type eq \"work\"].value eq \"A@b\"",
            ScimResource::User
        ),
        email
    );
    let both = vec![lookup(Indexed::Id, "1"), lookup(Indexed::Member, "U")];
    for text in [
        "members eq \"U\"",
        "members.value eq \"U\"",
        "members[value eq \"U\"]",
    ] {
        let filter = Filter::parse(&format!("{text} and id eq \"1\"")).unwrap();
        assert_eq!(filter.plan(ScimResource::Group), of(both.clone(), false));
        let asked = filter.members_asked(ScimResource::Group);
        assert!(asked.ids == ["U"] && !asked.needs_all);
        let group = Map::from_iter([("id".to_owned(), json!("1"))]);
        assert!(filter.matches_group(ScimResource::Group, &group, &|id| Some(id == "U")));
        assert!(!filter.matches_group(ScimResource::Group, &group, &|_| Some(false)));
    }
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
