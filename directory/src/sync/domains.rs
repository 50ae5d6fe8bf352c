//! Auto-join: finds the organization for the email domain of a login.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use muster::domain::{AutoJoin, Email, TenantId, Timestamp};
use muster::store::{self, Profile, Store};

/// How long a warm function remembers that a tenant has no domains. The first domain of a tenant adds users this much
/// later at most.
const LIFE: Duration = Duration::from_mins(1);
/// Maximum number of tenants that are remembered.
const MOST: usize = 10_000;

/// The tenants without domains, and when that was read. A login in one of them makes no call for its domain.
#[derive(Debug, Default)]
pub(super) struct WithoutDomains(Mutex<HashMap<TenantId, Timestamp>>);

impl WithoutDomains {
    fn open(&self) -> MutexGuard<'_, HashMap<TenantId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn includes(&self, tenant: &TenantId, now: Timestamp) -> bool {
        let read_at = self.open().get(tenant).copied();
        read_at.is_some_and(|at| now < at.after(LIFE))
    }

    fn remember(&self, tenant: &TenantId, now: Timestamp) {
        let mut all = self.open();
        if all.len() >= MOST {
            all.retain(|_, read_at| now < read_at.after(LIFE));
        }
        if all.len() < MOST {
            all.insert(tenant.clone(), now);
        }
    }

    /// Returns the organization that the user joins by their email address. Makes no call for an address that is not
    /// verified, or that is of a mail provider, nor in a tenant without domains.
    pub(super) async fn auto_join(
        &self,
        store: &Store,
        profile: &Profile,
        now: Timestamp,
    ) -> Result<Option<AutoJoin>, store::Error> {
        let email = profile.email.as_ref().filter(|_| profile.email_verified);
        let Some(domain) = email.and_then(Email::provable_domain) else {
            return Ok(None);
        };
        let tenant = &profile.tenant_id;
        if self.includes(tenant, now) {
            return Ok(None);
        }
        let found = store.domain_of_login(tenant, &domain).await?;
        if !found.tenant_has_domains && found.auto_join.is_none() {
            self.remember(tenant, now);
        }
        Ok(found.auto_join)
    }
}
