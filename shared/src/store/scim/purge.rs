//! Deleting all users and groups of a directory.

use super::ScimAction;
use super::records::record_gone;
use crate::domain::{Origin, ScimScope};
use crate::store::keys::{self, SCIM_GROUP_PREFIX, SCIM_USER_PREFIX};
use crate::store::table::{Condition, Item, Query, key_of, text_of};
use crate::store::{Error, Store};

/// Number of items that one call deletes.
const PAGE: usize = 25;

impl Store {
    /// Deletes all users and groups of a directory that is being deleted: without its numbers no new ones are created.
    /// A repeated call continues.
    pub(in crate::store) async fn purge_scim(
        &self,
        scope: &ScimScope,
        origin: &Origin,
    ) -> Result<(), Error> {
        for prefix in [SCIM_USER_PREFIX, SCIM_GROUP_PREFIX] {
            let numbers = keys::scim_numbers(scope, prefix);
            self.table.delete(&numbers, Condition::none()).await?;
        }
        // Each item is deleted before its memberships, so that no request adds to them.
        loop {
            let items = self.first_items(keys::scim_partition(scope)).await?;
            if items.is_empty() {
                break;
            }
            for item in items {
                let mut transaction = self.unrecorded();
                let key = key_of(&item)?;
                transaction.delete(ScimAction::Resource, &key, Condition::none());
                let change = self.clock.new_id().to_string();
                record_gone(
                    &mut transaction,
                    scope,
                    text_of(&item, "id")?,
                    &change,
                    None,
                )?;
                // Without conditions, nothing is unmet.
                let _ = transaction.commit().await?;
            }
            self.finish_all_scim_changes(scope, origin).await?;
        }
        self.finish_all_scim_changes(scope, origin).await?;
        for partition in [
            keys::scim_names_partition(scope),
            keys::scim_found_partition(scope),
            keys::scim_numbers_partition(scope),
        ] {
            loop {
                let items = self.first_items(partition.clone()).await?;
                if items.is_empty() {
                    break;
                }
                let keys = items.iter().map(key_of);
                let keys: Vec<_> = keys.collect::<Result<_, _>>()?;
                self.table.delete_batch(&keys).await?;
            }
        }
        Ok(())
    }

    /// Finishes all recorded changes. Returns an error if one of them failed.
    async fn finish_all_scim_changes(
        &self,
        scope: &ScimScope,
        origin: &Origin,
    ) -> Result<(), Error> {
        let finished = self.finish_scim_changes(scope, origin).await?;
        finished.failures.into_iter().next().map_or(Ok(()), Err)
    }

    async fn first_items(&self, partition: String) -> Result<Vec<Item>, Error> {
        let query = Query::in_partition(None, partition, "").limit(PAGE);
        Ok(self.table.query(query).await?.items)
    }
}
