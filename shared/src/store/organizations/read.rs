//! Reading organizations.

use super::{OrganizationFilter, OrganizationForCaller};
use crate::domain::{Organization, OrganizationId, Permission, TenantId};
use crate::store::access::{self, standing};
use crate::store::keys::{self, GSI1, GSI2, Key, MAX_SORT_KEY_BYTES};
use crate::store::rows::organizations::from_row;
use crate::store::table::{Item, Query, in_partition};
use crate::store::{Context, Error, Page, Refusal, Store, members};

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
        let own = view.membership(&access::own_key(caller, id))?;
        let standing = standing(caller, own.as_ref())?;
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
            .map(|place| place_in_list(&caller.tenant_id, index, &partition, &start, place))
            .transpose()?;
        let page = self
            .table
            .query(Query {
                index: Some(index),
                condition: in_partition(Some(index), partition, start),
                filter: None,
                after,
                limit,
                is_backwards: false,
            })
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

/// Returns the key to continue after, from an organization's sort key by name. The key stays in the partition
/// for any `place`. DynamoDB would reject a key that does not start like the list, or is too long.
fn place_in_list(
    tenant: &TenantId,
    index: &str,
    partition: &str,
    start: &str,
    place: &str,
) -> Result<Item, Refusal> {
    let id = place
        .rsplit_once('#')
        .map(|(_, id)| OrganizationId::parse(id));
    let Some(Ok(id)) = id else {
        return Err(Refusal::InvalidPosition);
    };
    if !place.starts_with(start) || place.len() > MAX_SORT_KEY_BYTES {
        return Err(Refusal::InvalidPosition);
    }
    let mut key = keys::organization(tenant, &id).attributes();
    let in_index = Key {
        pk: partition.to_owned(),
        sk: place.to_owned(),
    };
    key.extend(in_index.attributes_of(index));
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_must_match_the_list_and_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let place = |place: &str| place_in_list(&tenant, GSI1, "the list", "sales", place);
        let long = |bytes: usize| format!("sales{}#id", "x".repeat(bytes - "sales#id".len()));
        let found = place("sales emea#id").unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("gsi1pk"), "the list");
        assert_eq!(text("gsi1sk"), "sales emea#id");
        assert_eq!(text("pk"), "TENANT#acme#ORG#id");
        assert!(place(&long(MAX_SORT_KEY_BYTES)).is_ok());
        for other in [
            "support#id",
            "sales",
            "sales#",
            &long(MAX_SORT_KEY_BYTES + 1),
        ] {
            assert!(
                matches!(place(other), Err(Refusal::InvalidPosition)),
                "{other}"
            );
        }
    }
}
