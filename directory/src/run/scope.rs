//! Whom a run concerns: the users of the accounts that have changed, or all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::RunError;
use super::user::{Account, ConcernedUser};
use super::work::{AT_ONCE, MAX_AGAIN, PAGE, Work};
use crate::entra::changes::{Changes, DeltaLink, MAX_FOLLOWED, Since};
use crate::entra::directory::EntraReader;
use crate::entra::error::{Question, ReadError};
use crate::snapshot::Assigned;
use muster::domain::{Directory, EntraObjectId, GroupId, RunKind, UserId};
use muster::store::{OpenRun, RunState, Store, UserAccount};
use tokio::time::Instant;

/// Time after which everything is read again: a change that Graph did not report is found then.
const COMPLETE_EACH: Duration = Duration::from_hours(24);
/// Groups that are followed by name. More are followed as all groups of the Entra tenant.
const MAX_NAMED: usize = 500;

/// The groups by which a directory gives memberships.
pub(super) struct FollowedGroups {
    /// Number of groups assigned to the application.
    pub(super) assigned: usize,
    /// The groups whose members matter: those, and the ones that make tenant admins.
    groups: BTreeSet<GroupId>,
    /// Differs when everything has to be read again.
    pub(super) fingerprint: String,
    /// Whether groups that are not named matter: members of nested groups, or very many groups.
    is_all: bool,
}

/// The users whom changes concern.
#[derive(Default)]
pub(super) struct Changed {
    /// In the order of their ids.
    pub(super) users: Vec<UserId>,
    /// The accounts that a change has named: they are of this directory. Other users are those whom a run before could
    /// not follow.
    named: BTreeMap<UserId, EntraObjectId>,
}

