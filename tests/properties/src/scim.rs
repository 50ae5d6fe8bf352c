//! Filters and patches of SCIM.

use muster_scim::{
    Filter, GroupBody, ListQuery, MAX_FILTER_LENGTH, PatchRequest, ScimResource, User,
};
use serde_json::{Value, json};

use crate::Property;

pub(crate) const FILTER: Property = Property {
    name: "scim_filter",
    check: filter,
    seeds: &[
        br#"userName eq "jane@contoso.test""#,
        br#"emails[type eq "work"].value eq "a@b.c""#,
        br#"id eq "1" and manager eq "9""#,
        br#"urn:ietf:params:scim:schemas:core:2.0:User:name.givenName SW "J" or not (title pr)"#,
        br#"meta.lastModified gt "2011-05-13T04:42:34Z" and active eq true"#,
        br#"members[value eq "u1" or value eq "u2"]"#,
        b"filter=userName+eq+%22a%22&startIndex=1&count=100&attributes=id,emails.value",
    ],
};

pub(crate) const PATCH: Property = Property {
    name: "scim_patch",
    check: patch,
    seeds: &[
        br#"{"Operations":[{"op":"Replace","path":"emails[type eq \"work\"].value","value":"n@c.test"}]}"#,
        br#"{"Operations":[{"op":"Remove","path":"members","value":[{"$ref":null,"value":"u1"}]}]}"#,
        br#"{"Operations":[{"op":"remove","path":"members[value eq \"u1\"]"}]}"#,
        br#"{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"#,
        br#"{"Operations":[{"op":"replace","value":{"id":"g","displayName":"B","name.givenName":"K","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber":"7"}}]}"#,
        br#"{"Operations":[{"op":"Add","path":"manager","value":[{"value":"9"}]}]}"#,
    ],
};

fn stored() -> Value {
    json!({
        "userName": "Jane@contoso.test", "displayName": "Sales", "title": "CTO",
        "name": {"givenName": "J"},
        "emails": [{"type": "work", "value": "a@b.c", "primary": true}, {"value": "b"}],
    })
}

fn filter(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(query) = ListQuery::from_query(text) {
        assert!(query.start_index >= 1 && query.count <= muster_scim::MAX_COUNT);
    }
    let Ok(filter) = Filter::parse(text) else {
        return;
    };
    assert!(text.len() <= MAX_FILTER_LENGTH);
    let shown = filter.to_string();
    if shown.len() <= MAX_FILTER_LENGTH {
        assert_eq!(Filter::parse(&shown).as_ref(), Ok(&filter), "{shown}");
    }
    let user = User::parse(&stored()).unwrap();
    for kind in [ScimResource::User, ScimResource::Group] {
        let found = filter.matches(kind, user.attributes());
        let other = Filter::Not(Box::new(filter.clone())).matches(kind, user.attributes());
        assert_ne!(found, other);
        let _ = (
            filter.plan(kind),
            filter.members_asked(kind),
            filter.check(kind),
        );
    }
}

fn patch(data: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    // What is stored is read as it was.
    if let Ok(user) = User::parse(&body) {
        let stored = Value::Object(user.attributes().clone());
        assert_eq!(User::parse(&stored), Ok(user));
    }
    let Ok(patch) = PatchRequest::parse(&body) else {
        return;
    };
    let user = User::parse(&stored()).unwrap();
    if let Ok(user) = patch.apply_to_user(&user) {
        assert!(!user.user_name().is_empty());
    }
    let group = GroupBody::parse(&stored()).unwrap().group;
    if let Ok(patched) = patch.apply_to_group(&group) {
        assert!(!patched.group.display_name().is_empty());
        assert!(!patched.group.attributes().contains_key("members"));
    }
}
