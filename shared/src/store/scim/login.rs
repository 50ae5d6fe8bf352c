//! The link of a user of the product to a directory user, recorded on both, for logins and after writes of SCIM.

use super::{ScimAction, UNAPPLIED, mark, still_linked};
use crate::domain::{
    Domain, GroupId, MembershipsOfDeleted, Name, Origin, ScimLookup, ScimScope, ScimUser,
    ScimUserId, Source, TenantId, UserId,
};
use crate::store::keys::{self, GSI2};
use crate::store::rows::known_user::{KnownUser, SCIM_USER, ScimLink};
use crate::store::rows::users;
use crate::store::table::{Condition, ItemChange, text};
use crate::store::{Error, Store};

/// A directory user and its groups, read with strong consistency.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimUserWithGroups {
    /// The user.
    pub user: ScimUser,
    /// The groups, in the order of their ids.
    pub groups: Vec<(GroupId, Name)>,
}

impl Store {
    /// Returns a directory user with its groups. Makes three reads, and one more if it has groups.
    pub async fn scim_user_with_groups(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
    ) -> Result<Option<ScimUserWithGroups>, Error> {
        // The user is read first: the groups then include the change that its mark names.
        let Some(user) = self.scim_user(scope, id).await? else {
            return Ok(None);
        };
        let groups = self.scim_groups_of(scope, id).await?;
        Ok(Some(ScimUserWithGroups { user, groups }))
    }

    /// Returns whether an organization of the tenant has verified a domain. Makes one read.
    pub async fn is_verified_domain(
        &self,
        tenant: &TenantId,
        domain: &Domain,
    ) -> Result<bool, Error> {
        let claim = self.table.get(&keys::domain_claim(tenant, domain)).await?;
        Ok(claim.is_some())
    }

    /// Returns the directory users that a value finds, with their groups; none if there are more than ten.
    pub async fn scim_users_to_link(
        &self,
        scope: &ScimScope,
        lookup: &ScimLookup,
    ) -> Result<Vec<ScimUserWithGroups>, Error> {
        let mut found = Vec::new();
        if self.are_too_many(scope, lookup).await? {
            // Not one of them alone is the user.
            return Ok(found);
        }
        let users = self.scim_users_found(scope, lookup).await?;
        for user in users.into_iter().flatten() {
            let groups = self.scim_groups_of(scope, &user.id).await?;
            found.push(ScimUserWithGroups { user, groups });
        }
        Ok(found)
    }

    /// Links a user who signs in to a directory user, and ends the link to the one before. Returns whether it did.
    ///
    /// Writes one transaction on the conditions that the profile has the link that was read, that the directory user is
    /// not linked to another user, and that the one before is linked to this user.
    pub async fn link_scim_user_at_login(
        &self,
        scope: &ScimScope,
        known: &KnownUser,
        to: &ScimUserId,
        instead_of: Option<&ScimUserId>,
    ) -> Result<bool, Error> {
        let user = known.user_id();
        let link = ScimLink {
            directory_id: scope.directory_id.clone(),
            user: to.clone(),
        };
        let as_read = match &known.scim_link {
            Some(before) => Condition::new(format!("#{SCIM_USER} = :link_before"))
                .value(":link_before", text(before.to_string())),
            None => Condition::new(format!("attribute_not_exists(#{SCIM_USER})")),
        };
        let is_same =
            Condition::new(format!("#{SCIM_USER} = :link")).value(":link", text(link.to_string()));
        let mut transaction = self.unrecorded();
        transaction.update(
            ScimAction::Profile,
            &keys::user(&scope.tenant_id, user),
            ItemChange::new().set(SCIM_USER, text(link.to_string())),
            users::is_known().and(as_read.or(is_same)),
        );
        transaction.update(
            ScimAction::Resource,
            &keys::scim_user(scope, to),
            // Marked until the user has what the directory user gives, so that the next one finishes a login that stops here.
            mark(
                link_change(user),
                scope,
                to,
                &self.clock.new_id().to_string(),
            ),
            still_linked(None).or(still_linked(Some(user))),
        );
        if let Some(before) = instead_of {
            transaction.update(
                ScimAction::Member,
                &keys::scim_user(scope, before),
                unlinked(),
                still_linked(Some(user)),
            );
        }
        Ok(transaction.commit().await?.is_ok())
    }

    /// Ends what a deleted directory user gave to the user whom it was linked to, and removes the link from the profile.
    /// The membership of the last active owner of an organization stays, with the source `manual`.
    ///
    /// If the user is linked to another directory user by now, that one says what they have: it is marked, and returned.
    ///
    /// Reads the memberships, and writes each on the condition that it is unchanged.
    pub(super) async fn end_given_by_scim_user(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        user: &UserId,
        origin: &Origin,
    ) -> Result<Option<ScimUserId>, Error> {
        if let Some(other) = self.marked_successor(scope, id, user).await? {
            return Ok(Some(other));
        }
        let (remove, given) = (MembershipsOfDeleted::Remove, Source::Scim);
        self.end_given(&scope.tenant_id, user, remove, given, origin)
            .await?;
        let link = ScimLink {
            directory_id: scope.directory_id.clone(),
            user: id.clone(),
        };
        let is_linked =
            Condition::new(format!("#{SCIM_USER} = :link")).value(":link", text(link.to_string()));
        let key = keys::user(&scope.tenant_id, user);
        let change = ItemChange::new().remove(SCIM_USER);
        self.table.update(&key, change, is_linked).await?;
        // One that was linked meanwhile may have lost what they had just been given.
        self.marked_successor(scope, id, user).await
    }

    /// Marks the directory user that a user is linked to, unless it is this one. Returns it.
    async fn marked_successor(
        &self,
        scope: &ScimScope,
        id: &ScimUserId,
        user: &UserId,
    ) -> Result<Option<ScimUserId>, Error> {
        let profile = self.table.get(&keys::user(&scope.tenant_id, user)).await?;
        let link = profile
            .as_ref()
            .and_then(|it| it.get(SCIM_USER)?.as_s().ok());
        let link = link.and_then(|link| link.parse::<ScimLink>().ok());
        let other = link.filter(|it| it.directory_id == scope.directory_id && it.user != *id);
        let Some(other) = other.map(|it| it.user) else {
            return Ok(None);
        };
        self.mark_scim_user(scope, &other).await?;
        Ok(Some(other))
    }

    /// Marks a directory user whose linked user may not have what it gives. Writes on the condition that it is linked.
    pub async fn mark_scim_user(&self, scope: &ScimScope, id: &ScimUserId) -> Result<(), Error> {
        let write = self.clock.new_id().to_string();
        let change = mark(ItemChange::new(), scope, id, &write);
        let linked = Condition::new("attribute_exists(#user_id)");
        let key = keys::scim_user(scope, id);
        self.table.update(&key, change, linked).await?;
        Ok(())
    }
}

/// Returns the change that links a directory user.
fn link_change(user: &UserId) -> ItemChange {
    ItemChange::new().set("user_id", text(user.as_str()))
}

/// Returns the change that ends the link of a directory user.
pub(super) fn unlinked() -> ItemChange {
    ItemChange::new()
        .remove("user_id")
        .remove(UNAPPLIED)
        .remove(&format!("{GSI2}pk"))
        .remove(&format!("{GSI2}sk"))
}

#[cfg(test)]
mod tests;
