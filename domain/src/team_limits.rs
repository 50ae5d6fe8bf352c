//! The limits of a team within those of its organization.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::{Budget, BudgetDuration, Invalid, Limits};

/// Stands for the organization's models in a team's list of models, resolved each time that the list is read.
pub const ALL_ORGANIZATION_MODELS: &str = "all-org-models";

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
            Some((budget, duration)) if !exceeds_budget(budget, duration, organization) => {
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
            && let Some((own, duration)) = self.budget_within(organization)
            && exceeds_budget(own, duration, organization)
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
fn exceeds_budget(own: Budget, duration: Option<&BudgetDuration>, organization: &Limits) -> bool {
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
mod tests;
