//! Verifying a domain. The record is looked up between the two operations.

use std::time::Duration;

use serde::Deserialize;

use super::read::found;
use super::{
    ClaimRow, DomainAction, event, from_row, hold_organization, not_changed, not_of_another,
    put_claim, require, to_change, unchanged,
};
use crate::domain::{
    DomainCheck, DomainKey, DomainStatus, EventType, ExpectedVersion, OrganizationDomain,
    OrganizationId, Timestamp, Transition,
};
use crate::store::access::View;
use crate::store::keys::Key;
use crate::store::rows::organizations;
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, from_item, number, text};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, idempotency, keys, table};

/// Requests to verify a domain are counted in periods of this length.
const PERIOD: Duration = Duration::from_mins(1);
/// Maximum number of look-ups of a domain in such a period. DNS servers must not be flooded through this API.
const MAX_CHECKS: u32 = 10;

/// The action that a request to verify a domain requires.
#[derive(Clone, Debug)]
pub enum DomainToVerify {
    /// Look up the record of this domain.
    LookUp(OrganizationDomain),
    /// Answer with the result of the first request with the same `Idempotency-Key`.
    Replay(IdempotentOutcome<OrganizationDomain>),
}

/// How often the record of a domain was looked up.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Checks {
    /// Start of the period, in seconds since 1970.
    checks_since: i64,
    /// Number of look-ups in it.
    checks: u32,
}

impl Checks {
    /// Returns the numbers after another look-up.
    fn after_one_more(&self, now: Timestamp) -> Result<Self, Refusal> {
        let now = now.as_second();
        let period = i64::try_from(PERIOD.as_secs()).unwrap_or(i64::MAX);
        if now >= self.checks_since.saturating_add(period) {
            return Ok(Self {
                checks_since: now,
                checks: 1,
            });
        }
        if self.checks >= MAX_CHECKS {
            return Err(Refusal::TooManyChecks);
        }
        Ok(Self {
            checks_since: self.checks_since,
            checks: self.checks + 1,
        })
    }

    fn as_read(&self, item: &Item) -> Condition {
        if item.contains_key("checks") {
            return Condition::new("#checks = :checks AND #checks_since = :since")
                .value(":checks", number(self.checks))
                .value(":since", number(self.checks_since));
        }
        Condition::present().and(Condition::new("attribute_not_exists(#checks)"))
    }
}

/// Another organization that had verified the domain, and is deleted.
struct Previous {
    organization: OrganizationId,
    /// Its item of the domain.
    domain: Option<OrganizationDomain>,
}

impl Store {
    /// Returns the domain whose record is to be looked up. Requires an owner.
    ///
    /// Makes one read, and counts the look-up on the condition that no other was counted since the read.
    pub async fn domain_to_verify(
        &self,
        cx: &Context,
        DomainKey {
            organization,
            domain,
        }: DomainKey<'_>,
        expected: &ExpectedVersion,
    ) -> Result<DomainToVerify, Error> {
        let key = keys::domain(&cx.caller.tenant_id, organization, domain);
        let key = &key;
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("domain_to_verify", |now| async move {
            let mut more = vec![key];
            more.extend(record.map(idempotency::IdempotencyRecord::key));
            let view = self
                .view_of_domains(&cx.caller, organization, &more, now)
                .await?;
            if let Some(first) = idempotency::found(record, &view)? {
                return Ok(DomainToVerify::Replay(first));
            }
            let item = view.item(key).ok_or(Refusal::NotFound)?;
            let before = from_row(item)?;
            expected.require(before.version)?;
            let checks: Checks = from_item(item)?;
            let after = checks.after_one_more(now)?;
            let change = ItemChange::new()
                .set("checks", number(after.checks))
                .set("checks_since", number(after.checks_since));
            if self.table.update(key, change, checks.as_read(item)).await? {
                Ok(DomainToVerify::LookUp(before))
            } else {
                Err(Unsettled::Overtaken)
            }
        })
        .await
    }

