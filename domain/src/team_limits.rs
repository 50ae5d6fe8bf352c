//! The limits of a team within those of its organization.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{ALL_ORGANIZATION_MODELS, Budget, BudgetDuration, Invalid, Limits};

/// Stands for no models in a list of models. An empty list means all models.
pub const NO_MODELS: &str = "no-default-models";

/// The relative excess over the organization's budget per time that still counts as equal, because budgets of
/// different durations are compared as fractions.
const TOLERANCE: f64 = 1e-12;

/// The limits that apply to a team: its own and its organization's together. `null` means
/// not limited.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct EffectiveLimits {
    /// Maximum amount that may be spent in one `budget_duration`.
    pub max_budget: Option<Budget>,
    /// Period after which the budget is renewed; `null` if it is never renewed.
    pub budget_duration: Option<BudgetDuration>,
    /// Maximum tokens per minute.
    pub tpm_limit: Option<u64>,
    /// Maximum requests per minute.
    pub rpm_limit: Option<u64>,
}

/// A limit of a team that is higher than the limit of its organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExceedingLimit {
    /// The JSON pointer to the limit in a request that sets it.
    pub pointer: &'static str,
    /// The rule that the limit breaks.
    pub reason: Invalid,
}

impl Limits {
    /// Returns the models that a team with these limits may use. In an organization, these are the models of its own
    /// list that the organization has too, or the organization's models if it has no list. An empty list means all
    /// models.
    pub fn effective_models(&self, organization: Option<&Self>) -> Vec<String> {
        let Some(organization) = organization else {
            return self.models.clone();
        };
        let own = &self.models;
        let of_organization = &organization.models;
        let has_all = own.is_empty() || own.iter().any(|it| it == ALL_ORGANIZATION_MODELS);
        if has_all && of_organization.is_empty() {
            return Vec::new();
        }
        let inherited = if own.is_empty() { of_organization } else { own };
        let allowed: BTreeSet<&String> = of_organization.iter().collect();
        let mut named = BTreeSet::new();
        let models: Vec<_> = inherited
            .iter()
            .flat_map(|model| {
                if model == ALL_ORGANIZATION_MODELS && !own.is_empty() {
                    of_organization.as_slice()
                } else {
                    std::slice::from_ref(model)
                }
            })
            .filter(|model| allowed.is_empty() || allowed.contains(model))
            .filter(|model| named.insert(*model))
            .cloned()
            .collect();
        if models.is_empty() {
            // An empty list would mean all models.
            return vec![NO_MODELS.to_owned()];
        }
        models
    }

    /// Returns the limits that apply to a team with these limits.
    pub fn effective(&self, organization: Option<&Self>) -> EffectiveLimits {
        let none = Self::default();
        let organization = organization.unwrap_or(&none);
        let (max_budget, budget_duration) = match self.budget_within(organization) {
            Some((budget, duration)) if !exceeds_budget((budget, duration), organization) => {
                (Some(budget), duration)
            }
            None if organization.max_budget.is_none() => (
                None,
                organization
                    .budget_duration
                    .as_ref()
                    .or(self.budget_duration.as_ref()),
            ),
            // Uses the organization's duration: with the team's duration, the budget could be more per time.
            _ => (
                organization.max_budget,
                organization.budget_duration.as_ref(),
            ),
        };
        EffectiveLimits {
            max_budget,
            budget_duration: budget_duration.cloned(),
            tpm_limit: lower(self.tpm_limit, organization.tpm_limit),
            rpm_limit: lower(self.rpm_limit, organization.rpm_limit),
        }
    }

