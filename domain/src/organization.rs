//! Organizations: a customer organization or business unit inside a tenant.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use strum::{EnumString, VariantNames};

use super::limits::models_or_null;
use super::patch::nothing_required;
use super::text::DomainInput;
use super::{
    BillingAddress, Budget, BudgetDuration, Domain, Email, Invalid, JsonObject, Limits, MAX_RATE,
    Metadata, Name, OrganizationId, Patch, Source, StripeCustomerId, TenantId, Timestamp, UserId,
};

/// How long a deleted organization can be restored before it is purged.
pub const RETENTION: Duration = Duration::from_hours(30 * 24);

/// Status of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub enum OrganizationStatus {
    /// Live.
    Active,
    /// Deleted, and can be restored for 30 days. Hidden everywhere except in lists of deleted organizations.
    Deleted,
}

/// An organization.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Organization {
    /// The id.
    pub id: OrganizationId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The name. Unique in the tenant among organizations that are not deleted, compared case-insensitively and
    /// with white space folded.
    pub name: Name,
    /// The domain.
    pub domain: Option<Domain>,
    /// Email address for invoices. Billing fields are shown to owners, admins and tenant admins only.
    pub billing_email: Option<Email>,
    /// Postal address for invoices.
    pub billing_address: Option<BillingAddress>,
    /// The customer id at Stripe.
    pub stripe_customer_id: Option<StripeCustomerId>,
    /// Arbitrary JSON metadata.
    pub metadata: Metadata,
    /// The limits on spending and usage.
    pub limits: Limits,
    /// Amount spent. Read-only.
    pub spend: f64,
    /// Source of the organization.
    pub source: Source,
    /// The status.
    pub status: OrganizationStatus,
    /// Starts at 1 and increases by 1 with each change.
    pub version: u64,
    /// The user who created it; `null` if the directory sync did.
    pub created_by: Option<UserId>,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Timestamp,
    /// Deletion time, if deleted.
    pub deleted_at: Option<Timestamp>,
}

/// A change of an organization by JSON Merge Patch: absent fields keep their value, `null` clears.
// With a name, it also creates an organization.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct OrganizationPatch {
    /// The new name. Cannot be `null`.
    #[schemars(with = "Name")]
    pub name: Option<Name>,
    /// The domain.
    #[schemars(with = "Patch<DomainInput>")]
    pub domain: Patch<Domain>,
    /// Email address for invoices.
    pub billing_email: Patch<Email>,
    /// Postal address for invoices.
    pub billing_address: Patch<BillingAddress>,
    /// The customer id at Stripe.
    pub stripe_customer_id: Patch<StripeCustomerId>,
    /// A merge patch of the metadata.
    #[schemars(with = "Patch<Map<String, Value>>")]
    pub metadata: MetadataPatch,
    /// A merge patch of the limits.
    pub limits: Patch<LimitsPatch>,
}

/// A change of metadata, as a merge patch.
pub type MetadataPatch = Patch<JsonObject>;

/// A change of limits. Absent fields keep their value, `null` removes the limit.
#[derive(Clone, Debug, Default, PartialEq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct LimitsPatch {
    /// Models that may be used. Empty means all.
    #[schemars(schema_with = "models_or_null")]
    pub models: Patch<Vec<String>>,
    /// Maximum amount that may be spent in one `budget_duration`.
    pub max_budget: Patch<Budget>,
    /// Period after which the budget is renewed.
    pub budget_duration: Patch<BudgetDuration>,
    /// Maximum tokens per minute.
    #[schemars(range(max = MAX_RATE))]
    pub tpm_limit: Patch<u64>,
    /// Maximum requests per minute.
    #[schemars(range(max = MAX_RATE))]
    pub rpm_limit: Patch<u64>,
}

