use super::*;

fn models(models: &[&str]) -> Limits {
    Limits {
        models: models.iter().map(|model| (*model).to_owned()).collect(),
        ..Limits::default()
    }
}

fn budget(amount: f64, duration: &str) -> Limits {
    Limits {
        max_budget: Some(amount.try_into().unwrap()),
        budget_duration: (!duration.is_empty()).then(|| duration.parse().unwrap()),
        ..Limits::default()
    }
}

fn pointers(own: &Limits, organization: &Limits) -> Vec<&'static str> {
    let exceeding = own.exceeding(&Limits::default(), organization);
    exceeding.into_iter().map(|it| it.pointer).collect()
}

#[test]
fn models_are_those_of_team_and_organization() {
    let all = ALL_ORGANIZATION_MODELS;
    for (own, organization, effective) in [
        (&[all][..], &["large", "small"][..], &["large", "small"][..]),
        (
            &["small", all, all],
            &["large", "small"],
            &["small", "large"],
        ),
        (&[], &["large", "small", "large"], &["large", "small"]),
        (&["small"], &["large", "small"], &["small"]),
        (&["small", "tiny"], &["large", "small"], &["small"]),
        // Without a list of the organization, the team's own list applies. Without both, there is no limit.
        (&["tiny"], &[], &["tiny"]),
        (&[all, "tiny"], &[], &[]),
        (&[], &[], &[]),
        // An empty list would mean all models.
        (&["tiny"], &["large"], &[NO_MODELS]),
        (&[NO_MODELS], &["large"], &[NO_MODELS]),
    ] {
        let organization = models(organization);
        let found = models(own).effective_models(Some(&organization));
        assert_eq!(found, effective, "{own:?} in {organization:?}");
    }
    assert_eq!(models(&["tiny"]).effective_models(None), ["tiny"]);
}

#[test]
fn models_must_be_a_subset() {
    let organization = models(&["large", "small"]);
    for within in [
        &["large"][..],
        &[],
        &[ALL_ORGANIZATION_MODELS],
        &[NO_MODELS],
    ] {
        assert!(
            pointers(&models(within), &organization).is_empty(),
            "{within:?}"
        );
    }
    for beyond in [
        &["tiny"][..],
        &["large", "tiny"],
        &[ALL_ORGANIZATION_MODELS, "Large"],
    ] {
        assert_eq!(pointers(&models(beyond), &organization), ["/limits/models"]);
    }
    assert!(pointers(&models(&["tiny"]), &models(&[])).is_empty());
}

#[test]
fn budgets_are_compared_per_time() {
    for (own, organization, exceeds) in [
        ((100.0, "30d"), (100.0, "30d"), false),
        ((100.0, "1mo"), (100.0, "30d"), false),
        ((100.5, "1mo"), (100.0, "30d"), true),
        // Only amounts of different durations are rounded.
        ((100.000_000_000_1, "30d"), (100.0, "30d"), true),
        ((100.0, "1s"), (100.0, "30d"), true),
        ((0.1, "1d"), (3.0, "30d"), false),
        ((0.11, "1d"), (3.0, "30d"), true),
        ((200.0, "60d"), (100.0, "30d"), false),
        ((1.0, "24h"), (1.0, "1d"), false),
        ((60.0, "60m"), (1.0, "60s"), false),
        // Without a duration, the organization's duration applies.
        ((100.0, ""), (100.0, "30d"), false),
        ((101.0, ""), (100.0, "30d"), true),
        ((100.0, ""), (100.0, ""), false),
        ((101.0, ""), (100.0, ""), true),
        // A renewed budget exceeds a budget that is never renewed.
        ((1.0, "30d"), (100.0, ""), true),
        ((0.0, "30d"), (100.0, ""), false),
    ] {
        let (own_limits, organization) =
            (budget(own.0, own.1), budget(organization.0, organization.1));
        let expected: &[&str] = if exceeds {
            &["/limits/max_budget"]
        } else {
            &[]
        };
        let found = pointers(&own_limits, &organization);
        assert_eq!(found, expected, "{own:?} in {organization:?}");
        let effective = own_limits.effective(Some(&organization));
        let applies = if exceeds { &organization } else { &own_limits };
        assert_eq!(effective.max_budget, applies.max_budget, "{own:?}");
    }
    let faster = Limits {
        budget_duration: Some("1s".parse().unwrap()),
        ..budget(100.0, "30d")
    };
    let exceeding = faster.exceeding(&budget(100.0, "30d"), &budget(100.0, "30d"));
    assert_eq!(exceeding[0].pointer, "/limits/budget_duration");
}

