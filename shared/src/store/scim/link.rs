//! The link of directory users to users of the product, and the changes that linked users do not have yet.

use super::login::unlinked;
use super::{UNAPPLIED, still_linked};
use crate::domain::{ScimScope, ScimUserId, UserId};
use crate::store::keys::{self, GSI2};
use crate::store::table::{Condition, ItemChange, Query, text, text_of};
use crate::store::{Error, Store, table};

impl Store {
    /// Links a directory user to a user of the product. Returns whether it is linked to this one now.
    ///
    /// Writes on the condition that it exists and is not linked, or is linked to this one.
    pub async fn link_scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        user: &UserId,
    ) -> Result<bool, Error> {
        let free = still_linked(None).or(still_linked(Some(user)));
        let change = ItemChange::new().set("user_id", text(user.as_str()));
        let key = keys::scim_user(scope, id);
        Ok(self.table.update(&key, change, free).await?)
    }

    /// Ends the link of a directory user to this user of the product. Returns whether it was linked to it.
    pub async fn unlink_scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        user: &UserId,
    ) -> Result<bool, Error> {
        let change = unlinked();
        let key = keys::scim_user(scope, id);
        let linked = still_linked(Some(user));
        Ok(self.table.update(&key, change, linked).await?)
    }

    /// Returns directory users whose linked users do not have their last change yet, at most `limit` of those after a
    /// place, in the order of their ids. Eventually consistent.
    pub async fn unapplied_scim_users(
        &self,
        scope: &ScimScope,
        after: Option<&ScimUserId>,
        limit: usize,
    ) -> Result<Vec<ScimUserId>, Error> {
        let partition = keys::scim_unapplied_partition(scope);
        let after = after.map(|user| {
            let mut place = keys::scim_unapplied(scope, user).attributes_of(GSI2);
            place.extend(keys::scim_user(scope, user).attributes());
            place
        });
        let page = self
            .table
            .query(
                Query::in_partition(Some(GSI2), partition, "")
                    .after(after)
                    .limit(limit),
            )
            .await?;
        let ids = page.items.iter().map(|item| {
            let id = text_of(item, &format!("{GSI2}sk"))?;
            ScimUserId::parse(id).map_err(table::Error::unreadable)
        });
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Records that the linked user has this change of the directory user. Does nothing if another change followed.
    pub async fn applied_scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        unapplied: &str,
    ) -> Result<(), Error> {
        let change = ItemChange::new()
            .remove(UNAPPLIED)
            .remove(&format!("{GSI2}pk"))
            .remove(&format!("{GSI2}sk"));
        let same =
            Condition::new(format!("#{UNAPPLIED} = :applied")).value(":applied", text(unapplied));
        let key = keys::scim_user(scope, id);
        self.table.update(&key, change, same).await?;
        Ok(())
    }
}