    /// Records what the look-up of the record of a domain has found. Requires an owner.
    ///
    /// Makes one read, and writes one transaction on the conditions that the domain is unchanged since the read, and
    /// that no other organization has verified it. A domain that was removed and added again has another token, which
    /// the look-up says nothing about.
    pub async fn record_verification(
        &self,
        cx: &Context,
        looked_up: &OrganizationDomain,
        check: &DomainCheck,
    ) -> Result<IdempotentOutcome<OrganizationDomain>, Error> {
        let OrganizationDomain {
            organization_id,
            domain,
            ..
        } = looked_up;
        let caller = &cx.caller;
        let tenant = &caller.tenant_id;
        let key = &keys::domain(tenant, organization_id, domain);
        let claim = &keys::domain_claim(tenant, domain);
        let record = cx.record();
        let record = record.as_ref();
        self.until_settled("record_verification", |now| async move {
            let view = self
                .view_of_domains(caller, organization_id, &[key, claim], now)
                .await?;
            let before = found(&view, key)?.ok_or(Refusal::NotFound)?;
            if before.token != looked_up.token {
                return Err(table::Error::Conflict("record_verification").into());
            }
            let after = before.after_verification(check, now);
            let changed = Transition::Changed(&before, &after);
            let mut events = Vec::new();
            let is_new = after.status != before.status;
            if is_new {
                let event_type = match after.status {
                    DomainStatus::Verified => EventType::DomainVerified,
                    _ => EventType::DomainUpdated,
                };
                events.push(event(event_type, changed));
            }
            let mut previous = None;
            if is_new && after.status == DomainStatus::Verified {
                previous = self.previous_owner(&view, claim, &after).await?;
            }
            let ended = previous.as_ref().and_then(|it| it.domain.as_ref());
            let ended = ended.map(|one| (one, one.ended(now)));
            if let Some((one, after)) = &ended {
                let changed = Transition::Changed(*one, after);
                events.push(event(EventType::DomainUpdated, changed));
            }
            let mut transaction = self.transaction(&cx.origin, events)?;
            require(&mut transaction, caller, organization_id, now);
            hold_organization(&mut transaction, tenant, organization_id);
            let same = unchanged(&before)?;
            transaction.update(DomainAction::Domain, key, to_change(&after)?, same);
            match &previous {
                Some(Previous { organization, .. }) => {
                    let still = Condition::new("#organization_id = :previous")
                        .value(":previous", text(organization.as_str()));
                    put_claim(&mut transaction, &after, still)?;
                    let key = keys::organization(tenant, organization);
                    let gone = Condition::new("attribute_not_exists(#pk)")
                        .or(organizations::live().negated());
                    transaction.check(DomainAction::PreviousOrganization, &key, gone);
                }
                None if is_new && after.status == DomainStatus::Verified => {
                    put_claim(&mut transaction, &after, not_of_another(organization_id))?;
                }
                None => {}
            }
            if let Some((one, after)) = &ended {
                let key = super::key_of(one);
                let same = unchanged(one)?;
                transaction.update(DomainAction::Previous, &key, to_change(after)?, same);
            }
            if let Some(record) = record {
                record.write(&mut transaction, DomainAction::Record, &after)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(after));
            };
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &DomainAction::Record)?
            {
                return Ok(outcome);
            }
            Err(not_changed(&unmet))
        })
        .await
    }

    /// Returns the deleted organization to which the domain belongs, if it does. Refuses if it belongs to another one
    /// that is live.
    async fn previous_owner(
        &self,
        view: &View,
        claim: &Key,
        one: &OrganizationDomain,
    ) -> Result<Option<Previous>, Error> {
        let Some(claim) = view.item(claim) else {
            return Ok(None);
        };
        let claim: ClaimRow = from_item(claim)?;
        if claim.organization_id == one.organization_id {
            return Ok(None);
        }
        let organization = keys::organization(&one.tenant_id, &claim.organization_id);
        let domain = keys::domain(&one.tenant_id, &claim.organization_id, &one.domain);
        let theirs = self.read(&[&organization, &domain]).await?;
        if let Some(item) = theirs.item(&organization)
            && organizations::from_row(item)?.is_live()
        {
            return Err(Refusal::DomainTaken.into());
        }
        Ok(Some(Previous {
            domain: found(&theirs, &domain)?.filter(|one| one.status == DomainStatus::Verified),
            organization: claim.organization_id,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_look_ups_a_minute_are_counted() {
        let start: Timestamp = "2026-11-28T10:00:00.000Z".parse().unwrap();
        let mut checks = Checks::default();
        for _ in 0..MAX_CHECKS {
            checks = checks.after_one_more(start).unwrap();
        }
        let last = start.after(PERIOD.saturating_sub(Duration::from_secs(1)));
        assert!(checks.after_one_more(last).is_err());
        let next = checks.after_one_more(start.after(PERIOD)).unwrap();
        assert_eq!(next.checks, 1);
    }
}