    /// Returns the limits of a team that differ from `before` and are higher than those of its organization. Ignores
    /// limits that were already higher because the organization's limit was lowered, so that they do not block other
    /// changes.
    pub fn exceeding(&self, before: &Self, organization: &Self) -> Vec<ExceedingLimit> {
        let mut exceeding = Vec::new();
        let mut exceeds = |pointer, reason: String| {
            let reason = Invalid::new(reason);
            exceeding.push(ExceedingLimit { pointer, reason });
        };
        if self.models != before.models
            && let Some(model) = self.model_beyond(organization)
        {
            exceeds(
                "/limits/models",
                format!("must name only models of the organization; {model:?} is not one of them"),
            );
        }
        let budget_changes = self.max_budget != before.max_budget;
        let duration_changes = self.budget_duration != before.budget_duration;
        if (budget_changes || duration_changes)
            && let Some(own) = self.budget_within(organization)
            && exceeds_budget(own, organization)
            && let Some(most) = organization.max_budget
        {
            let pointer = if budget_changes {
                "/limits/max_budget"
            } else {
                "/limits/budget_duration"
            };
            let most = f64::from(most);
            let reason = match &organization.budget_duration {
                Some(duration) => {
                    format!(
                        "must not be more per unit of time than {most} per {duration}, the budget of the organization"
                    )
                }
                None => format!(
                    "must not be more than the organization's {most}, which is never renewed"
                ),
            };
            exceeds(pointer, reason);
        }
        let rates = [
            (
                "/limits/tpm_limit",
                (self.tpm_limit, before.tpm_limit),
                organization.tpm_limit,
            ),
            (
                "/limits/rpm_limit",
                (self.rpm_limit, before.rpm_limit),
                organization.rpm_limit,
            ),
        ];
        for (pointer, (own, before), most) in rates {
            if own != before
                && let (Some(own), Some(most)) = (own, most)
                && own > most
            {
                exceeds(
                    pointer,
                    format!("must be at most {most}, the organization's limit"),
                );
            }
        }
        exceeding
    }

    /// Returns a model of the team that its organization does not have.
    fn model_beyond(&self, organization: &Self) -> Option<&String> {
        if organization.models.is_empty() {
            return None;
        }
        let allowed: BTreeSet<&String> = organization.models.iter().collect();
        self.models.iter().find(|model| {
            !allowed.contains(model) && *model != ALL_ORGANIZATION_MODELS && *model != NO_MODELS
        })
    }

    /// Returns the team's budget, with the organization's duration if it has none of its own. Returns `None` if the
    /// team has no budget: then the organization's budget applies, regardless of the team's duration.
    fn budget_within<'a>(
        &'a self,
        organization: &'a Self,
    ) -> Option<(Budget, Option<&'a BudgetDuration>)> {
        let own = self.budget_duration.as_ref();
        let duration = own.or(organization.budget_duration.as_ref());
        self.max_budget.map(|budget| (budget, duration))
    }
}

/// Returns whether a budget is more per time than the organization's. A budget that is never renewed is less than
/// any renewed budget.
fn exceeds_budget(
    (own, duration): (Budget, Option<&BudgetDuration>),
    organization: &Limits,
) -> bool {
    let Some(most) = organization.max_budget else {
        return false;
    };
    let (own, most) = (f64::from(own), f64::from(most));
    let seconds = |duration: &BudgetDuration| duration.seconds();
    match (
        duration.map(seconds),
        organization.budget_duration.as_ref().map(seconds),
    ) {
        (Some(own_seconds), Some(seconds)) if own_seconds != seconds => {
            own * as_number(seconds) > most * as_number(own_seconds) * (1.0 + TOLERANCE)
        }
        // A renewed budget will eventually exceed a budget that is never renewed.
        (Some(_), None) => own > 0.0,
        _ => own > most,
    }
}

fn as_number(seconds: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "below 2^53: nine digits of 30 days"
    )]
    let number = seconds as f64;
    number
}

fn lower(own: Option<u64>, most: Option<u64>) -> Option<u64> {
    match (own, most) {
        (Some(own), Some(most)) => Some(own.min(most)),
        (own, most) => own.or(most),
    }
}

#[cfg(test)]
mod tests {
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
}
