//! The weekly check of verified domains.

use super::{Action, event, from_row, key_of, not_of_another, to_change, unchanged};
use crate::domain::{
    Actor, DomainCheck, DomainStatus, EventContext, EventType, OrganizationDomain, Origin,
    Timestamp, Transition,
};
use crate::store::keys::{self, GSI2, Key};
use crate::store::table::{Condition, Query, between};
use crate::store::{Error, Store, organizations};

/// A verified domain whose check is due.
#[derive(Clone, Debug)]
pub struct DueDomain {
    domain: OrganizationDomain,
    is_of_purged: bool,
}

impl DueDomain {
    /// Returns the domain.
    pub fn domain(&self) -> &OrganizationDomain {
        &self.domain
    }

    /// Returns whether its organization is purged, so that there is nothing to look up.
    pub fn is_of_purged(&self) -> bool {
        self.is_of_purged
    }
}

impl Store {
    /// Returns verified domains of all tenants whose checks became due after `after` and until `until`, in this order.
    /// A check that fails stays due. Makes one query, and one read of their organizations.
    pub async fn due_domains(
        &self,
        (after, until): (Option<&OrganizationDomain>, Timestamp),
        limit: usize,
    ) -> Result<Vec<DueDomain>, Error> {
        let first = match after {
            None => "0".to_owned(),
            // Sorts directly after the place of the last one.
            Some(last) => format!("{}!", super::check_place(last)),
        };
        let page = self
            .table
            .query(Query {
                index: Some(GSI2),
                condition: between(
                    Some(GSI2),
                    keys::domain_checks_partition(),
                    (first, format!("{until}~")),
                ),
                filter: None,
                after: None,
                limit,
                is_backwards: false,
            })
            .await?;
        let domains = page.items.into_iter().map(from_row);
        let domains: Vec<_> = domains.collect::<Result<_, _>>()?;
        let organizations = domains.iter().map(organization_of);
        let organizations: Vec<_> = organizations.collect();
        let found = self.read(&organizations.iter().collect::<Vec<_>>()).await?;
        let due = domains.into_iter().map(|domain| {
            let organization = found.item(&organization_of(&domain)).cloned();
            let organization = organization.map(organizations::from_row).transpose()?;
            Ok(DueDomain {
                is_of_purged: organization.is_none_or(|it| it.is_purged(until)),
                domain,
            })
        });
        due.collect()
    }

    /// Removes the domain of a purged organization, on the condition that it is unchanged since it was read. Returns
    /// whether it did.
    pub async fn remove_purged_domain(
        &self,
        due: &DueDomain,
        request_id: &str,
    ) -> Result<bool, Error> {
        let before = &due.domain;
        let (tenant, organization) = (&before.tenant_id, &before.organization_id);
        let event = event(EventType::DomainRemoved, Transition::Removed(before));
        let mut transaction = self.transaction(&origin(request_id), [event])?;
        transaction.delete(Action::Domain, &key_of(before), unchanged(before)?);
        let claim = keys::domain_claim(tenant, &before.domain);
        transaction.delete(Action::Claim, &claim, not_of_another(organization));
        let number = keys::domain_count(tenant, organization);
        transaction.delete(Action::Count, &number, Condition::none());
        Ok(transaction.commit().await?.is_ok())
    }

    /// Records what the weekly check of a domain has found, on the condition that the domain is unchanged since it was
    /// read: two runs at once count one miss. Returns whether the domain is no longer verified; `None` if it has changed.
    ///
    /// A domain that is no longer verified is free for other organizations. Memberships stay.
    pub async fn record_recheck(
        &self,
        due: &DueDomain,
        check: &DomainCheck,
        request_id: &str,
    ) -> Result<Option<bool>, Error> {
        let before = &due.domain;
        let now = self.clock.now();
        let after = before.after_recheck(check, now);
        let (key, same) = (key_of(before), unchanged(before)?);
        if after.status == before.status {
            let is_written = self.table.update(&key, to_change(&after)?, same).await?;
            return Ok(is_written.then_some(false));
        }
        let changed = Transition::Changed(before, &after);
        let event = event(EventType::DomainUpdated, changed);
        let mut transaction = self.transaction(&origin(request_id), [event])?;
        transaction.update(Action::Domain, &key, to_change(&after)?, same);
        let claim = keys::domain_claim(&before.tenant_id, &before.domain);
        let own = not_of_another(&before.organization_id);
        transaction.delete(Action::Claim, &claim, own);
        let committed = transaction.commit().await?;
        Ok(committed
            .is_ok()
            .then_some(after.status == DomainStatus::Failed))
    }
}

fn organization_of(domain: &OrganizationDomain) -> Key {
    keys::organization(&domain.tenant_id, &domain.organization_id)
}

fn origin(request_id: &str) -> Origin {
    Origin {
        actor: Actor::system(),
        context: EventContext {
            request_id: request_id.to_owned(),
            operation: "recheckDomains".to_owned(),
            ..EventContext::default()
        },
    }
}
