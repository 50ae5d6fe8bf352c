//! Users.

use muster_scim::*;
use serde_json::json;

use super::{kind_of, patch, patched, shown, user};

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

/// 7: An inactive user can be made active again and keeps the other attributes.
#[test]
fn case_07_an_inactive_user_can_be_reactivated() {
    let inactive = user(json!({"active": false, "externalId": "00u1"}));
    let active = inactive.with_active(true);
    assert!(active.is_active() && active.external_id() == Some("00u1"));
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
            .matches(ScimResource::User, jane.attributes())
    };
    assert!(holds("USERNAME EQ \"JANE@CONTOSO.TEST\""));
    assert!(holds("externalId eq \"Jane\"") && !holds("externalId eq \"jane\""));
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
