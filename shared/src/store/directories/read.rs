//! Reading directories.

use super::{DeletionRow, from_row};
use crate::domain::{Directory, DirectoryId, DirectoryStatus, Page, TenantId};
use crate::store::access;
use crate::store::keys::{self, DIRECTORY_PREFIX, MAX_SORT_KEY_BYTES};
use crate::store::table::{Item, Query, from_item};
use crate::store::{Context, Error, Refusal, Store, table};

/// The directory that a login follows.
#[derive(Clone, Debug, PartialEq)]
pub enum LoginDirectory {
    /// The tenant has none of its own.
    None,
    /// The tenant's own directory.
    Active(Box<Directory>),
    /// The tenant's own directory is paused, broken or being deleted: nothing changes.
    Inactive(DirectoryStatus),
}

impl Store {
    /// Returns the directories of the tenant, in the order of their creation. Requires a tenant admin.
    pub async fn directories(
        &self,
        cx: &Context,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Directory>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let after = after.map(|place| start_after(tenant, place)).transpose()?;
        let page = self.directories_of(tenant, after, limit).await?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(from_row)
                .collect::<Result<_, _>>()?,
            next: page.next,
        })
    }

    async fn directories_of(
        &self,
        tenant: &TenantId,
        after: Option<Item>,
        limit: usize,
    ) -> Result<table::Page, table::Error> {
        let partition = keys::directories_partition(tenant);
        let query = Query::in_partition(None, partition, DIRECTORY_PREFIX)
            .after(after)
            .limit(limit);
        self.table.query(query).await
    }

    /// Returns the directory that a login of the tenant follows. Makes one read.
    pub async fn login_directory(&self, tenant: &TenantId) -> Result<LoginDirectory, Error> {
        // A tenant has at most one.
        let page = self.directories_of(tenant, None, 1).await?;
        let Some(item) = page.items.into_iter().next() else {
            return Ok(LoginDirectory::None);
        };
        let deletion: DeletionRow = from_item(&item)?;
        let directory = from_row(item)?;
        if directory.status == DirectoryStatus::Active && deletion.deleting.is_none() {
            return Ok(LoginDirectory::Active(directory.into()));
        }
        Ok(LoginDirectory::Inactive(directory.status))
    }

    /// Returns a directory. Requires a tenant admin.
    pub async fn directory(&self, cx: &Context, id: &DirectoryId) -> Result<Directory, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let found = self.existing_directory(&cx.caller.tenant_id, id).await?;
        Ok(found.0)
    }

    pub(super) async fn existing_directory(
        &self,
        tenant: &TenantId,
        id: &DirectoryId,
    ) -> Result<(Directory, DeletionRow), Error> {
        let item = self.table.get(&keys::directory(tenant, id)).await?;
        let item = item.ok_or(Refusal::NotFound)?;
        let deletion = from_item(&item)?;
        Ok((from_row(item)?, deletion))
    }
}

/// Returns the key to continue after. DynamoDB would reject a key that is too long.
fn start_after(tenant: &TenantId, place: &str) -> Result<Item, Refusal> {
    if !place.starts_with(DIRECTORY_PREFIX) || place.len() > MAX_SORT_KEY_BYTES {
        return Err(Refusal::InvalidPosition);
    }
    Ok(keys::directory_at(tenant, place).attributes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_must_be_of_a_directory_and_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let place = |place: &str| start_after(&tenant, place);
        let long = |bytes: usize| format!("{DIRECTORY_PREFIX:x<bytes$}");
        let found = place(&long(MAX_SORT_KEY_BYTES)).unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("sk"), long(MAX_SORT_KEY_BYTES));
        assert!(text("pk").contains("acme"));
        for other in ["ENTRA", "", &long(MAX_SORT_KEY_BYTES + 1)] {
            assert!(
                matches!(place(other), Err(Refusal::InvalidPosition)),
                "{other}"
            );
        }
    }
}