impl Work<'_> {
    /// Reads which groups matter. Refuses an application that had groups and has none.
    pub(super) async fn followed(&self, state: &RunState) -> Result<FollowedGroups, RunError> {
        let assigned = assigned_groups(&self.reader, state, self.deadline).await?;
        let settings = &self.directory.settings;
        let mut groups: BTreeSet<_> = assigned.groups().map(|(id, _)| id.clone()).collect();
        let count = groups.len();
        groups.extend(settings.tenant_admin_groups.iter().cloned());
        Ok(FollowedGroups {
            assigned: count,
            fingerprint: self.fingerprint(&assigned),
            is_all: settings.nested_groups || groups.len() > MAX_NAMED,
            groups,
        })
    }

    /// Returns a text that differs when groups are assigned, renamed or given another role, or settings change.
    fn fingerprint(&self, assigned: &Assigned) -> String {
        let mut hash = Sha256::new();
        // Neither fails: both are maps with names as keys.
        hash.update(serde_json::to_vec(&self.directory.settings).unwrap_or_default());
        hash.update(serde_json::to_vec(&self.directory.entra).unwrap_or_default());
        for (id, group) in assigned.groups() {
            hash.update(format!("\n{id}\t{}", group.name.as_str()));
            for role in &group.app_roles {
                hash.update(format!("\t{role}"));
            }
        }
        let digest = hash.finalize();
        let mut text = String::new();
        for byte in digest.iter().take(16) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Decides what the run reads, and reads the changes.
    pub(super) async fn scope(
        &self,
        state: &RunState,
        open: &mut OpenRun,
        followed: &FollowedGroups,
    ) -> Result<Changed, RunError> {
        if open.kind == RunKind::Changes {
            let is_due = state
                .complete_at
                .is_none_or(|at| self.clock.now() >= at.after(COMPLETE_EACH));
            let is_known = state.followed == followed.fingerprint && !state.group_links.is_empty();
            let is_too_much = state.again.len() > MAX_AGAIN;
            let changed = if is_due || !is_known || is_too_much {
                None
            } else {
                self.changed(state, open, followed).await?
            };
            if let Some(changed) = changed {
                return Ok(changed);
            }
            // From the start: what was done before belongs to the changes.
            open.kind = RunKind::Complete;
            open.takes_away = false;
            open.taken = 0;
            open.leaving = Some(Vec::new());
            open.numbers.memberships_held_back = 0;
            open.numbers.memberships_given = 0;
            open.earlier = open.numbers;
            open.unread = 0;
            open.done_to = None;
            open.group_links.clear();
            open.account_link = None;
        }
        if open.group_links.is_empty() {
            open.followed.clone_from(&followed.fingerprint);
            // Taken before anything is read, so that the next run sees what changes meanwhile.
            let groups: Vec<_> = followed.groups.iter().collect();
            let parts: Vec<&[&GroupId]> = if followed.is_all || groups.is_empty() {
                vec![&[]]
            } else {
                groups.chunks(MAX_FOLLOWED).collect()
            };
            for part in parts {
                let read = self.reader.group_changes(part, Since::Now, self.deadline);
                let link = new_link(read.await?, Question::GroupChanges)?;
                open.group_links.push(link.as_str().to_owned());
            }
            let read = self.reader.account_changes(Since::Now, self.deadline).await;
            let were_followed = state.account_link.is_some();
            if let Some(read) = unless_never_allowed(read, were_followed)? {
                let link = new_link(read, Question::AccountChanges)?;
                open.account_link = Some(link.as_str().to_owned());
            }
        }
        Ok(Changed::default())
    }

    /// Reads what has changed since the last run. Returns `None` if everything has to be read.
    async fn changed(
        &self,
        state: &RunState,
        open: &mut OpenRun,
        followed: &FollowedGroups,
    ) -> Result<Option<Changed>, RunError> {
        let mut members = BTreeSet::new();
        let mut group_links = Vec::new();
        for link in &state.group_links {
            let link = DeltaLink::stored(link.clone());
            let since = Since::Link(&link);
            let read = self.reader.group_changes(&[], since, self.deadline).await;
            let Some((changes, link)) = usable(read)? else {
                return Ok(None);
            };
            // With nested groups, any group can be in one that matters.
            let is_nested = self.directory.settings.nested_groups;
            let mut groups = changes.groups.iter();
            if groups.any(|group| is_nested || followed.groups.contains(group)) {
                return Ok(None);
            }
            members.extend(changes.users);
            group_links.push(link.as_str().to_owned());
        }
        let mut accounts = members;
        let mut account_link = None;
        if let Some(link) = &state.account_link {
            let link = DeltaLink::stored(link.clone());
            let since = Since::Link(&link);
            let read = self.reader.account_changes(since, self.deadline).await;
            let Some((changes, link)) = usable(read)? else {
                return Ok(None);
            };
            accounts.extend(changes);
            account_link = Some(link.as_str().to_owned());
        }
        // A run that continues goes through the users whom its first read named. What has changed since is read again by
        // the next run, from the links of that first read.
        let is_continued = open.takes_away || open.done_to.is_some();
        if !is_continued {
            open.group_links = group_links;
            open.account_link = account_link;
        }
        let tenant = &self.directory.tenant_id;
        let mut changed = Changed::default();
        let mut found = stream::iter(accounts)
            .map(|id| async move {
                let users = self.store.users_of_account(tenant, &id).await?;
                Ok::<_, RunError>((users, id))
            })
            .buffer_unordered(AT_ONCE);
        while let Some((users, id)) = found.try_next().await? {
            let users = users.into_iter();
            changed.named.extend(users.map(|user| (user, id.clone())));
        }
        let mut users: BTreeSet<_> = state.again.iter().collect();
        users.extend(changed.named.keys());
        changed.users = users.into_iter().cloned().collect();
        Ok(Some(changed))
    }

    /// Returns the next of these users, with what is known of their accounts, and the place after which more follow.
    pub(super) async fn some_of(
        &self,
        named: &[UserId],
        state: &RunState,
        open: &OpenRun,
        changed: &Changed,
    ) -> Result<Users, RunError> {
        // Both lists are in the order of the ids.
        let last = open.done_to.as_deref();
        let done = last.map_or(0, |last| {
            named.partition_point(|user| user.as_str() <= last)
        });
        let rest = named.get(done..).unwrap_or_default();
        let some = rest.get(..PAGE.min(rest.len())).unwrap_or_default();
        let next = (rest.len() > some.len())
            .then(|| some.last().map(|user| user.as_str().to_owned()))
            .flatten();
        let mut found = Vec::new();
        let mut others = Vec::new();
        for user in some {
            match changed.named.get(user) {
                Some(account) => found.push(UserAccount {
                    user_id: user.clone(),
                    account: account.clone(),
                    seen_in: Some(self.directory.id.clone()),
                }),
                None => others.push(user.clone()),
            }
        }
        if !others.is_empty() {
            let tenant = &self.directory.tenant_id;
            found.extend(self.store.accounts_of(tenant, &others).await?);
        }
        let mut users = self.accounts(state).of(found).await?;
        for one in &mut users {
            one.is_named = changed.named.contains_key(&one.user);
        }
        Ok((users, next))
    }

    /// Returns the reader of accounts for a run.
    pub(super) fn accounts(&self, state: &RunState) -> Accounts<'_> {
        Accounts {
            reader: &self.reader,
            directory: self.directory,
            were_seen: state.sees_accounts,
            deadline: self.deadline,
        }
    }
}

