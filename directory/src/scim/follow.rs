//! Follows a directory for one user who is linked to a directory user.

use crate::apply::Subject;
use crate::apply::report::{SyncOutcome, SyncProgress};
use crate::snapshot::DirectorySnapshot;
use muster::domain::{Clock, DirectorySettings, Origin, ScimScope, ScimUserId, Source};
use muster::store::{
    self, CurrentMemberships, KnownUser, LoginDirectory, ScimUserWithGroups, Store, WriteOutcome,
};

/// How often what was read is read again because it has changed meanwhile.
const ATTEMPTS: usize = 5;

/// How following a user ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FollowOutcome {
    /// The user has what the directory says.
    Done(SyncOutcome),
    /// Not yet: what was read kept changing, or a write failed.
    NotYet,
}

/// A user who follows a directory.
#[derive(Clone, Copy)]
pub(crate) struct Follower<'a> {
    pub(crate) store: &'a Store,
    pub(crate) scope: &'a ScimScope,
    pub(crate) rules: &'a DirectorySettings,
    pub(crate) origin: &'a Origin,
    pub(crate) clock: &'a Clock,
    pub(crate) progress: &'a SyncProgress,
}

/// Returns the settings of the directory; `None` while logins do not follow it.
pub(super) async fn rules_of(
    store: &Store,
    scope: &ScimScope,
) -> Result<Option<DirectorySettings>, store::Error> {
    Ok(match store.login_directory(&scope.tenant_id).await? {
        LoginDirectory::Active(found) if found.id == scope.directory_id => Some(found.settings),
        _ => None,
    })
}

impl Follower<'_> {
    /// Follows the directory for the user whom a directory user is linked to, if any.
    pub(super) async fn follow_linked(
        self,
        id: &ScimUserId,
    ) -> Result<FollowOutcome, store::Error> {
        let Self { store, scope, .. } = self;
        let Some(read) = store.scim_user_with_groups(scope, id).await? else {
            return Ok(FollowOutcome::Done(SyncOutcome::Skipped));
        };
        let Some(user) = read.user.user_id.clone() else {
            return Ok(FollowOutcome::Done(SyncOutcome::Skipped));
        };
        let current = store.current_memberships(&scope.tenant_id, &user).await?;
        let Some(known) = current.known.clone() else {
            // The user has been erased.
            store.unlink_scim_user(scope, id, &user).await?;
            return Ok(FollowOutcome::Done(SyncOutcome::Skipped));
        };
        follow(self, Some(read), &known, current).await
    }

    /// Applies what was read once. Returns whether the user has it now, unless it has changed since.
    async fn apply_once(
        self,
        read: Option<&ScimUserWithGroups>,
        known: &KnownUser,
        current: &CurrentMemberships,
    ) -> Result<Option<SyncOutcome>, store::Error> {
        let Self {
            store,
            rules,
            origin,
            clock,
            progress,
            ..
        } = self;
        let is_active = read.is_none_or(|it| it.user.is_active);
        if !is_active {
            // The memberships stay, and give no access.
            return self.set_enabled(known, false).await;
        }
        let groups = read.map(|it| it.groups.as_slice()).unwrap_or_default();
        let reading = DirectorySnapshot::of_scim(groups).under(rules);
        progress.with(|state| state.counts.read = reading.counts());
        let subject = Subject {
            store,
            user: known,
            origin,
            rules,
            clock,
            progress,
            holds_back: false,
            own: Some((&self.scope.directory_id, Source::Scim)),
        };
        let before = progress.with(|state| state.counts.failed);
        let outcome = subject.apply(&reading, current).await?;
        if progress.with(|state| state.counts.failed) > before {
            return Ok(None);
        }
        // Access comes back last, so that it does not include what was taken away meanwhile.
        let enabled = match read {
            Some(_) => self.set_enabled(known, true).await?,
            None => Some(SyncOutcome::Unchanged),
        };
        Ok(match enabled {
            Some(SyncOutcome::Unchanged) => Some(outcome),
            enabled => enabled,
        })
    }

    /// Disables the user, or enables them if the directory has disabled them. `None`: the profile has changed.
    async fn set_enabled(
        self,
        known: &KnownUser,
        is_enabled: bool,
    ) -> Result<Option<SyncOutcome>, store::Error> {
        let is_right = if is_enabled {
            !known.is_disabled() || !known.is_disabled_by_directory
        } else {
            known.is_disabled()
        };
        if is_right || known.is_being_erased() {
            return Ok(Some(SyncOutcome::Unchanged));
        }
        let written = self.store.follow_account(self.origin, known, is_enabled);
        Ok(match written.await? {
            WriteOutcome::Done => Some(SyncOutcome::Synced),
            WriteOutcome::Unchanged | WriteOutcome::NameTaken => None,
        })
    }
}

