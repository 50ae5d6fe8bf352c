//! The directory that the logins of a tenant follow: the tenant's own, else the default one of the deployment.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;

use crate::entra::directory::EntraReader;
use crate::entra::settings::{Connections, EntraConnection};
use crate::entra::token::Tokens;
use muster::config::SettingError;
use muster::domain::{
    Clock, DirectoryId, DirectorySettings, DirectoryStatus, EntraDirectory, RemovalLimit,
    ScimScope, TenantId, Timestamp,
};
use muster::store::{self, LoginDirectory, Store};

/// How long a warm function keeps the directory of a tenant.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// Maximum number of tenants, and of tokens, that a warm function keeps.
const MOST_KEPT: usize = 1_000;

/// A directory that logins follow: how it is read, and how its groups are mapped.
#[derive(Debug)]
pub(crate) struct FollowedEntra {
    /// The id of a tenant's own directory, and its version.
    pub(super) own: Option<(DirectoryId, u64)>,
    pub(super) directory: Arc<EntraReader>,
    pub(super) rules: DirectorySettings,
    pub(super) brake: Brake,
}

/// The limits on removals by a login.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Brake {
    /// Whether a run was blocked and none has succeeded since: nothing is removed until a run does.
    is_blocked: bool,
    /// The limit, and how many memberships the directory gives as the last run counted them: none before the first run.
    /// `None` for the default directory, which has no runs that could be confirmed.
    limit: Option<(RemovalLimit, u64)>,
}

impl Brake {
    fn of(directory: &muster::domain::Directory) -> Self {
        let last = directory.last_run.as_ref();
        Self {
            is_blocked: directory.blocked_run_id.is_some(),
            limit: Some((
                directory.settings.removal_limit,
                last.map_or(0, |last| last.numbers.memberships_given),
            )),
        }
    }

    /// Returns whether a login holds back the end of that many memberships, and everything else that it would take
    /// away.
    pub(super) fn holds(self, ending: usize) -> bool {
        let ending = ending as u64;
        self.is_blocked
            || self
                .limit
                .is_some_and(|(limit, given)| !limit.allows(ending, given))
    }
}

/// A directory of type `scim` that logins follow.
#[derive(Debug)]
pub(super) struct FollowedScim {
    pub(super) scope: ScimScope,
    pub(super) rules: DirectorySettings,
}

/// The directory that the logins of a tenant follow.
#[derive(Clone, Debug)]
pub(super) enum FollowedDirectory {
    /// Nothing: there is no directory.
    Nothing,
    /// This directory.
    Directory(Arc<FollowedEntra>),
    /// The tenant's own directory of type `scim`.
    Scim(Arc<FollowedScim>),
    /// The tenant's own directory is paused or broken: nothing is read, and nothing changes.
    Inactive(DirectoryStatus),
}