impl Organization {
    /// Creates a new organization through the API for `created_by`.
    pub fn new(
        id: OrganizationId,
        tenant_id: TenantId,
        name: Name,
        created_by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant_id,
            name,
            domain: None,
            billing_email: None,
            billing_address: None,
            stripe_customer_id: None,
            metadata: Metadata::default(),
            limits: Limits::default(),
            spend: 0.0,
            source: Source::Manual,
            status: OrganizationStatus::Active,
            version: 1,
            created_by: Some(created_by),
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    /// Returns this new organization with the fields that its creator set. Fails if the metadata exceeds its limits.
    pub fn with(self, patch: &OrganizationPatch) -> Result<Self, Invalid> {
        let metadata = match &patch.metadata {
            Patch::Keep | Patch::Clear => Metadata::default(),
            // The metadata is set and not merged: a `null` in it is a value here.
            Patch::Set(object) => Metadata::new(object.clone())?,
        };
        let made = patch.apply(&self, self.created_at)?;
        Ok(Self {
            metadata,
            version: self.version,
            ..made
        })
    }

    /// Returns whether it is not deleted. A deleted organization is visible only for restoring it.
    pub fn is_live(&self) -> bool {
        self.status == OrganizationStatus::Active
    }

    /// Returns whether it was deleted so long ago that it counts as purged. DynamoDB removes it some time later.
    pub fn is_purged(&self, now: Timestamp) -> bool {
        self.purge_at().is_some_and(|purged| purged <= now)
    }

    /// Returns the time from which a deleted organization can no longer be restored.
    pub fn purge_at(&self) -> Option<Timestamp> {
        self.deleted_at.map(|deleted| deleted.after(RETENTION))
    }

    /// Returns this organization as deleted at `now`.
    #[must_use]
    pub fn deleted(&self, now: Timestamp) -> Self {
        Self {
            status: OrganizationStatus::Deleted,
            deleted_at: Some(now),
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }

    /// Returns this organization as restored at `now`.
    #[must_use]
    pub fn restored(&self, now: Timestamp) -> Self {
        Self {
            status: OrganizationStatus::Active,
            deleted_at: None,
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

impl OrganizationPatch {
    /// Returns whether it changes a billing field, which requires a separate permission.
    pub fn changes_billing(&self) -> bool {
        !(self.billing_email.is_keep()
            && self.billing_address.is_keep()
            && self.stripe_customer_id.is_keep())
    }

    /// Returns the organization after the change. Returns it unchanged, including the version, if nothing changes.
    /// Fails if the metadata would exceed its limits.
    pub fn apply(&self, before: &Organization, now: Timestamp) -> Result<Organization, Invalid> {
        let metadata = match &self.metadata {
            Patch::Keep => before.metadata.clone(),
            Patch::Clear => Metadata::default(),
            Patch::Set(patch) => before.metadata.merged(patch)?,
        };
        let after = Organization {
            name: self.name.clone().unwrap_or_else(|| before.name.clone()),
            domain: self.domain.apply(&before.domain),
            billing_email: self.billing_email.apply(&before.billing_email),
            billing_address: self.billing_address.apply(&before.billing_address),
            stripe_customer_id: self.stripe_customer_id.apply(&before.stripe_customer_id),
            metadata,
            limits: match &self.limits {
                Patch::Keep => before.limits.clone(),
                Patch::Clear => Limits::default(),
                Patch::Set(patch) => patch.apply(&before.limits),
            },
            ..before.clone()
        };
        if after == *before {
            return Ok(after);
        }
        Ok(Organization {
            version: before.version + 1,
            updated_at: now,
            ..after
        })
    }
}

impl LimitsPatch {
    /// Returns the limits after the change.
    pub fn apply(&self, before: &Limits) -> Limits {
        Limits {
            models: match &self.models {
                Patch::Keep => before.models.clone(),
                Patch::Clear => Vec::new(),
                Patch::Set(models) => models.clone(),
            },
            max_budget: self.max_budget.apply(&before.max_budget),
            budget_duration: self.budget_duration.apply(&before.budget_duration),
            tpm_limit: self.tpm_limit.apply(&before.tpm_limit),
            rpm_limit: self.rpm_limit.apply(&before.rpm_limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).unwrap()
    }

    fn acme() -> Organization {
        Organization::new(
            OrganizationId::parse("o").unwrap(),
            TenantId::parse("t").unwrap(),
            "Acme".parse().unwrap(),
            UserId::parse("ada").unwrap(),
            time(0),
        )
    }

    #[test]
    fn a_patch_that_changes_nothing_leaves_version_and_time() {
        let patch = OrganizationPatch {
            name: Some("Acme".parse().unwrap()),
            domain: Patch::Clear,
            limits: Patch::Set(LimitsPatch::default()),
            ..OrganizationPatch::default()
        };
        assert_eq!(patch.apply(&acme(), time(5)), Ok(acme()));
    }

    #[test]
    fn absent_keeps_and_null_clears() {
        let domain = OrganizationPatch {
            domain: Patch::Set("acme.example".parse().unwrap()),
            ..OrganizationPatch::default()
        };
        let with_domain = domain.apply(&acme(), time(5)).unwrap();
        assert_eq!((with_domain.version, with_domain.updated_at), (2, time(5)));

        let renamed = OrganizationPatch {
            name: Some("Acme 2".parse().unwrap()),
            ..OrganizationPatch::default()
        };
        assert_eq!(
            renamed.apply(&with_domain, time(6)).unwrap().domain,
            with_domain.domain
        );

        let cleared = OrganizationPatch {
            domain: Patch::Clear,
            ..OrganizationPatch::default()
        };
        assert_eq!(cleared.apply(&with_domain, time(7)).unwrap().domain, None);
    }

    #[test]
    fn a_deleted_organization_is_restorable_for_thirty_days() {
        let deleted = acme().deleted(time(1_000));
        let day = 24 * 60 * 60 * 1_000;
        assert!(!deleted.is_live());
        assert!(!deleted.is_purged(time(1_000 + 30 * day - 1)));
        assert!(deleted.is_purged(time(1_000 + 30 * day)));
        assert!(deleted.restored(time(2_000)).is_live());
    }
}
