//! `If-Match`, `If-None-Match` and `Idempotency-Key`.

use muster::domain::{ExpectedVersion, VersionTags};
use muster::http::{ApiRequest, Code};
use serde_json::json;

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "headers",
    check,
    seeds: &[
        b"\"1\"\xffkey-1",
        b"\"7.0a1b2c3d4e5f6071\",\"8.x\"\xffkey-2",
        b"\"1\", \"22\",W/\"3\", * \xff",
        b"*\xff*",
        b"\"18446744073709551616\"\xff\x7f",
        b"\"007\", \"+7\"\xffa b",
    ],
};

fn check(data: &[u8]) {
    let [tags, key] = texts(data);
    let request = request(&tags, &key);
    let ExpectedVersion {
        if_match: Some(if_match),
        if_none_match: Some(if_none_match),
    } = request.expected_version()
    else {
        panic!("both headers are there");
    };
    match &if_match {
        VersionTags::Every => assert_eq!(tags.trim(), "*"),
        VersionTags::These(versions) => {
            // Each is in the header in quotes, as versions are shown.
            assert!(versions.len() <= tags.split(',').count());
            for version in versions {
                let stands_there = |end| tags.contains(&format!("\"{version}{end}"));
                assert!(stands_there('"') || stands_there('.'), "{version}");
                assert!(if_none_match.name(*version));
            }
            let shown: Vec<_> = versions
                .iter()
                .map(|version| format!("\"{version}\""))
                .collect();
            let again = self::request(&shown.join(","), "").expected_version();
            assert_eq!(again.if_match, Some(if_match.clone()));
        }
    }
    for version in [0, 1, u64::MAX] {
        let stands_there = tags.contains(&format!("\"{version}"));
        assert!(!if_none_match.name(version) || stands_there || tags.trim() == "*");
    }
    let trimmed = key.trim();
    let good =
        (1..=255).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    match request.idempotency_key() {
        Ok(found) => assert!(good && found.unwrap().key == trimmed),
        Err(problem) => assert!(!good && problem.code == Code::ValidationFailed),
    }
}

fn request(tags: &str, key: &str) -> ApiRequest {
    let event = json!({
        "routeKey": "POST /", "requestContext": {},
        "headers": {"if-match": tags, "If-None-Match": tags, "idempotency-key": key},
    });
    ApiRequest::of_event(&event.to_string(), "tenant-admins").unwrap()
}
