//! Tests that apply to all values: how they are written, where exactly their limits are, and which fields a change
//! does not affect.

mod directories;
mod events;
mod json;
mod memberships;
mod organizations;
mod runs;
mod spellings;
mod users;
mod webhooks;

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::*;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap()
}

fn object(value: Value) -> JsonObject {
    serde_json::from_value(value).unwrap()
}

/// Checks that a value is written as this JSON and read back from it.
#[track_caller]
fn is_written<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: T, as_: Value) {
    assert_eq!(serde_json::to_value(&value).unwrap(), as_);
    assert_eq!(serde_json::from_value::<T>(as_).unwrap(), value);
}

#[test]
fn values_round_trip_through_json() {
    let text = |text: &str| Value::String(text.to_owned());
    is_written(TenantId::parse("t").unwrap(), text("t"));
    is_written("Acme".parse::<Name>().unwrap(), text("Acme"));
    is_written("a.b".parse::<Domain>().unwrap(), text("a.b"));
    is_written("a@b.cc".parse::<Email>().unwrap(), text("a@b.cc"));
    is_written("1\n2".parse::<BillingAddress>().unwrap(), text("1\n2"));
    is_written("x".parse::<Description>().unwrap(), text("x"));
    is_written("cus_1".parse::<StripeCustomerId>().unwrap(), text("cus_1"));
    is_written("30d".parse::<BudgetDuration>().unwrap(), text("30d"));
    is_written(at(1_500), text("1970-01-01T00:00:01.500Z"));
    is_written(Budget::try_from(12.5).unwrap(), json!(12.5));
    is_written(
        Metadata::new(object(json!({"a": 1}))).unwrap(),
        json!({"a": 1}),
    );
    for &role in Role::VARIANTS {
        is_written(role, text(role.as_str()));
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    for &status in Status::VARIANTS {
        is_written(status, text(status.as_str()));
        assert_eq!(status.as_str().parse(), Ok(status));
    }
    for source in [Source::Manual, Source::Entra, Source::Scim] {
        is_written(source, text(source.as_str()));
    }
    for role in [TeamRole::Leader, TeamRole::Member] {
        is_written(role, text(role.as_str()));
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    assert_eq!("30d".parse::<BudgetDuration>().unwrap().to_string(), "30d");
}

#[test]
fn invalid_values_are_refused() {
    assert!(serde_json::from_value::<TeamId>(json!("a#b")).is_err());
    assert!(serde_json::from_value::<BudgetDuration>(json!("1y")).is_err());
    assert!(serde_json::from_value::<Budget>(json!(-1)).is_err());
    assert!(serde_json::from_value::<Timestamp>(json!("now")).is_err());
    assert!(serde_json::from_value::<Domain>(json!("acme")).is_err());
}

/// Checks that a text of the maximum length is valid and that one more character is not.
#[track_caller]
fn longest<T: std::str::FromStr>(length: usize, of: impl Fn(usize) -> String) {
    assert_eq!(of(length).chars().count(), length);
    assert!(of(length).parse::<T>().is_ok());
    assert!(of(length - 1).parse::<T>().is_ok());
    assert!(of(length + 1).parse::<T>().is_err());
}

#[test]
fn length_limits_are_exact() {
    longest::<UserId>(255, |length| "x".repeat(length));
    longest::<TeamId>(128, |length| "x".repeat(length));
    longest::<Name>(255, |length| "ä".repeat(length));
    longest::<BillingAddress>(2_000, |length| "ä".repeat(length));
    longest::<Description>(2_000, |length| "ä".repeat(length));
    longest::<StripeCustomerId>(255, |length| format!("cus_{}", "x".repeat(length - 4)));
    longest::<Email>(254, |length| {
        let labels = format!("{0}.{0}.{0}", "x".repeat(62));
        let rest = length - labels.len() - "a@..yy".len();
        format!("a@{labels}.{}.yy", "x".repeat(rest))
    });
    let labels = format!("{0}.{0}.{0}.", "x".repeat(62));
    longest::<Domain>(253, |length| {
        format!("{labels}{}.yy", "x".repeat(length - labels.len() - 3))
    });
    longest::<Domain>(63 + 2, |length| format!("{}.y", "x".repeat(length - 2)));
    assert!("a.b".parse::<Domain>().is_ok());
    assert!("cus_x".parse::<StripeCustomerId>().is_ok());
    assert_eq!(MAX_RATE, 9_007_199_254_740_991);
    assert_eq!(MAX_METADATA_BYTES, 16_384);
    assert_eq!(RETENTION, Duration::from_hours(30 * 24));
    let zero = f64::from(Budget::try_from(-0.0).unwrap());
    assert!(zero == 0.0 && zero.is_sign_positive());
}

#[test]
fn line_breaks_are_valid_only_in_multiline_texts() {
    for good in ["a\nb", "a\r\nb", "a\tb"] {
        assert!(good.parse::<BillingAddress>().is_ok(), "{good:?}");
        assert!(good.parse::<Description>().is_ok(), "{good:?}");
        assert!(good.parse::<Name>().is_err(), "{good:?}");
    }
    assert!("a\u{7}b".parse::<BillingAddress>().is_err());
    assert!("a\0b".parse::<Description>().is_err());
    assert_eq!("a\nb".parse::<Description>().unwrap().as_str(), "a\nb");
}

#[test]
fn times_are_counted_from_1970() {
    let time = at(86_400_001_500);
    assert_eq!(
        (time.as_second(), time.as_millisecond()),
        (86_400_001, 86_400_001_500)
    );
    assert_eq!(time.after(Duration::from_secs(2)), at(86_400_003_500));
    let before = at(-1_500);
    assert_eq!(before.as_millisecond(), -1_500);
    let clock = Clock::from_fn(move || (time, uuid::Uuid::max()));
    assert_eq!((clock.now(), clock.new_id()), (time, uuid::Uuid::max()));
    let machine = Clock::system();
    assert!(machine.now() > time && machine.new_id() < machine.new_id());
}

#[test]
fn organization_and_team_have_id_of_their_group() {
    let group = GroupId::parse("g-1").unwrap();
    assert_eq!(group.organization_id().as_str(), "g-1");
    assert_eq!(group.team_id().as_str(), "g-1");
    assert_eq!(Name::from(&group).as_str(), "g-1");
    let id = uuid::Uuid::max();
    assert_eq!(OrganizationId::from(id).as_str(), id.to_string());
    assert_eq!(TeamId::from(id).as_str(), id.to_string());
}

#[test]
fn patch_member_keeps_clears_or_sets() {
    let before = Some(1);
    assert_eq!(Patch::Keep.apply(&before), Some(1));
    assert_eq!(Patch::Clear.apply(&before), None);
    assert_eq!(Patch::Set(2).apply(&before), Some(2));
    assert!(Patch::<u8>::Keep.is_keep());
    assert!(!Patch::<u8>::Clear.is_keep() && !Patch::Set(1).is_keep());
}

#[test]
fn version_matches_preconditions() {
    let of = |if_match, if_none_match| ExpectedVersion {
        if_match,
        if_none_match,
    };
    let these = |versions: &[u64]| Some(VersionTags::These(versions.into()));
    let every = Some(VersionTags::Every);
    for (expected, allowed) in [
        (ExpectedVersion::ANY, vec![1, 2, 3]),
        (of(every.clone(), None), vec![1, 2, 3]),
        (of(these(&[2, 3]), None), vec![2, 3]),
        (of(these(&[]), None), vec![]),
        (of(None, every), vec![]),
        (of(None, these(&[2])), vec![1, 3]),
        (of(these(&[1, 2]), these(&[2])), vec![1]),
    ] {
        let found: Vec<_> = (1..=3).filter(|one| expected.allows(*one)).collect();
        assert_eq!(found, allowed, "{expected:?}");
        for version in 1..=3 {
            let required = expected.require(version).is_ok();
            assert_eq!(required, allowed.contains(&version), "{expected:?}");
        }
        assert_eq!(expected.allows_absence(), expected.if_match.is_none());
    }
}

#[test]
fn periods_and_sizes_are_as_documented() {
    let days = |days: i64| at(days * 86_400_000);
    assert_eq!(open_until(Status::Invited, at(0)), Some(days(7)));
    assert_eq!(at(0).after(RETENTION), days(30));
    assert_eq!(at(0).after(RECHECK_INTERVAL), days(7));
    assert_eq!(MAX_METADATA_BYTES, 16_384);
    assert_eq!(MAX_CHANGE_BYTES, 8_192);
    assert_eq!(MAX_RATE, 9_007_199_254_740_991);
    for (text, seconds) in [
        ("30s", 30),
        ("5m", 300),
        ("2h", 7_200),
        ("3d", 259_200),
        ("1mo", 2_592_000),
    ] {
        let duration: BudgetDuration = text.parse().unwrap();
        assert_eq!(duration.seconds(), seconds, "{text}");
    }
}
