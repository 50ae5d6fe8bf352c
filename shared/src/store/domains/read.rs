//! Reading domains.

use super::from_row;
use crate::domain::{
    Caller, DomainKey, OrganizationDomain, OrganizationId, Page, Permission, Timestamp,
};
use crate::store::access::View;
use crate::store::keys::{self, DOMAIN_PREFIX, Key, MAX_SORT_KEY_BYTES};
use crate::store::table::Query;
use crate::store::{Context, Error, Refusal, Store};

impl Store {
    /// Returns a domain of an organization. Requires an owner.
    pub async fn domain(
        &self,
        cx: &Context,
        DomainKey {
            organization,
            domain,
        }: DomainKey<'_>,
    ) -> Result<OrganizationDomain, Error> {
        let key = keys::domain(&cx.caller.tenant_id, organization, domain);
        let view = self
            .view_of_domains(&cx.caller, organization, &[&key], cx.now)
            .await?;
        Ok(found(&view, &key)?.ok_or(Refusal::NotFound)?)
    }

    /// Returns the domains of an organization by name. Requires an owner.
    pub async fn domains(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<OrganizationDomain>, Error> {
        let tenant = &cx.caller.tenant_id;
        let after = after.map(|place| {
            if !place.starts_with(DOMAIN_PREFIX) || place.len() > MAX_SORT_KEY_BYTES {
                return Err(Refusal::InvalidPosition);
            }
            Ok(keys::domain_at(tenant, organization, place).attributes())
        });
        let query = self.table.query(
            Query::in_partition(
                None,
                keys::domains_partition(tenant, organization),
                DOMAIN_PREFIX,
            )
            .after(after.transpose()?)
            .limit(limit),
        );
        let (_, page) = tokio::try_join!(
            self.view_of_domains(&cx.caller, organization, &[], cx.now),
            async { Ok::<_, Error>(query.await?) }
        )?;
        let items = page.items.into_iter().map(from_row);
        Ok(Page {
            items: items.collect::<Result<_, _>>()?,
            next: page.next,
        })
    }

    /// Reads what an operation on domains depends on. Requires an owner of a live organization.
    pub(super) async fn view_of_domains(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        more: &[&Key],
        now: Timestamp,
    ) -> Result<View, Error> {
        let view = self.view(caller, organization, more).await?;
        view.organization(caller, organization, now)?;
        view.standing(caller, organization)?
            .require(Permission::ManageDomains)?;
        Ok(view)
    }
}

/// Returns a domain that was read.
pub(super) fn found(view: &View, key: &Key) -> Result<Option<OrganizationDomain>, Error> {
    Ok(view.item(key).map(from_row).transpose()?)
}