/// Applies what was read of a directory user to the user whom it is linked to, until it is what the table has. Without
/// a directory user, ends what one gave.
///
/// The result is compared with the table again: another request may have read before the write and written after it.
pub(crate) async fn follow(
    follower: Follower<'_>,
    mut read: Option<ScimUserWithGroups>,
    known: &KnownUser,
    mut current: CurrentMemberships,
) -> Result<FollowOutcome, store::Error> {
    let Follower { store, scope, .. } = follower;
    let (tenant, user) = (&scope.tenant_id, known.user_id().clone());
    let mut known = known.clone();
    let mut outcome = SyncOutcome::Unchanged;
    for _ in 0..ATTEMPTS {
        let applied = follower.apply_once(read.as_ref(), &known, &current).await?;
        let id = read.as_ref().map(|it| it.user.id.clone());
        match applied {
            Some(SyncOutcome::Unchanged) => {
                return settle(follower, read.as_ref(), outcome).await;
            }
            Some(done) => outcome = done,
            None => {}
        }
        let again = match &id {
            Some(id) => store.scim_user_with_groups(scope, id).await?,
            None => None,
        };
        let again = again.filter(|it| it.user.user_id.as_ref() == Some(&user));
        if applied.is_some() && is_same(read.as_ref(), again.as_ref()) {
            return settle(follower, read.as_ref(), outcome).await;
        }
        read = again;
        current = store.current_memberships(tenant, &user).await?;
        known = match current.known.clone() {
            Some(known) => known,
            None => return Ok(FollowOutcome::Done(outcome)),
        };
    }
    Ok(FollowOutcome::NotYet)
}

/// Removes the mark of the change that was read, and returns the outcome.
///
/// By other settings the user may have something else: another run may have followed the new ones, and removed its mark,
/// before this one wrote something by those it had read. Then the user is marked again.
async fn settle(
    follower: Follower<'_>,
    read: Option<&ScimUserWithGroups>,
    outcome: SyncOutcome,
) -> Result<FollowOutcome, store::Error> {
    let done = FollowOutcome::Done(outcome);
    let Follower {
        store,
        scope,
        rules,
        ..
    } = follower;
    let Some(user) = read.map(|it| &it.user) else {
        return Ok(done);
    };
    if user.unapplied.is_none() && outcome == SyncOutcome::Unchanged {
        return Ok(done);
    }
    if rules_of(store, scope).await?.as_ref() != Some(rules) {
        store.mark_scim_user(scope, &user.id).await?;
        return Ok(FollowOutcome::NotYet);
    }
    if let Some(mark) = &user.unapplied {
        store.applied_scim_user(scope, &user.id, mark).await?;
    }
    Ok(done)
}

/// Returns whether both give the user the same.
fn is_same(one: Option<&ScimUserWithGroups>, other: Option<&ScimUserWithGroups>) -> bool {
    let given = |it: &ScimUserWithGroups| (it.user.is_active, it.groups.clone());
    one.map(given) == other.map(given)
}