/// Why it is not known what a login follows.
#[derive(Debug, thiserror::Error)]
pub(super) enum FollowedDirectoryError {
    /// The table could not be read.
    #[error("the tenant's directory cannot be read from the table")]
    Table(#[from] store::Error),
    /// The deployment lacks a setting that the directory needs.
    #[error("the deployment lacks a setting for the tenant's directory")]
    Setting(#[from] SettingError),
}

/// The directories of tenants, as far as this function knows them.
pub(crate) struct Directories {
    default: Option<Arc<FollowedEntra>>,
    connections: Connections,
    client: Client,
    clock: Clock,
    /// `None`: the tenant has none of its own.
    kept: Mutex<HashMap<TenantId, CachedDirectory>>,
    tokens: Mutex<HashMap<TokenPlace, Arc<Tokens>>>,
}

#[derive(Clone, Debug)]
struct CachedDirectory {
    read_at: Timestamp,
    own: Option<FollowedDirectory>,
}

/// Whose token it is: the token endpoint of the Entra tenant, the client, and the secret.
type TokenPlace = (String, String, Option<String>);

impl Directories {
    pub(crate) fn new(
        default: Option<FollowedEntra>,
        connections: Connections,
        client: Client,
        clock: Clock,
    ) -> Self {
        Self {
            default: default.map(Arc::new),
            connections,
            client,
            clock,
            kept: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// Returns whether the deployment has a default directory.
    pub(super) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// Returns whether it is known, without a read, that the tenant follows nothing.
    pub(super) fn follows_nothing(&self, tenant: &TenantId) -> bool {
        !self.has_default() && self.fresh(tenant).is_some_and(|kept| kept.own.is_none())
    }

    /// Returns what the logins of a tenant follow. Makes at most one read, and none for a minute
    /// after it, unless the directory is of type `scim`.
    pub(super) async fn of(
        &self,
        store: &Store,
        tenant: &TenantId,
    ) -> Result<FollowedDirectory, FollowedDirectoryError> {
        if let Some(kept) = self.fresh(tenant) {
            return Ok(kept.own.unwrap_or_else(|| self.fallback()));
        }
        let read_at = self.clock.now();
        let own = match store.login_directory(tenant).await? {
            LoginDirectory::None => None,
            LoginDirectory::Inactive(status) => Some(FollowedDirectory::Inactive(status)),
            LoginDirectory::Active(found) => Some(self.following(*found)?),
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        let one = CachedDirectory { read_at, own };
        if matches!(one.own, Some(FollowedDirectory::Scim(_))) {
            // Read at each login, so that no login gives what new settings have taken away.
            kept.remove(tenant);
        } else {
            kept.insert(tenant.clone(), one.clone());
        }
        Ok(one.own.unwrap_or_else(|| self.fallback()))
    }

    fn following(
        &self,
        found: muster::domain::Directory,
    ) -> Result<FollowedDirectory, SettingError> {
        let Some(entra) = &found.entra else {
            let scope = found.scope();
            let followed = FollowedScim {
                scope,
                rules: found.settings,
            };
            return Ok(FollowedDirectory::Scim(followed.into()));
        };
        let own = (found.id.clone(), found.version);
        let directory = match self.same(&found.tenant_id, &own) {
            Some(directory) => directory,
            None => self.directory(entra, &found.settings)?.into(),
        };
        let followed = FollowedEntra {
            directory,
            brake: Brake::of(&found),
            rules: found.settings,
            own: Some(own),
        };
        Ok(FollowedDirectory::Directory(followed.into()))
    }

    /// Returns whether it is known, without a read, that the tenant has no directory of type `scim`.
    pub(super) fn follows_other_than_scim(&self, tenant: &TenantId) -> bool {
        let kept = self.fresh(tenant);
        kept.is_some_and(|kept| !matches!(kept.own, Some(FollowedDirectory::Scim(_))))
    }

    fn fallback(&self) -> FollowedDirectory {
        let default = self.default.clone();
        default.map_or(FollowedDirectory::Nothing, FollowedDirectory::Directory)
    }

    fn fresh(&self, tenant: &TenantId) -> Option<CachedDirectory> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let kept = kept.get(tenant);
        kept.filter(|kept| now < kept.read_at.after(KEPT_FOR))
            .cloned()
    }

    /// Returns the directory that is kept, also for longer than a minute, if it is still the same. It keeps the groups
    /// that were read.
    fn same(&self, tenant: &TenantId, own: &(DirectoryId, u64)) -> Option<Arc<EntraReader>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &kept.get(tenant)?.own {
            Some(FollowedDirectory::Directory(followed)) if followed.own.as_ref() == Some(own) => {
                Some(Arc::clone(&followed.directory))
            }
            _ => None,
        }
    }

    /// Returns a directory as it is read now.
    pub(crate) fn directory(
        &self,
        entra: &EntraDirectory,
        rules: &DirectorySettings,
    ) -> Result<EntraReader, SettingError> {
        let connection = self.connections.of(entra, rules)?;
        let tokens = self.tokens(&connection, entra);
        let (client, clock) = (self.client.clone(), self.clock.clone());
        Ok(EntraReader::new(connection, client, clock).with_tokens(tokens))
    }

    /// Returns the tokens of a client in an Entra tenant, which all versions of a directory share.
    fn tokens(&self, connection: &EntraConnection, entra: &EntraDirectory) -> Arc<Tokens> {
        let secret = entra.client_secret_arn.as_ref();
        let place = (
            connection.token_endpoint.to_string(),
            connection.client_id.clone(),
            secret.map(|arn| arn.as_str().to_owned()),
        );
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if tokens.len() >= MOST_KEPT {
            tokens.clear();
        }
        let made = tokens.entry(place).or_insert_with(|| {
            let (client, clock) = (self.client.clone(), self.clock.clone());
            Arc::new(EntraReader::tokens(connection, client, clock))
        });
        Arc::clone(made)
    }
}

impl std::fmt::Debug for Directories {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Directories")
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}
