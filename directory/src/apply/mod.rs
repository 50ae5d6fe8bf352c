//! Applies a snapshot of the directory to one user: plans the changes and writes them.

pub(crate) mod report;
mod writes;

use report::{SyncOutcome, SyncProgress};
use writes::Writes;

use crate::entra::directory::ASSIGNED_GROUPS_LIFE;
use crate::plan::{
    self, FoundItems, HeldMemberships, HeldOrganization, HeldTeam, Plan, Provisioned,
};
use crate::snapshot::DirectorySnapshot;
use muster::domain::{Clock, DirectoryId, DirectorySettings, Origin, Source, TenantId, Timestamp};
use muster::store::{self, CurrentMemberships, KnownUser, Store};

/// Number of groups that are looked up and created at a time.
pub(crate) const PART: usize = 500;

/// The marks to record after the items of the assigned groups are created.
struct Marks {
    made: Provisioned,
    fingerprint: String,
    for_a_while: String,
    /// Whether the user's own mark is good.
    is_marked: bool,
    /// The tenant's mark, if it was read.
    of_tenant: Option<String>,
}

/// The user whom snapshots are applied to, and what that works with.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) store: &'a Store,
    pub(crate) user: &'a KnownUser,
    /// Where the changes come from, for their events.
    pub(crate) origin: &'a Origin,
    pub(crate) rules: &'a DirectorySettings,
    pub(crate) clock: &'a Clock,
    pub(crate) progress: &'a SyncProgress,
    /// Whether what would be taken from the user is only counted.
    pub(crate) holds_back: bool,
    /// The tenant's own directory and the source of what it gives; `None` for the default directory.
    pub(crate) own: Option<(&'a DirectoryId, Source)>,
}

impl Subject<'_> {
    /// Plans the changes and writes them. Returns an error if the lookups for the user fail; then nothing was
    /// changed.
    pub(crate) async fn apply(
        self,
        reading: &DirectorySnapshot,
        current: &CurrentMemberships,
    ) -> Result<SyncOutcome, store::Error> {
        let Self {
            store,
            user,
            origin,
            rules,
            progress,
            ..
        } = self;
        let tenant = user.tenant_id();
        let fingerprint = reading.fingerprint(rules);
        let for_a_while = for_a_while(&fingerprint, self.clock.now());
        let is_good =
            |mark: Option<&str>| mark.is_some_and(|it| it == fingerprint || it == for_a_while);
        let is_marked = is_good(user.mark.as_deref());
        let mut tenant_mark = None;
        if !is_marked && reading.is_of_all_users() {
            tenant_mark = store.provisioned_fingerprint(tenant).await?;
        }
        let made = if is_marked || is_good(tenant_mark.as_deref()) {
            Provisioned::Everything
        } else {
            Provisioned::Unknown
        };
        // Handles this user's groups first. If the time is up before every group was checked, the user still has
        // their memberships.
        let kept = self.follow(&reading.own(), current, made).await?;
        progress.with(|state| state.counts.memberships_kept = kept);
        if made == Provisioned::Unknown {
            let none = CurrentMemberships::default();
            let mut parts = reading.others(PART);
            // Starts at a random part, so that no part always waits for all others when logins are cut off.
            let start = fastrand::usize(..=parts.len());
            parts.rotate_left(start);
            for part in parts {
                let followed = self.follow(&part, &none, made).await;
                if progress.kept(followed).is_none() {
                    progress.with(|state| state.not_all_made = true);
                }
            }
        }
        writes::take_suffixes_away(store, tenant, origin, progress).await;
        let marks = Marks {
            made,
            fingerprint,
            for_a_while,
            is_marked,
            of_tenant: tenant_mark,
        };
        // Both look at what has changed while this was written.
        let finish = Box::pin(self.finish(reading, marks));
        let (outcome, left) = tokio::join!(finish, Box::pin(self.leave_if_deleted()));
        progress.written(left);
        outcome
    }

    /// Records what was created, and returns the outcome.
    async fn finish(
        self,
        reading: &DirectorySnapshot,
        marks: Marks,
    ) -> Result<SyncOutcome, store::Error> {
        let Self {
            store,
            user,
            progress,
            ..
        } = self;
        let tenant = user.tenant_id();
        let Marks {
            made,
            fingerprint,
            for_a_while,
            is_marked,
            of_tenant,
        } = marks;
        // The next login of any user retries what could not be created. The results of the user's memberships do
        // not affect the marks.
        if progress.with(|state| state.not_all_made) {
            self.leave_if_erased().await?;
            return Ok(SyncOutcome::Partial);
        }
        let is_all_seen = !progress.with(|state| state.overtaken);
        let mark = match (made, of_tenant) {
            // The user's mark expires with the tenant's mark.
            (Provisioned::Everything, Some(mark)) => mark,
            _ if progress.with(|state| state.has_suffixes) => for_a_while,
            _ => fingerprint,
        };
        if made == Provisioned::Unknown && is_all_seen && reading.is_of_all_users() {
            progress.written(store.mark_provisioned(tenant, None, &mark).await);
        }
        let mut is_known = false;
        if !is_marked && is_all_seen {
            let marked = store
                .mark_provisioned(tenant, Some(user.user_id()), &mark)
                .await;
            is_known = matches!(marked, Ok(true));
            progress.written(marked);
        }
        let counts = progress.with(|state| state.counts);
        if !is_known {
            self.leave_if_erased().await?;
        }
        Ok(match (counts.failed, counts.changed()) {
            (0, 0) => SyncOutcome::Unchanged,
            (0, _) => SyncOutcome::Synced,
            _ => SyncOutcome::Partial,
        })
    }

    /// Does the lookups for a part of the directory, plans the changes, and writes them. Returns how many
    /// memberships do not change.
    async fn follow(
        self,
        reading: &DirectorySnapshot,
        current: &CurrentMemberships,
        made: Provisioned,
    ) -> Result<usize, store::Error> {
        let (found, plan) = planned(
            self.store,
            self.user.tenant_id(),
            reading,
            current,
            made,
            self.rules,
        )
        .await?;
        let plan = if self.holds_back {
            plan.held_back()
        } else {
            plan
        };
        let origin = self.user.named_in(self.origin.clone());
        Writes::new(
            Subject {
                origin: &origin,
                ..self
            },
            current,
            reading.source(),
            &found,
            &plan,
        )
        .carry_out(self.rules, self.clock)
        .await;
        Ok(plan.kept)
    }

    /// Takes back what was made if the tenant's directory has been deleted since it was read.
    async fn leave_if_deleted(self) -> Result<(), store::Error> {
        if let Some((directory, source)) = self.own
            && self.progress.with(|state| state.counts.changed()) > 0
        {
            let (tenant, user) = (self.user.tenant_id(), self.user.user_id());
            self.store
                .end_given_by_deleted(tenant, user, directory, source, self.origin)
                .await?;
        }
        Ok(())
    }

    async fn leave_if_erased(self) -> Result<(), store::Error> {
        leave_if_erased(self.store, self.user, self.origin, self.progress).await
    }
}

