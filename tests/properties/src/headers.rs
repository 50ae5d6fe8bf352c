//! `If-Match`, `If-None-Match` and `Idempotency-Key`.

use muster::domain::{Caller, ExpectedVersion, TenantId, Timestamp, UserId};
use muster::http::{ApiRequest, Code, HttpEvent};
use serde_json::json;

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "headers",
    check,
    seeds: &[
        b"\"1\"\xffkey-1",
        b"\"1\", \"22\",W/\"3\", * \xff",
        b"*\xff*",
        b"\"18446744073709551616\"\xff\x7f",
        b"\"007\", \"+7\"\xffa b",
    ],
};

fn check(data: &[u8]) {
    let [tags, key] = texts(data);
    let request = request(&tags, &key);
    match request.if_match() {
        ExpectedVersion::Any => panic!("the header is there"),
        ExpectedVersion::Present => assert_eq!(tags.trim(), "*"),
        ExpectedVersion::OneOf(versions) => {
            // Each stands there, in quotes, as a version is shown.
            assert!(versions.len() <= tags.split(',').count());
            for version in &versions {
                assert!(tags.contains(&format!("\"{version}\"")), "{version}");
                assert!(request.has_version(*version));
            }
            let shown: Vec<_> = versions
                .iter()
                .map(|version| format!("\"{version}\""))
                .collect();
            let again = self::request(&shown.join(","), "").if_match();
            if shown.is_empty() {
                assert_eq!(again, ExpectedVersion::OneOf(Vec::new()));
            } else {
                assert_eq!(again, ExpectedVersion::OneOf(versions));
            }
        }
    }
    for version in [0, 1, u64::MAX] {
        let is_there = request.has_version(version);
        let stands_there = tags.contains(&format!("\"{version}\""));
        assert!(!is_there || stands_there || tags.trim() == "*");
    }
    let caller = Caller {
        tenant_id: TenantId::parse("acme").unwrap(),
        user_id: UserId::parse("ada").unwrap(),
        tenant_admin: false,
    };
    let now = Timestamp::from_millisecond(0).unwrap();
    let trimmed = key.trim();
    let good =
        (1..=255).contains(&trimmed.len()) && trimmed.bytes().all(|byte| byte.is_ascii_graphic());
    match request.once(&caller, now) {
        Ok(once) => assert!(once.is_some() && good),
        Err(problem) => assert!(!good && problem.code == Code::ValidationFailed),
    }
}

fn request(tags: &str, key: &str) -> ApiRequest {
    let event = json!({
        "routeKey": "POST /", "requestContext": {},
        "headers": {"if-match": tags, "If-None-Match": tags, "idempotency-key": key},
    });
    let event: HttpEvent = serde_json::from_value(event).unwrap();
    ApiRequest::new(event, "tenant-admins")
}
