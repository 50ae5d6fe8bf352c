//! Copies the names of users onto their memberships.

use std::collections::BTreeMap;
use std::future::ready;

use futures_util::{StreamExt, TryStreamExt, stream};

use crate::domain::{Membership, OrganizationId, TenantId, Timestamp, User, UserId};
use crate::store::keys::{self, MEMBERSHIP_PREFIX};
use crate::store::rows::names::{
    NAMES_PENDING, NamesLag, ProfileCopy, copy, in_index, same_names, write_email_entry,
};
use crate::store::rows::users;
use crate::store::table::{Condition, Item, ItemChange, in_partition, number, text_of};
use crate::store::{Error, Store, table};

/// Maximum number of concurrent writes.
const AT_ONCE: usize = 32;

impl Store {
    /// Copies the name and the email address of a user onto their membership in an organization, unless the membership
    /// has that copy or a newer one. For a function that follows the stream; it acts without a caller.
    ///
    /// Reads both items in one call, and writes on the condition that the membership is the one that was read. A
    /// membership that is read after it was made and a profile that is read with it are copied in this order, so no
    /// rename is missed.
    pub async fn copy_profile(
        &self,
        tenant: &TenantId,
        user: &UserId,
        organization: &OrganizationId,
    ) -> Result<(), Error> {
        let profile = keys::user(tenant, user);
        let membership = keys::membership(tenant, user, organization);
        let mut found = self.table.get_all(&[&profile, &membership]).await?;
        let (Some(profile), Some(item)) = (found.remove(&profile), found.remove(&membership))
        else {
            return Ok(());
        };
        let user = users::from_row(profile)?;
        let is_same = ProfileCopy::of(&item)?.is_some_and(|copy| copy.names == user.names());
        if !is_same {
            self.write_copy(&user, organization, joined_at(&item)?)
                .await?;
        }
        Ok(())
    }

    async fn write_copy(
        &self,
        user: &User,
        organization: &OrganizationId,
        joined_at: Timestamp,
    ) -> Result<(), Error> {
        let (change, condition) = copy(user, organization, joined_at);
        let key = keys::membership(&user.tenant_id, &user.user_id, organization);
        // A condition that fails means that the membership is gone, or has a newer copy.
        self.table.update(&key, change, condition).await?;
        Ok(())
    }

    /// Copies the names of a profile onto all memberships of the user, and puts the profile of the last release into
    /// the index. At the end, removes the mark that this is left to do. A repetition continues.
    pub(in crate::store) async fn refresh_names(
        &self,
        user: &User,
        lag: NamesLag,
    ) -> Result<(), Error> {
        if lag == NamesLag::None {
            return Ok(());
        }
        let partition = keys::user_partition(&user.tenant_id, &user.user_id);
        let condition = in_partition(None, partition.clone(), MEMBERSHIP_PREFIX.to_owned());
        let items = self.table.query_all(&partition, condition, None).await?;
        let copies = items.iter().map(|item| async move {
            let organization = text_of(item, "organization_id")?;
            let organization =
                OrganizationId::parse(organization).map_err(table::Error::unreadable)?;
            self.write_copy(user, &organization, joined_at(item)?).await
        });
        let copies: Vec<_> = copies.collect();
        let copies = stream::iter(copies).buffer_unordered(AT_ONCE);
        copies.try_for_each(|()| ready(Ok(()))).await?;
        self.settle_names(user, lag).await
    }

    async fn settle_names(&self, user: &User, lag: NamesLag) -> Result<(), Error> {
        let key = keys::user(&user.tenant_id, &user.user_id);
        match lag {
            NamesLag::None => {}
            NamesLag::Copies(version) => {
                // Another change of the names has its own version, and its own refresh.
                let condition = Condition::new(format!("#{NAMES_PENDING} = :refreshed"))
                    .value(":refreshed", number(version));
                let change = ItemChange::new().remove(NAMES_PENDING);
                self.table.update(&key, change, condition).await?;
            }
            NamesLag::Index => {
                let condition = Condition::present()
                    .and(Condition::new("attribute_not_exists(#gsi3pk)"))
                    .and(same_names(user));
                let mut transaction = self.unrecorded();
                let change = in_index(ItemChange::new(), user);
                transaction.touch(UserListingAction::Profile, &key, change, condition);
                write_email_entry(&mut transaction, UserListingAction::Email, user);
                // A condition that fails means that another write listed the user.
                let _listed = transaction.commit().await?;
            }
        }
        Ok(())
    }

    /// Copies the names of a profile onto those of the memberships read that have others.
    pub(in crate::store) async fn copy_names_to(
        &self,
        user: &User,
        memberships: &BTreeMap<OrganizationId, Membership>,
        copies: &BTreeMap<OrganizationId, ProfileCopy>,
    ) -> Result<(), Error> {
        let names = user.names();
        let outdated = memberships.iter().filter(|(id, _)| {
            let copy = copies.get(*id);
            copy.is_none_or(|copy| copy.names != names)
        });
        let copies: Vec<_> = outdated
            .map(|(id, membership)| self.write_copy(user, id, membership.created_at))
            .collect();
        let copies = stream::iter(copies).buffer_unordered(AT_ONCE);
        copies.try_for_each(|()| ready(Ok(()))).await
    }
}

/// Label of the action in the transaction that lists a user.
#[derive(Clone, Copy, PartialEq)]
enum UserListingAction {
    Profile,
    Email,
}

fn joined_at(item: &Item) -> Result<Timestamp, table::Error> {
    let at = text_of(item, "created_at")?.parse();
    at.map_err(table::Error::unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::rows::names::add_copy;
    use crate::store::samples::{member_row, organization_id, profile_row, tenant, user};

    #[tokio::test]
    async fn only_a_membership_with_other_names_is_written() {
        let profile = profile_row("ada", &[("display_name", "Ada")]);
        for (copied, is_written) in [(None, true), (Some("Ada"), false), (Some("Eve"), true)] {
            let mut member = member_row("ada", Role::Member);
            if let Some(name) = copied {
                let copied = profile_row("ada", &[("display_name", name)]);
                let copied = users::from_row(copied).unwrap();
                add_copy(&mut member, &copied, &organization_id());
            }
            let fake = Fake::with([profile.clone(), member]);
            let (store, tenant, ada) = (fake.store(), tenant(), user("ada"));
            let id = organization_id();
            store.copy_profile(&tenant, &ada, &id).await.unwrap();
            assert_eq!(!fake.writes().is_empty(), is_written, "{copied:?}");
        }
    }
}