/// Reads the groups assigned to the application. Refuses an application that had groups and has none.
pub(super) async fn assigned_groups(
    reader: &EntraReader,
    state: &RunState,
    deadline: Instant,
) -> Result<Arc<Assigned>, RunError> {
    let assigned = reader.assigned_groups(deadline).await?.unwrap_or_default();
    if assigned.groups().next().is_none() && state.groups > 0 {
        return Err(ReadError::Emptied.into());
    }
    Ok(assigned)
}

/// Users, with what is known of their accounts, and the place after which more follow.
type Users = (Vec<ConcernedUser>, Option<String>);

/// Reads the accounts of users.
#[derive(Clone, Copy)]
pub(super) struct Accounts<'a> {
    pub(super) reader: &'a EntraReader,
    pub(super) directory: &'a Directory,
    /// Whether accounts could be read before.
    pub(super) were_seen: bool,
    pub(super) deadline: Instant,
}

impl Accounts<'_> {
    /// Returns the next users of the tenant who have an account.
    pub(super) async fn page(self, store: &Store, after: Option<&str>) -> Result<Users, RunError> {
        let tenant = &self.directory.tenant_id;
        let (found, next) = store.users_with_accounts(tenant, after).await?;
        Ok((self.of(found).await?, next))
    }

    /// Returns these users with what is known of their accounts.
    async fn of(self, found: Vec<UserAccount>) -> Result<Vec<ConcernedUser>, RunError> {
        let ids: Vec<_> = found.iter().map(|user| &user.account).collect();
        let read = self.reader.accounts(&ids, self.deadline).await;
        let accounts = unless_never_allowed(read, self.were_seen)?;
        let users = found.into_iter().map(|one| {
            let id = one.account.as_str().to_ascii_lowercase();
            let account = match accounts.as_ref().map(|accounts| accounts.get(&id)) {
                None => Account::Unknown,
                Some(None) => Account::Absent,
                Some(Some(true)) => Account::Enabled,
                Some(Some(false)) => Account::Ended,
            };
            ConcernedUser {
                is_named: false,
                account,
                is_of_directory: one.seen_in.as_ref() == Some(&self.directory.id),
                user: one.user_id,
            }
        });
        Ok(users.collect())
    }
}

/// Returns changes and the link to those after them, or `None` if everything is to be read: the link has expired, or there
/// are more changes than a run takes.
fn usable<T>(read: Result<Changes<T>, ReadError>) -> Result<Option<(T, DeltaLink)>, ReadError> {
    match read {
        Ok(Changes::Since(changes, link)) => Ok(Some((changes, link))),
        Ok(Changes::Expired) | Err(ReadError::TooMuch { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns a link to the changes from now on. Without it, changes would be missed.
fn new_link<T>(read: Changes<T>, question: Question) -> Result<DeltaLink, ReadError> {
    match read {
        Changes::Since(_, link) => Ok(link),
        Changes::Expired => Err(ReadError::Nonsense {
            question,
            problem: "is that a new link has expired",
        }),
    }
}

/// Returns what was read of accounts, or `None` if the application may not read accounts and never could. Then the
/// groups are followed, and accounts are not. A permission that is lost is an error.
fn unless_never_allowed<T>(
    read: Result<T, ReadError>,
    were_followed: bool,
) -> Result<Option<T>, ReadError> {
    match read {
        Err(error) if error.is_of_accounts() && !were_followed => Ok(None),
        read => read.map(Some),
    }
}