/// Does the lookups for a part of the directory, and plans the changes.
pub(crate) async fn planned(
    store: &Store,
    tenant: &TenantId,
    reading: &DirectorySnapshot,
    current: &CurrentMemberships,
    made: Provisioned,
    rules: &DirectorySettings,
) -> Result<(FoundItems, Plan), store::Error> {
    let held = held(current);
    let lookups = plan::lookups(reading, &held, made, rules);
    let organizations: Vec<_> = lookups.organizations.into_iter().collect();
    let teams: Vec<_> = lookups.teams.into_iter().collect();
    let (organizations, teams) = tokio::try_join!(
        store.found_organizations(tenant, &organizations),
        store.found_teams(tenant, &teams)
    )?;
    let found = FoundItems {
        organizations,
        teams,
    };
    let plan = plan::plan(reading, &held, made, &found, rules);
    Ok((found, plan))
}

/// Removes what the sync has made if the user has been erased since they were read.
pub(crate) async fn leave_if_erased(
    store: &Store,
    user: &KnownUser,
    origin: &Origin,
    progress: &SyncProgress,
) -> Result<(), store::Error> {
    if progress.with(|state| state.counts.changed()) > 0 {
        let (tenant, user) = (user.tenant_id(), user.user_id());
        store.remove_from_erased(tenant, user, origin).await?;
    }
    Ok(())
}

/// Returns a mark that is valid for at most five minutes: a taken name may be given up by hand, which no read of
/// the directory shows.
fn for_a_while(fingerprint: &str, now: Timestamp) -> String {
    let life = i64::try_from(ASSIGNED_GROUPS_LIFE.as_secs()).unwrap_or(1);
    format!("{fingerprint}~{}", now.as_second() / life)
}

/// Returns the user's memberships in the form that the plan uses.
pub(crate) fn held(current: &CurrentMemberships) -> HeldMemberships {
    let organizations = current.organizations.iter();
    let teams = current.teams.iter();
    HeldMemberships {
        is_tenant_admin: current.is_directory_admin,
        organizations: organizations
            .map(|(id, one)| {
                let marks = current.marks.get(id).cloned().unwrap_or_default();
                (id.clone(), HeldOrganization::new(one, marks))
            })
            .collect(),
        teams: teams
            .map(|(id, one)| {
                let marks = current.team_marks.get(id).copied().unwrap_or_default();
                (id.clone(), HeldTeam::new(one, marks))
            })
            .collect(),
    }
}
