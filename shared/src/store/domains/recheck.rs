//! The weekly check of verified domains.

use super::{Action, event, from_row, key_of, not_of_another, to_change, unchanged};
use crate::domain::{
    Actor, DomainCheck, DomainStatus, EventContext, EventType, OrganizationDomain, Origin,
    Timestamp, Transition,
};
use crate::store::keys::{self, GSI2};
use crate::store::table::{Query, between};
use crate::store::{Error, Store};

/// A verified domain whose check is due.
#[derive(Clone, Debug)]
pub struct DueDomain(OrganizationDomain);

impl DueDomain {
    /// Returns the domain.
    pub fn domain(&self) -> &OrganizationDomain {
        &self.0
    }
}

impl Store {
    /// Returns verified domains of all tenants whose checks became due after `after` and until `until`, in this order.
    /// A check that fails stays due.
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
        let items = page.items.into_iter();
        Ok(items
            .map(|item| from_row(item).map(DueDomain))
            .collect::<Result<_, _>>()?)
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
        let before = &due.0;
        let now = self.clock.now();
        let after = before.after_recheck(check, now);
        let (key, same) = (key_of(before), unchanged(before)?);
        if after.status == before.status {
            let is_written = self.table.update(&key, to_change(&after)?, same).await?;
            return Ok(is_written.then_some(false));
        }
        let origin = Origin {
            actor: Actor::system(),
            context: EventContext {
                request_id: request_id.to_owned(),
                operation: "recheckDomains".to_owned(),
                ..EventContext::default()
            },
        };
        let changed = Transition::Changed(before, &after);
        let event = event(EventType::DomainUpdated, changed);
        let mut transaction = self.transaction(&origin, [event])?;
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
