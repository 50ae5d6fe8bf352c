//! Ids, and paths with ids in them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use muster::domain::{
    Caller, EntraObjectId, GroupId, MAX_ID_LENGTH, MAX_USER_ID_LENGTH, OrganizationId, TeamId,
    TenantId, UserId,
};
use muster::http::{ApiRequest, uri_path, user_in_path};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::json;

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "ids",
    check,
    seeds: &[
        b"3c6f0b0e-8a62-4a3e-9d0e-0c7f1e1d2a3b",
        b"A-Z.a_z@0+9:x|y=",
        b"me",
        b"CN=Bob,OU=x",
        b"CORP\\bob/#%",
        b"~YQ",
        b"a%23b",
        b"a%2Fb%00",
        b"%C3%A9#/../",
    ],
};

fn check(data: &[u8]) {
    let [text] = texts(data);
    let id = OrganizationId::parse(text.as_str()).ok().map(String::from);
    // One rule for all ids.
    let others = [
        TeamId::parse(text.as_str()).ok().map(String::from),
        TenantId::parse(text.as_str()).ok().map(String::from),
        GroupId::parse(text.as_str()).ok().map(String::from),
        EntraObjectId::parse(text.as_str()).ok().map(String::from),
    ];
    assert!(others.iter().all(|other| *other == id));
    if let Some(id) = &id {
        assert_eq!(*id, text);
        is_harmless(id);
        // Any encoding in a path means the same id.
        let encoded = utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
        for way in [id.clone(), encoded, uri_path(id)] {
            assert_eq!(in_a_path(&way).as_deref(), Some(id.as_str()), "{way}");
        }
    }
    if let Some(found) = in_a_path(&text) {
        is_harmless(&found);
        assert_eq!(percent_decode_str(&text).decode_utf8_lossy(), found);
    }
    if let Ok(user) = UserId::parse(text.as_str()) {
        assert!((1..=MAX_USER_ID_LENGTH).contains(&text.len()));
        assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        // Both spellings in a path are read back: as a decoded and as an encoded path.
        let segment = user_in_path(&user);
        let encoded = format!("~{}", URL_SAFE_NO_PAD.encode(&text));
        assert!(!segment.contains(['/', '\\', '?', '#', '%']));
        for way in [segment.clone(), uri_path(&segment), encoded] {
            assert_eq!(user_in_a_path(&way).as_ref(), Some(&user), "{way}");
        }
    }
    // A path as a URI is valid, and leads to the same place.
    let path = uri_path(&text);
    assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(path.len() <= 3 * text.len());
    assert_eq!(percent_decode_str(&path).decode_utf8_lossy(), text);
}

/// It contains no separator of keys or paths.
fn is_harmless(id: &str) {
    assert!((1..=MAX_ID_LENGTH).contains(&id.len()));
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-@+:|=".contains(c);
    assert!(id.chars().all(is_allowed), "{id:?}");
}

/// The value of all ids in the path of a request with this text.
fn in_a_path(text: &str) -> Option<String> {
    let event = json!({
        "routeKey": "GET /", "requestContext": {},
        "pathParameters": {"organization_id": text, "team_id": text, "user_id": text},
    });
    let request = ApiRequest::of_event(&event.to_string(), "tenant-admins").unwrap();
    let caller = Caller {
        tenant_id: TenantId::parse("acme").unwrap(),
        user_id: UserId::parse("ada").unwrap(),
        tenant_admin: false,
        machine: false,
        email: None,
    };
    let organization = request.organization_id().ok().map(String::from);
    let team = request.team_id().ok().map(String::from);
    let user = request.user_id(&caller).ok().map(String::from);
    assert_eq!(organization, team);
    if organization.as_deref() == Some("me") {
        assert_eq!(user.as_deref(), Some("ada"));
    } else if organization.is_some() {
        assert_eq!(organization, user);
    }
    organization
}

/// The user that a path names.
fn user_in_a_path(text: &str) -> Option<UserId> {
    let event = json!({
        "routeKey": "GET /", "requestContext": {}, "pathParameters": {"user_id": text},
    });
    let caller = Caller {
        tenant_id: TenantId::parse("acme").unwrap(),
        user_id: UserId::parse("ada").unwrap(),
        tenant_admin: false,
        machine: false,
        email: None,
    };
    ApiRequest::of_event(&event.to_string(), "tenant-admins")
        .unwrap()
        .user_id(&caller)
        .ok()
}
