//! Organizations and teams, with all of their fields.

use super::*;

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

pub(super) fn organization() -> Organization {
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
    let ada = UserId::parse("ada").unwrap();
    Team::new(
        TeamId::parse("m").unwrap(),
        TenantId::parse("t").unwrap(),
        None,
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

#[test]
fn the_limits_of_a_team_are_those_of_both() {
    let mut organization = organization();
    organization.limits.models = vec!["large".to_owned()];
    organization.limits.rpm_limit = Some(7);
    assert_eq!(team().effective_models(Some(&organization)), ["large"]);
    let limits = team().effective_limits(Some(&organization));
    assert_eq!(limits.rpm_limit, Some(7));
}