#[test]
fn team_without_own_limit_has_organization_limit() {
    let organization = Limits {
        tpm_limit: Some(1_000),
        rpm_limit: Some(10),
        ..budget(100.0, "30d")
    };
    let duration_alone = Limits {
        budget_duration: Some("1s".parse().unwrap()),
        ..Limits::default()
    };
    for own in [Limits::default(), duration_alone] {
        assert!(pointers(&own, &organization).is_empty());
        let effective = own.effective(Some(&organization));
        assert_eq!(effective.max_budget, organization.max_budget);
        assert_eq!(effective.budget_duration, organization.budget_duration);
        assert_eq!(effective.tpm_limit, Some(1_000));
        assert_eq!(effective.rpm_limit, Some(10));
        // A budget that is never renewed does not get the team's duration.
        let never_renewed = budget(100.0, "");
        let effective = own.effective(Some(&never_renewed));
        assert_eq!(effective.max_budget, never_renewed.max_budget);
        assert_eq!(effective.budget_duration, None);
    }
    let lower = Limits {
        tpm_limit: Some(999),
        ..budget(50.0, "")
    };
    let effective = lower.effective(Some(&organization));
    assert_eq!(effective.max_budget, lower.max_budget);
    assert_eq!(effective.budget_duration, organization.budget_duration);
    assert_eq!(effective.tpm_limit, Some(999));
    assert_eq!(lower.effective(None).max_budget, lower.max_budget);
}

#[test]
fn only_limits_that_change_can_exceed() {
    let organization = Limits {
        rpm_limit: Some(10),
        tpm_limit: Some(1_000),
        ..models(&["small"])
    };
    let before = Limits {
        rpm_limit: Some(11),
        ..models(&["large"])
    };
    let after = Limits {
        tpm_limit: Some(1_001),
        ..before.clone()
    };
    let pointers: Vec<_> = after
        .exceeding(&before, &organization)
        .into_iter()
        .map(|it| it.pointer)
        .collect();
    assert_eq!(pointers, ["/limits/tpm_limit"]);
    let effective = before.effective(Some(&organization));
    assert_eq!(effective.rpm_limit, Some(10));
}

#[test]
fn a_rate_equal_to_the_organizations_is_within_it() {
    let rates = |tpm_limit, rpm_limit| Limits {
        tpm_limit: Some(tpm_limit),
        rpm_limit: Some(rpm_limit),
        ..Limits::default()
    };
    let organization = rates(100, 10);
    let rejected: [(_, &[_]); 4] = [
        ((100, 10), &[]),
        ((101, 10), &["/limits/tpm_limit"]),
        ((100, 11), &["/limits/rpm_limit"]),
        ((101, 11), &["/limits/tpm_limit", "/limits/rpm_limit"]),
    ];
    for ((tpm, rpm), expected) in rejected {
        assert_eq!(pointers(&rates(tpm, rpm), &organization), expected);
    }
}

#[test]
fn without_budgets_a_duration_still_applies() {
    let duration = |text: &str| Limits {
        budget_duration: Some(text.parse().unwrap()),
        ..Limits::default()
    };
    let (day, month, none) = (duration("1d"), duration("1mo"), Limits::default());
    for (own, organization, expected) in [
        (&day, &none, &day),
        (&day, &month, &month),
        (&none, &month, &month),
        (&none, &none, &none),
    ] {
        let effective = own.effective(Some(organization));
        assert_eq!(effective.max_budget, None);
        assert_eq!(effective.budget_duration, expected.budget_duration);
    }
}

#[test]
fn budgets_of_other_periods_are_compared_exactly() {
    let exceeds = |own: &Limits, most: &Limits| !pointers(own, most).is_empty();
    // Twice a day's budget in two days.
    assert!(exceeds(&budget(1.000_001, "1d"), &budget(2.0, "2d")));
    assert!(!exceeds(&budget(1.0, "1d"), &budget(2.0, "2d")));
    assert!(!exceeds(&budget(0.0, "1d"), &budget(0.0, "2d")));
}
