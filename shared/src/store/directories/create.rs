//! Creating a directory.

use super::{ClaimRow, DirectoryAction, DirectoryWithToken, event, to_row};
use crate::domain::{EventType, Invalid, Transition};
use crate::store::access;
use crate::store::keys::{self, Key};
use crate::store::scim::{access_row, number_rows};
use crate::store::table::{Condition, Item, to_item};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, table};

impl Store {
    /// Creates a directory. Requires a tenant admin. The caller of this function has checked that the domain belongs to
    /// the Entra tenant.
    ///
    /// Writes one transaction on the condition that the tenant has no directory. For a directory of Entra it requires also
    /// that an organization of the tenant has verified the domain, and that no other directory of the deployment has the
    /// Entra tenant.
    pub async fn create_directory(
        &self,
        cx: &Context,
        created: &DirectoryWithToken,
    ) -> Result<IdempotentOutcome<DirectoryWithToken>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let directory = &created.directory;
        let tenant = &directory.tenant_id;
        let record = cx.record_of_secret();
        let event = event(EventType::DirectoryCreated, Transition::Created(directory));
        let mut transaction = self.transaction(&cx.origin, [event])?;
        transaction.put(
            DirectoryAction::Directory,
            to_row(directory)?,
            Condition::absent(),
        );
        let claim = |key: Key| -> Result<Item, table::Error> {
            let row = ClaimRow {
                tenant_id: tenant.clone(),
                directory_id: directory.id.clone(),
            };
            to_item(&row, [key.attributes(), Item::new()])
        };
        let only = claim(keys::entra_directory(tenant))?;
        transaction.put(DirectoryAction::Only, only, Condition::absent());
        if let Some(entra) = &directory.entra {
            let claim = claim(keys::entra_claim(&entra.tenant_id))?;
            transaction.put(DirectoryAction::Claim, claim, Condition::absent());
            let domain = keys::domain_claim(tenant, &entra.domain);
            transaction.check(DirectoryAction::Domain, &domain, Condition::present());
        }
        if let Some(token) = &created.token {
            let scope = directory.scope();
            let access = access_row(&scope, token.hash())?;
            transaction.put(DirectoryAction::Access, access, Condition::absent());
            for numbers in number_rows(&scope) {
                transaction.put(DirectoryAction::Count, numbers, Condition::absent());
            }
        }
        if let Some(record) = &record {
            record.write(&mut transaction, DirectoryAction::Record, created)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(IdempotentOutcome::Fresh(created.clone()));
        };
        if let Some(record) = &record
            && let Some(outcome) = record.replay(&unmet, &DirectoryAction::Record)?
        {
            return Ok(outcome);
        }
        let refusal = if unmet.of(&DirectoryAction::Domain).is_some() {
            Refusal::Invalid {
                field: "/entra/domain",
                reason: Invalid::new(
                    "must be a domain that an organization of your tenant has verified",
                ),
            }
        } else if unmet.of(&DirectoryAction::Only).is_some() {
            Refusal::LimitReached
        } else if unmet.of(&DirectoryAction::Claim).is_some() {
            Refusal::DirectoryTaken
        } else {
            return Err(table::Error::Conflict("create_directory").into());
        };
        Err(refusal.into())
    }
}
