//! Tests that apply to all values: how they are written, where exactly their limits are, and which fields a change
//! does not affect.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

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
    for role in Role::ALL {
        is_written(role, text(role.as_str()));
        assert_eq!(role.as_str().parse(), Ok(role));
    }
    for status in Status::ALL {
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

fn membership(role: Role, status: Status) -> Membership {
    Membership::new(
        TenantId::parse("t").unwrap(),
        OrganizationId::parse("o").unwrap(),
        UserId::parse("u").unwrap(),
        (role, status),
        at(0),
    )
}

#[test]
fn changing_a_membership_increments_only_its_version() {
    let before = membership(Role::Member, Status::Active);
    let patch = |role, status| MembershipPatch { role, status };
    let same = patch(Some(Role::Member), Some(Status::Active));
    assert_eq!(same.apply(&before, at(5)), Ok(before.clone()));
    let higher = patch(Some(Role::Admin), None).apply(&before, at(5));
    let expected = Membership {
        role: Role::Admin,
        version: 2,
        updated_at: at(5),
        ..before.clone()
    };
    assert_eq!(higher, Ok(expected.clone()));
    let third = patch(None, Some(Status::Suspended))
        .apply(&expected, at(6))
        .unwrap();
    assert_eq!(
        (third.version, third.status, third.role),
        (3, Status::Suspended, Role::Admin)
    );
    assert!(
        patch(None, Some(Status::Invited))
            .apply(&before, at(5))
            .is_err()
    );
    let invited = membership(Role::Member, Status::Invited);
    assert!(
        patch(Some(Role::Admin), None)
            .apply(&invited, at(5))
            .is_ok()
    );
    assert!(
        patch(None, Some(Status::Active))
            .apply(&invited, at(5))
            .is_ok()
    );
}

#[test]
fn an_inviter_and_the_end_of_an_invitation_are_kept() {
    let caller = |tenant_admin| Caller {
        tenant_id: TenantId::parse("t").unwrap(),
        user_id: UserId::parse("ada").unwrap(),
        tenant_admin,
        machine: false,
        email: None,
    };
    for tenant_admin in [false, true] {
        let invited = membership(Role::Member, Status::Invited).invited_by(&caller(tenant_admin));
        assert_eq!(invited.invited_by_user_id.unwrap().as_str(), "ada");
        assert_eq!(invited.invited_by_tenant_admin, tenant_admin);
    }
    let invited = membership(Role::Member, Status::Invited);
    let end = invited.expires_at.unwrap();
    assert!(!invited.is_expired(at(end.as_millisecond() - 1)));
    assert!(invited.is_expired(end));
    let active = membership(Role::Member, Status::Active);
    assert!(!active.is_expired(Timestamp::MAX));
    let to = |status| MembershipPatch {
        role: None,
        status: Some(status),
    };
    assert!(to(Status::Suspended).suspends_invitation(&invited));
    assert!(!to(Status::Active).suspends_invitation(&invited));
    assert!(!to(Status::Suspended).suspends_invitation(&active));
}

#[test]
fn only_active_owners_count() {
    for role in Role::ALL {
        for status in Status::ALL {
            let counts = membership(role, status).is_active_owner();
            assert_eq!(counts, role == Role::Owner && status == Status::Active);
        }
    }
}

fn team_membership(role: TeamRole, status: Status) -> TeamMembership {
    TeamMembership {
        tenant_id: TenantId::parse("t").unwrap(),
        team_id: TeamId::parse("m").unwrap(),
        organization_id: None,
        user_id: UserId::parse("u").unwrap(),
        role,
        status,
        source: Source::Manual,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn changing_a_team_membership_increments_its_version() {
    let before = team_membership(TeamRole::Member, Status::Active);
    let patch = |role, status| TeamMembershipPatch { role, status };
    let same = patch(Some(TeamRole::Member), None).apply(&before, at(5));
    assert_eq!(same, before);
    let leader = patch(Some(TeamRole::Leader), None).apply(&before, at(5));
    let expected = TeamMembership {
        role: TeamRole::Leader,
        version: 2,
        updated_at: at(5),
        ..before
    };
    assert_eq!(leader, expected);
    let third = patch(None, Some(TeamStatus::Suspended)).apply(&leader, at(6));
    assert_eq!((third.version, third.status), (3, Status::Suspended));
    for status in Status::ALL {
        assert!(!team_membership(TeamRole::Member, status).leads());
        let leads = team_membership(TeamRole::Leader, status).leads();
        assert_eq!(leads, status == Status::Active);
    }
}

fn limits() -> LimitsPatch {
    LimitsPatch {
        models: Patch::Set(vec!["m".to_owned()]),
        max_budget: Patch::Set(Budget::try_from(5.0).unwrap()),
        budget_duration: Patch::Set("1mo".parse().unwrap()),
        tpm_limit: Patch::Set(1),
        rpm_limit: Patch::Set(2),
    }
}

fn all_limits() -> Limits {
    Limits {
        models: vec!["m".to_owned()],
        max_budget: Some(Budget::try_from(5.0).unwrap()),
        budget_duration: Some("1mo".parse().unwrap()),
        tpm_limit: Some(1),
        rpm_limit: Some(2),
    }
}

fn organization() -> Organization {
    Organization::new(
        OrganizationId::parse("o").unwrap(),
        TenantId::parse("t").unwrap(),
        "Acme".parse().unwrap(),
        UserId::parse("ada").unwrap(),
        at(0),
    )
}

#[test]
fn each_field_of_an_organization_is_set_and_cleared() {
    let all = OrganizationPatch {
        name: Some("New".parse().unwrap()),
        domain: Patch::Set("a.b".parse().unwrap()),
        billing_email: Patch::Set("a@b.cc".parse().unwrap()),
        billing_address: Patch::Set("1".parse().unwrap()),
        stripe_customer_id: Patch::Set("cus_1".parse().unwrap()),
        metadata: Patch::Set(object(json!({"a": 1}))),
        limits: Patch::Set(limits()),
    };
    let expected = Organization {
        name: "New".parse().unwrap(),
        domain: Some("a.b".parse().unwrap()),
        billing_email: Some("a@b.cc".parse().unwrap()),
        billing_address: Some("1".parse().unwrap()),
        stripe_customer_id: Some("cus_1".parse().unwrap()),
        metadata: Metadata::new(object(json!({"a": 1}))).unwrap(),
        limits: all_limits(),
        ..organization()
    };
    let changed = Organization {
        version: 2,
        updated_at: at(5),
        ..expected.clone()
    };
    assert_eq!(all.apply(&organization(), at(5)), Ok(changed.clone()));
    // A new organization has version 1 and its creation time.
    let made = organization().with(&all);
    assert_eq!(made, Ok(expected));
    assert_eq!(
        OrganizationPatch::default().apply(&changed, at(6)),
        Ok(changed.clone())
    );
    let none = OrganizationPatch {
        name: Some("Acme".parse().unwrap()),
        domain: Patch::Clear,
        billing_email: Patch::Clear,
        billing_address: Patch::Clear,
        stripe_customer_id: Patch::Clear,
        metadata: Patch::Clear,
        limits: Patch::Clear,
    };
    let cleared = Organization {
        version: 3,
        updated_at: at(6),
        ..organization()
    };
    assert_eq!(none.apply(&changed, at(6)), Ok(cleared));
}

#[test]
fn null_in_new_metadata_is_a_value() {
    let patch = OrganizationPatch {
        metadata: Patch::Set(object(json!({"a": null}))),
        ..OrganizationPatch::default()
    };
    let made = organization().with(&patch).unwrap();
    assert_eq!(made.metadata.to_json(), r#"{"a":null}"#);
    let patch = TeamPatch {
        metadata: Patch::Set(object(json!({"a": null}))),
        ..TeamPatch::default()
    };
    let made = team().with(&patch).unwrap();
    assert_eq!(made.metadata.to_json(), r#"{"a":null}"#);
}

#[test]
fn each_billing_field_counts_as_billing() {
    let none = OrganizationPatch {
        domain: Patch::Clear,
        ..OrganizationPatch::default()
    };
    assert!(!none.changes_billing());
    for billing in [
        OrganizationPatch {
            billing_email: Patch::Clear,
            ..none.clone()
        },
        OrganizationPatch {
            billing_address: Patch::Clear,
            ..none.clone()
        },
        OrganizationPatch {
            stripe_customer_id: Patch::Clear,
            ..none.clone()
        },
    ] {
        assert!(billing.changes_billing(), "{billing:?}");
    }
}

#[test]
fn deleting_and_restoring_change_only_status_fields() {
    let deleted = organization().deleted(at(5));
    let expected = Organization {
        status: OrganizationStatus::Deleted,
        deleted_at: Some(at(5)),
        updated_at: at(5),
        version: 2,
        ..organization()
    };
    assert_eq!(deleted, expected);
    assert!(organization().is_live() && !deleted.is_live());
    assert!(!organization().is_purged(at(i64::from(i32::MAX) * 1_000)));
    let restored = Organization {
        updated_at: at(6),
        version: 3,
        ..organization()
    };
    assert_eq!(deleted.restored(at(6)), restored);
}

fn team() -> Team {
    let place = (TenantId::parse("t").unwrap(), None);
    let ada = UserId::parse("ada").unwrap();
    Team::new(
        TeamId::parse("m").unwrap(),
        place,
        "Acme".parse().unwrap(),
        ada,
        at(0),
    )
}

#[test]
fn each_field_of_a_team_is_set_and_cleared() {
    let all = TeamPatch {
        name: Some("New".parse().unwrap()),
        description: Patch::Set("d".parse().unwrap()),
        is_default: Patch::Set(true),
        limits: Patch::Set(limits()),
        metadata: Patch::Set(object(json!({"a": 1}))),
    };
    let expected = Team {
        name: "New".parse().unwrap(),
        description: Some("d".parse().unwrap()),
        is_default: true,
        limits: all_limits(),
        metadata: Metadata::new(object(json!({"a": 1}))).unwrap(),
        ..team()
    };
    let changed = Team {
        version: 2,
        updated_at: at(5),
        ..expected.clone()
    };
    assert_eq!(all.apply(&team(), at(5)), Ok(changed.clone()));
    assert_eq!(team().with(&all), Ok(expected));
    assert_eq!(
        TeamPatch::default().apply(&changed, at(6)),
        Ok(changed.clone())
    );
    let none = TeamPatch {
        name: Some("Acme".parse().unwrap()),
        description: Patch::Clear,
        is_default: Patch::Clear,
        limits: Patch::Clear,
        metadata: Patch::Clear,
    };
    let cleared = Team {
        version: 3,
        updated_at: at(6),
        ..team()
    };
    assert_eq!(none.apply(&changed, at(6)), Ok(cleared));
}
