//! The login of a tenant whose directory is of type `scim`: the directory user is read from the table, linked, and
//! followed. Nothing is asked of the identity provider.

use std::sync::Arc;

use super::followed::{FollowedDirectory, FollowedScim};
use super::{DirectoryReading, LoginSync, OFF, record_only};
use crate::apply::report::{SyncOutcome, SyncProgress};
use crate::scim::{Candidates, Choice, FollowOutcome, Follower, candidates, choose, follow};
use muster::domain::{Clock, Source};
use muster::store::{
    self, CurrentMemberships, KnownUser, Profile, Refusal, ScimUserWithGroups, Store,
};

/// Why nothing is done for a user who is not in the directory.
const NOT_IN_DIRECTORY: &str = "not-in-directory";
/// How often the link is tried again when another request changes it meanwhile.
const ATTEMPTS: usize = 3;

/// A login in a tenant with a directory of type `scim`.
pub(super) struct ScimLogin<'a> {
    store: &'a Store,
    followed: &'a FollowedScim,
    profile: &'a Profile,
    progress: &'a SyncProgress,
    clock: &'a Clock,
}

impl DirectoryReading {
    /// Reads the directory users that a login may be of.
    pub(super) async fn scim(
        store: &Store,
        followed: Arc<FollowedScim>,
        profile: &Profile,
    ) -> Self {
        let FollowedScim { scope, rules } = &*followed;
        let found = Box::pin(candidates(store, scope, rules.link_by, profile)).await;
        Self::Scim(followed, found)
    }
}

impl LoginSync {
    pub(super) fn scim<'a>(
        &'a self,
        store: &'a Store,
        followed: &'a FollowedScim,
        profile: &'a Profile,
        progress: &'a SyncProgress,
    ) -> ScimLogin<'a> {
        ScimLogin {
            store,
            followed,
            profile,
            progress,
            clock: &self.clock,
        }
    }

    /// Syncs a user without an object id, whom only a directory of type `scim` can have. Which directory the tenant has
    /// is read beside the profile.
    pub(super) async fn sync_without_object_id(
        &self,
        store: &Store,
        profile: &Profile,
        progress: &SyncProgress,
        recorded_login: &mut Option<KnownUser>,
    ) -> (SyncOutcome, Option<&'static str>) {
        let tenant = &profile.tenant_id;
        let reason = if self.directories.has_default() {
            "no-object-id"
        } else {
            OFF
        };
        if self.directories.follows_other_than_scim(tenant) {
            return record_only(store, profile, progress, recorded_login, reason).await;
        }
        let user = &profile.user_id;
        let read = async {
            let followed = match self.directories.of(store, tenant).await {
                Ok(FollowedDirectory::Scim(followed)) => followed,
                Ok(_) => return Ok(None),
                Err(error) => return Err(error),
            };
            let (found, current) = tokio::join!(
                candidates(store, &followed.scope, followed.rules.link_by, profile),
                store.current_memberships(tenant, user)
            );
            Ok(Some((followed, found, current)))
        };
        let recorded = record_only(store, profile, progress, recorded_login, reason);
        let (recorded, read) = tokio::join!(recorded, read);
        let Some(login) = recorded_login.as_ref() else {
            return recorded;
        };
        let Some(read) = progress.kept(read) else {
            return (SyncOutcome::Failed, None);
        };
        let Some((followed, found, current)) = read else {
            return recorded;
        };
        let (found, current) = (progress.kept(found), progress.kept(current));
        let scim = self.scim(store, &followed, profile, progress);
        scim.apply(found, Some(login), current).await
    }
}

impl ScimLogin<'_> {
    /// Links the user if they are not, and applies what the directory user has. Without one, ends what one gave. Does
    /// nothing if one of the reads failed.
    pub(super) async fn apply(
        self,
        found: Option<Candidates>,
        login: Option<&KnownUser>,
        current: Option<CurrentMemberships>,
    ) -> (SyncOutcome, Option<&'static str>) {
        let (Some(found), Some(login), Some(current)) = (found, login, current) else {
            return (SyncOutcome::Failed, None);
        };
        let linked = Box::pin(self.linked(found, login)).await;
        let Some(linked) = self.progress.kept(linked) else {
            return (SyncOutcome::Failed, None);
        };
        if linked.is_none() && !has_given(&current) {
            return (SyncOutcome::Skipped, Some(NOT_IN_DIRECTORY));
        }
        let origin = self.profile.directory_origin();
        let follower = Follower {
            store: self.store,
            scope: &self.followed.scope,
            rules: &self.followed.rules,
            origin: &origin,
            clock: self.clock,
            progress: self.progress,
        };
        let result = Box::pin(follow(follower, linked, login, current)).await;
        match self.progress.kept(result) {
            Some(FollowOutcome::Done(outcome)) => (outcome, None),
            Some(FollowOutcome::NotYet) => (SyncOutcome::Partial, None),
            None => (SyncOutcome::Failed, None),
        }
    }

    /// Returns the directory user that the user is linked to now, with its groups.
    async fn linked(
        &self,
        mut found: Candidates,
        login: &KnownUser,
    ) -> Result<Option<ScimUserWithGroups>, store::Error> {
        let Self {
            store,
            followed: FollowedScim { scope, rules },
            profile,
            ..
        } = self;
        let link = login.scim_link.as_ref();
        let link = link.filter(|it| it.directory_id == scope.directory_id);
        for _ in 0..ATTEMPTS {
            let linked = match link {
                Some(link) => match found.get(&link.user) {
                    Some(linked) => Some(linked.clone()),
                    None => store.scim_user_with_groups(scope, &link.user).await?,
                },
                None => None,
            };
            let (to, instead_of) = match choose(login.user_id(), linked, &found) {
                Choice::None => return Ok(None),
                Choice::Linked(linked) => return Ok(Some(*linked)),
                Choice::Link(to, instead_of) => (*to, instead_of),
            };
            if store
                .link_scim_user_at_login(scope, login, &to.user.id, instead_of.as_ref())
                .await?
            {
                let linked = store.scim_user_with_groups(scope, &to.user.id).await?;
                return Ok(linked);
            }
            found = Box::pin(candidates(store, scope, rules.link_by, profile)).await?;
        }
        // Not `None`, which would end what the directory gave.
        Err(Refusal::Unfinished.into())
    }
}

/// Returns whether a directory of type `scim` gave the user something.
fn has_given(current: &CurrentMemberships) -> bool {
    let organizations = current.organizations.values().map(|it| it.source);
    let teams = current.teams.values().map(|it| it.source);
    current.is_directory_admin || organizations.chain(teams).any(|it| it == Source::Scim)
}
