//! Changing a domain.

use super::read::found;
use super::{
    DomainAction, event, hold_organization, not_changed, not_of_another, put_claim, require,
    to_change, unchanged,
};
use crate::domain::{
    DomainKey, DomainPatch, DomainStatus, EventType, ExpectedVersion, OrganizationDomain,
    Transition,
};
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
    /// Changes auto-join of a domain. Requires an owner, and a verified domain to turn it on.
    ///
    /// Makes one read, and writes one transaction on the condition that the domain is unchanged since the read and
    /// still belongs to the organization.
    pub async fn update_domain(
        &self,
        cx: &Context,
        DomainKey {
            organization,
            domain,
        }: DomainKey<'_>,
        patch: &DomainPatch,
        expected: &ExpectedVersion,
    ) -> Result<OrganizationDomain, Error> {
        let caller = &cx.caller;
        let key = keys::domain(&caller.tenant_id, organization, domain);
        let key = &key;
        self.until_settled("update_domain", |now| async move {
            let view = self
                .view_of_domains(caller, organization, &[key], now)
                .await?;
            let before = found(&view, key)?.ok_or(Refusal::NotFound)?;
            expected.require(before.version)?;
            let after = patch.apply(&before, now);
            let is_verified = before.status == DomainStatus::Verified;
            if patch.auto_join == Some(true) && !is_verified {
                return Err(Refusal::DomainNotVerified.into());
            }
            if after == before {
                return Ok(before);
            }
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::DomainUpdated, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            require(&mut transaction, caller, organization, now);
            hold_organization(&mut transaction, &caller.tenant_id, organization);
            let same = unchanged(&before)?;
            transaction.update(DomainAction::Domain, key, to_change(&after)?, same);
            if is_verified {
                put_claim(&mut transaction, &after, not_of_another(organization))?;
            }
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
