//! Removing a domain from an organization.

use super::read::found;
use super::{
    DomainAction, count, event, hold_organization, not_changed, not_of_another, require, unchanged,
};
use crate::domain::{DomainKey, DomainStatus, EventType, ExpectedVersion, Transition};
use crate::store::table::Condition;
use crate::store::{Context, Error, Store, keys};

impl Store {
    /// Removes a domain from an organization. Succeeds if the organization does not have it. Requires an owner.
    ///
    /// Makes one read, and writes one transaction on the condition that the domain is unchanged since the read.
    pub async fn remove_domain(
        &self,
        cx: &Context,
        DomainKey {
            organization,
            domain,
        }: DomainKey<'_>,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        let caller = &cx.caller;
        let tenant = &caller.tenant_id;
        let key = keys::domain(tenant, organization, domain);
        let key = &key;
        self.until_settled("remove_domain", |now| async move {
            let view = self
                .view_of_domains(caller, organization, &[key], now)
                .await?;
            let Some(before) = found(&view, key)? else {
                return Ok(());
            };
            expected.require(before.version)?;
            let event = event(EventType::DomainRemoved, Transition::Removed(&before));
            let mut transaction = self.transaction(&cx.origin, [event])?;
            require(&mut transaction, caller, organization, now);
            hold_organization(&mut transaction, tenant, organization);
            transaction.delete(DomainAction::Domain, key, unchanged(&before)?);
            let number = keys::domain_count(tenant, organization);
            transaction.touch(
                DomainAction::Count,
                &number,
                count(-1),
                Condition::present(),
            );
            if before.status == DomainStatus::Verified {
                let claim = keys::domain_claim(tenant, domain);
                transaction.delete(DomainAction::Claim, &claim, not_of_another(organization));
            }
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
