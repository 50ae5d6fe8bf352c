//! The weekly check of verified domains.

use std::time::Duration;

use super::{DomainAction, event, from_row, key_of, not_of_another, to_change, unchanged};
use crate::domain::{
    Actor, DomainCheck, DomainStatus, EventContext, EventType, OrganizationDomain, Origin,
    Timestamp, Transition,
};
use crate::store::keys::{self, GSI2, Key};
use crate::store::rows::organizations;
use crate::store::table::{Condition, ItemChange, Query, text, text_of};
use crate::store::{Error, Store, table};

/// How long after a look-up that failed the next one is due.
const REPEATED_AFTER: Duration = Duration::from_hours(24);

/// A verified domain whose check is due.
#[derive(Clone, Debug)]
pub struct DueDomain {
    domain: OrganizationDomain,
    /// Its place in the index: by the time of its next check, or of the repetition of one that failed.
    place: String,
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
    /// Makes one query, and one read of their organizations.
    pub async fn due_domains(
        &self,
        after: Option<&DueDomain>,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDomain>, Error> {
        let first = match after {
            None => "0".to_owned(),
            // Sorts directly after the place of the last one.
            Some(last) => format!("{}!", last.place),
        };
        let page = self
            .table
            .query(
                Query::between(
                    Some(GSI2),
                    keys::domain_checks_partition(),
                    first,
                    format!("{until}~"),
                )
                .limit(limit),
            )
            .await?;
        let domains = page.items.into_iter().map(|item| {
            let place = text_of(&item, "gsi2sk")?.to_owned();
            Ok((from_row(item)?, place))
        });
        let domains: Vec<_> = domains.collect::<Result<_, table::Error>>()?;
        let organizations = domains.iter().map(|(domain, _)| organization_of(domain));
        let organizations: Vec<_> = organizations.collect();
        let found = self.read(&organizations.iter().collect::<Vec<_>>()).await?;
        let due = domains.into_iter().map(|(domain, place)| {
            let organization = found.item(&organization_of(&domain));
            let organization = organization.map(organizations::from_row).transpose()?;
            Ok(DueDomain {
                is_of_purged: organization.is_none_or(|it| it.is_purged(until)),
                domain,
                place,
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
        transaction.delete(DomainAction::Domain, &key_of(before), unchanged(before)?);
        let claim = keys::domain_claim(tenant, &before.domain);
        transaction.delete(DomainAction::Claim, &claim, not_of_another(organization));
        let number = keys::domain_count(tenant, organization);
        transaction.delete(DomainAction::Count, &number, Condition::none());
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
        transaction.update(DomainAction::Domain, &key, to_change(&after)?, same);
        let claim = keys::domain_claim(&before.tenant_id, &before.domain);
        let own = not_of_another(&before.organization_id);
        transaction.delete(DomainAction::Claim, &claim, own);
        let committed = transaction.commit().await?;
        Ok(committed
            .is_ok()
            .then_some(after.status == DomainStatus::Failed))
    }
}

impl Store {
    /// Makes a check whose look-up failed due again in a day, on the condition that the domain is unchanged since it was
    /// read. Counts no miss. Until then it takes no time from the checks of other domains.
    pub async fn postpone_recheck(&self, due: &DueDomain) -> Result<(), Error> {
        let domain = &due.domain;
        let again_at = self.clock.now().after(REPEATED_AFTER);
        let place = keys::domain_check_place(
            again_at,
            &domain.tenant_id,
            &domain.organization_id,
            &domain.domain,
        );
        let change = ItemChange::new().set("gsi2sk", text(place));
        let verified = Condition::new("#status = :verified")
            .value(":verified", text(DomainStatus::Verified.as_str()));
        let same = unchanged(domain)?.and(verified);
        self.table.update(&key_of(domain), change, same).await?;
        Ok(())
    }
}

fn organization_of(domain: &OrganizationDomain) -> Key {
    keys::organization(&domain.tenant_id, &domain.organization_id)
}

fn origin(request_id: &str) -> Origin {
    Origin::new(
        Actor::system(),
        EventContext {
            request_id: request_id.to_owned(),
            operation: "recheckDomains".to_owned(),
            ..EventContext::default()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::domains::tests::domain;
    use crate::store::fake::Fake;
    use crate::store::samples::now;

    #[tokio::test]
    async fn a_check_whose_look_up_failed_is_due_again_in_a_day() {
        let domain = domain(DomainStatus::Verified);
        let key = key_of(&domain);
        let due = DueDomain {
            domain,
            place: String::new(),
            is_of_purged: false,
        };
        let fake = Fake::default();
        fake.store().postpone_recheck(&due).await.unwrap();
        let write = fake.last_write_of(&key).unwrap();
        let place = write.value("gsi2sk").unwrap();
        let tomorrow = now().after(Duration::from_hours(24)).to_string();
        assert!(place.starts_with(&tomorrow), "{place}");
        assert!(write.condition().contains("#status = :verified"));
    }
}
