//! The limits of what is read from JSON.

use super::*;
use crate::json::{Fields, Violations, pointer_to};

fn fields(value: Value) -> Fields {
    Fields::new(object(value))
}

fn reads<T: crate::json::FromFields>(value: Value) -> Result<T, Vec<crate::json::Violation>> {
    let mut fields = fields(value);
    let read = T::from_fields(&mut fields);
    fields.finish().map_err(Vec::from)?;
    Ok(read.unwrap())
}

#[test]
fn models_have_exact_limits() {
    let limits = |models: Value| reads::<LimitsPatch>(json!({ "models": models }));
    let longest = "m".repeat(MAX_MODEL_LENGTH);
    assert!(limits(json!(vec!["m"; MAX_MODELS])).is_ok());
    assert!(limits(json!(vec!["m"; MAX_MODELS + 1])).is_err());
    assert!(limits(json!([longest])).is_ok());
    for bad in [json!([""]), json!(["a\u{7}"]), json!([7]), json!("m")] {
        assert!(limits(bad.clone()).is_err(), "{bad}");
    }
    assert!(limits(json!([format!("{longest}m")])).is_err());
}

#[test]
fn numbers_keep_their_notation() {
    for (text, whole) in [
        ("1e2", Some(100)),
        ("100.0", Some(100)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        ("1e19", Some(10_000_000_000_000_000_000)),
        ("1e20", None),
        ("123e10", Some(1_230_000_000_000)),
        ("0.5", None),
        ("-1", None),
    ] {
        let Ok(Json::Number(number)) = Json::read(text.as_bytes()) else {
            panic!("{text}");
        };
        assert_eq!(number.as_str(), text);
        assert_eq!(number.as_u64(), whole, "{text}");
    }
}

#[test]
fn only_so_deep_values_are_read() {
    let nested = |open: &str, close: &str, depth: usize| {
        Json::read(format!("{}1{}", open.repeat(depth), close.repeat(depth)).as_bytes())
    };
    assert!(nested("[", "]", 126).is_ok());
    assert!(nested("[", "]", 127).is_err());
    assert!(nested("{\"a\":", "}", 126).is_ok());
    assert!(nested("{\"a\":", "}", 127).is_err());
}

#[test]
fn only_the_first_100_violations_are_kept() {
    let mut violations = Violations::default();
    assert!(violations.clone().finish().is_ok());
    for n in 0..150 {
        violations.add(pointer_to(&format!("a/{n}")), "must be a number");
    }
    let text = violations.to_string();
    assert!(
        text.starts_with("/a~10 must be a number; /a~11 must"),
        "{text}"
    );
    let all = Vec::from(violations.finish().unwrap_err());
    assert_eq!(all.len(), 100);
}

#[test]
fn a_field_that_is_required_is_read() {
    let removed: TeamMembershipPatch = reads(json!({"role": "leader"})).unwrap();
    assert_eq!(removed.role, Some(TeamRole::Leader));
    let enabled: UserStatusPatch = reads(json!({"status": "disabled"})).unwrap();
    assert_eq!(enabled.status, UserStatus::Disabled);
    assert!(reads::<UserStatusPatch>(json!({})).is_err());
    let joins: DomainPatch = reads(json!({"auto_join": true})).unwrap();
    assert_eq!(joins.auto_join, Some(true));
    let metadata: OrganizationPatch = reads(json!({"metadata": {"a": 1}})).unwrap();
    assert_eq!(metadata.metadata, Patch::Set(object(json!({"a": 1}))));
}

#[test]
fn an_invalid_item_of_a_list_has_its_position() {
    let mut fields = fields(json!({}));
    fields.violate_item("members", 3, "user/id", "must be unique");
    let violations = Vec::from(fields.finish().unwrap_err());
    assert_eq!(violations[0].pointer, "/members/3/user~1id");
    assert_eq!(violations[0].detail, "must be unique");
}
