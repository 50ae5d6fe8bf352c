//! Creating a directory.

use super::{Action, ClaimRow, event, require_tenant_admin, to_row};
use crate::domain::{Directory, EventType, Invalid, Transition};
use crate::store::keys::{self, Key};
use crate::store::table::{Condition, Item, to_item};
use crate::store::{Context, Error, Outcome, Refusal, Store, table};

impl Store {
    /// Creates a directory. Requires a tenant admin. The caller of this function has checked that the domain belongs to
    /// the Entra tenant.
    ///
    /// Writes one transaction on the conditions that an organization of the tenant has verified the domain, that the
    /// tenant has no directory of Entra, and that no other directory of the deployment has the Entra tenant.
    pub async fn create_directory(
        &self,
        cx: &Context,
        created: &Directory,
    ) -> Result<Outcome<Directory>, Error> {
        require_tenant_admin(&cx.caller)?;
        let tenant = &created.tenant_id;
        let record = cx.record();
        let event = event(EventType::DirectoryCreated, Transition::Created(created));
        let mut transaction = self.transaction(&cx.origin, [event])?;
        transaction.put(Action::Directory, to_row(created)?, Condition::absent());
        let claim = |key: Key| -> Result<Item, table::Error> {
            let row = ClaimRow {
                tenant_id: tenant.clone(),
                directory_id: created.id.clone(),
            };
            to_item(&row, [key.attributes(), Item::new()])
        };
        let only = claim(keys::entra_directory(tenant))?;
        transaction.put(Action::Only, only, Condition::absent());
        let entra = claim(keys::entra_claim(&created.entra.tenant_id))?;
        transaction.put(Action::Claim, entra, Condition::absent());
        let domain = keys::domain_claim(tenant, &created.entra.domain);
        transaction.check(Action::Domain, &domain, Condition::present());
        if let Some(record) = &record {
            record.write(&mut transaction, Action::Record, created)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Outcome::Fresh(created.clone()));
        };
        if let Some(record) = &record
            && let Some(outcome) = record.replay(&unmet, &Action::Record)?
        {
            return Ok(outcome);
        }
        let refusal = if unmet.of(&Action::Domain).is_some() {
            Refusal::Invalid {
                field: "/entra/domain",
                reason: Invalid::new(
                    "must be a domain that an organization of your tenant has verified",
                ),
            }
        } else if unmet.of(&Action::Only).is_some() {
            Refusal::LimitReached
        } else if unmet.of(&Action::Claim).is_some() {
            Refusal::DirectoryTaken
        } else {
            return Err(table::Error::Conflict("create_directory").into());
        };
        Err(refusal.into())
    }
}
