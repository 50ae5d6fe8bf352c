//! Reading organizations.

use super::{OrganizationFilter, OrganizationForCaller};
use crate::domain::{Organization, OrganizationId, Permission};
use crate::store::keys::{self, GSI1, GSI2};
use crate::store::naming::place_by_name;
use crate::store::rows::organizations::from_row;
use crate::store::table::Query;
use crate::store::{Context, Error, Page, Store, access, members};

impl Store {
    /// Returns an organization as the caller may see it. Requires an active member.
    pub async fn organization(
        &self,
        cx: &Context,
        id: &OrganizationId,
    ) -> Result<OrganizationForCaller, Error> {
        let caller = &cx.caller;
        let count = keys::member_count(&caller.tenant_id, id);
        let view = self.view(caller, id, &[&count]).await?;
        let organization = view.organization(caller, id, self.clock.now())?;
        let standing = view.standing(caller, id)?;
        standing.require(Permission::ViewOrganization)?;
        Ok(OrganizationForCaller {
            organization,
            with_billing: standing.grants(Permission::ViewBilling),
            member_count: match view.item(&count) {
                // Its first event has not been counted, or it has no members.
                None if view.counts_from_start(caller, id) => Some(0),
                counted => members::member_count(counted)?,
            },
        })
    }

    /// Returns the organizations of the tenant in the order of their names, after `after`. Requires a tenant
    /// admin.
    pub async fn organizations(
        &self,
        cx: &Context,
        filter: &OrganizationFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Organization>, Error> {
        let caller = &cx.caller;
        access::require_tenant_admin(caller)?;
        let (index, partition) = match &filter.domain {
            Some(domain) => (
                GSI2,
                keys::domain_partition(&caller.tenant_id, domain, filter.status),
            ),
            None => (
                GSI1,
                keys::organizations_partition(&caller.tenant_id, filter.status),
            ),
        };
        let start = match (&filter.name, &filter.name_prefix) {
            (Some(name), _) => keys::name_start(name),
            (None, Some(prefix)) => keys::name_prefix_start(prefix),
            (None, None) => String::new(),
        };
        let after = after
            .map(|place| {
                place_by_name(index, &partition, &start, place, |id| {
                    let id = OrganizationId::parse(id).ok()?;
                    Some(keys::organization(&caller.tenant_id, &id))
                })
            })
            .transpose()?;
        let page = self
            .table
            .query(
                Query::in_partition(Some(index), partition, start)
                    .after(after)
                    .limit(limit),
            )
            .await?;
        let now = self.clock.now();
        let mut items = Vec::with_capacity(page.items.len());
        for item in page.items {
            let organization = from_row(item)?;
            let folded = organization.name.folded();
            // The key contains a very long prefix only in part, so the full name is compared.
            let begins = filter
                .name_prefix
                .as_ref()
                .is_none_or(|prefix| folded.as_str().starts_with(prefix.as_str()));
            if begins && !organization.is_purged(now) {
                items.push(organization);
            }
        }
        Ok(Page {
            items,
            next: page.next,
        })
    }
}
