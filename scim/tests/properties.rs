//! Properties for random inputs.

use muster_scim::{Filter, GroupBody, ListQuery, PatchRequest, ScimResource, User};
use proptest::prelude::*;
use serde_json::{Value, json};

fn filters() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "userName",
        "name.givenName",
        "urn:a:2.0:U:b",
        "emails",
    ]);
    let value = prop_oneof![
        any::<String>().prop_map(|text| Value::from(text).to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        Just("true".to_owned()),
        Just("null".to_owned()),
    ];
    let operator = prop::sample::select(vec!["eq", "NE", "co", "sw", "ew", "gt", "ge", "lt", "le"]);
    let leaf = (name, operator, value).prop_flat_map(|(name, operator, value)| {
        prop::sample::select(vec![
            format!("{name} {operator} {value}"),
            format!("{name} pr"),
            format!("emails[type {operator} {value}]"),
            format!("emails[type {operator} {value}].value pr"),
        ])
    });
    leaf.prop_recursive(4, 16, 2, |inner| {
        (inner.clone(), inner, 0..4).prop_map(|(one, other, how)| match how {
            0 => format!("{one} and {other}"),
            1 => format!("{one} OR {other}"),
            2 => format!("not ({one})"),
            _ => format!("({one}) and ({other})"),
        })
    })
}

fn json_values() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "userName",
        "active",
        "emails",
        "value",
        "type",
        "primary",
        "name",
        "givenName",
        "members",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "manager",
        "other",
        "roles",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Z{}\":.]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 3, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..3).prop_map(|pairs| {
                let pairs = pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(pairs.collect())
            }),
        ]
    })
}

proptest! {
    // A finding becomes a test: no file of failures.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_filter_that_is_shown_parses_to_the_same(text in filters()) {
        let filter = Filter::parse(&text).expect("the filter is valid");
        prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
    }

    #[test]
    fn any_text_is_a_filter_or_an_error(text in any::<String>(), near in "[a-z\\[\\]() \".\\\\]{0,40}") {
        for text in [text, near] {
            let _ = ListQuery::from_query(&text);
            if let Ok(filter) = Filter::parse(&text) {
                prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter));
            }
        }
    }

    #[test]
    fn a_stored_user_parses_to_the_same(body in json_values()) {
        if let Ok(user) = User::parse(&body) {
            let stored = Value::Object(user.attributes().clone());
            prop_assert_eq!(User::parse(&stored), Ok(user));
        }
    }

    #[test]
    fn a_repeated_operation_changes_nothing(
        op in prop::sample::select(vec!["Add", "replace", "Remove"]),
        path in prop::sample::select(vec![
            None, Some("active"), Some("emails"), Some("emails[type eq \"work\"].value"), Some("name"),  Some("name.givenName"), Some("manager"), Some("other"),
            Some("roles"), Some("members"), Some("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"),
        ]),
        value in json_values(),
    ) {
        let operation = json!({"op": op, "path": path, "value": value});
        let patch = PatchRequest::parse(&json!({"Operations": [operation]})).expect("it is well-formed");
        let body = json!({
            "userName": "a", "displayName": "A", "name": {"familyName": "B"},
            "emails": [{"type": "work", "value": "a", "primary": true}, {"value": "b"}],
        });
        let user = User::parse(&body).expect("a user");
        if let Ok(once) = patch.apply_to_user(&user) {
            prop_assert_eq!(patch.apply_to_user(&once), Ok(once.clone()));
            let filter = Filter::parse("emails[type eq \"work\"] or name.givenName pr").expect("a filter");
            filter.matches(ScimResource::User, once.attributes());
        }
        let group = GroupBody::parse(&body).expect("a group").group;
        if let Ok(once) = patch.apply_to_group(&group) {
            prop_assert_eq!(patch.apply_to_group(&once.group), Ok(once));
        }
    }
}
