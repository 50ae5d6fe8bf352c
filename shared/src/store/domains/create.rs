//! Adding a domain.

use super::{
    DomainAction, below, count, event, from_row, hold_organization, not_of_another, require, to_row,
};
use crate::domain::{EventType, MAX_DOMAINS, OrganizationDomain, Transition};
use crate::store::settle::Unsettled;
use crate::store::table::Condition;
use crate::store::{
    Added, Context, Error, IdempotentOutcome, Refusal, Store, access, idempotency, keys,
};

impl Store {
    /// Adds a domain to an organization, unless it has it. Requires an owner.
    ///
    /// Writes one transaction on the condition that the organization is live and has fewer than [`MAX_DOMAINS`], and
    /// that no other organization of the tenant has verified the domain.
    pub async fn add_domain(
        &self,
        cx: &Context,
        added: &OrganizationDomain,
    ) -> Result<IdempotentOutcome<Added<OrganizationDomain>>, Error> {
        let (tenant, organization) = (&added.tenant_id, &added.organization_id);
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("add_domain", |now| async move {
            let event = event(EventType::DomainAdded, Transition::Created(added));
            let mut transaction = self.transaction(&cx.origin, [event])?;
            require(&mut transaction, &cx.caller, organization, now);
            hold_organization(&mut transaction, tenant, organization);
            transaction.put(DomainAction::Domain, to_row(added)?, Condition::absent());
            let number = keys::domain_count(tenant, organization);
            transaction.touch(DomainAction::Count, &number, count(1), below(MAX_DOMAINS));
            let claim = keys::domain_claim(tenant, &added.domain);
            transaction.check(DomainAction::Claim, &claim, not_of_another(organization));
            let value = Added::New(added.clone());
            if let Some(record) = record {
                record.write(&mut transaction, DomainAction::Record, &value)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(value));
            };
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &DomainAction::Record)?
            {
                return Ok(outcome);
            }
            if let Some(refusal) = access::refusal(&unmet, &DomainAction::Caller) {
                return Err(refusal.into());
            }
            if unmet.of(&DomainAction::Organization).is_some() {
                return Err(Refusal::NotFound.into());
            }
            if let Some(Some(item)) = unmet.of(&DomainAction::Domain) {
                let before = from_row(item)?;
                let same = super::unchanged(&before)?;
                let key = super::key_of(&before);
                let kept = idempotency::unchanged(
                    self,
                    record,
                    DomainAction::Record,
                    |transaction| {
                        require(transaction, &cx.caller, organization, now);
                        hold_organization(transaction, tenant, organization);
                        transaction.check(DomainAction::Domain, &key, same);
                    },
                    Added::Already(before.clone()),
                );
                return kept.await?.ok_or(Unsettled::Overtaken);
            }
            if unmet.of(&DomainAction::Claim).is_some() {
                return Err(Refusal::DomainTaken.into());
            }
            match unmet.of(&DomainAction::Count) {
                Some(_) => Err(Refusal::TooManyDomains.into()),
                None => Err(Unsettled::Overtaken),
            }
        })
        .await
    }
}
