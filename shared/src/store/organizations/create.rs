//! Creating an organization.

use super::{Action, to_row};
use crate::domain::{Membership, Organization};
use crate::store::table::{Condition, number};
use crate::store::{Context, Error, Outcome, Refusal, Store, keys, members, table, users};

impl Store {
    /// Creates an organization with the caller as its owner.
    ///
    /// Writes one transaction on the condition that the organization, the reservation of its name and the
    /// membership do not exist. Also creates the caller's profile in the tenant if there is none yet.
    pub async fn create_organization(
        &self,
        cx: &Context,
        organization: &Organization,
        owner: &Membership,
    ) -> Result<Outcome<Organization>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let mut transaction = self.transaction();
        let mut item = to_row(organization)?;
        item.insert("owner_count".to_owned(), number(1));
        transaction.put(Action::Organization, item, Condition::absent());
        super::reserve_name(&mut transaction, Action::NewName, organization)?;
        transaction.put(Action::Owner, members::to_row(owner)?, Condition::absent());
        transaction.touch(
            Action::User,
            &keys::user(&caller.tenant_id, &caller.user_id),
            users::known(caller, organization.created_at),
            Condition::none(),
        );
        if let Some(record) = record {
            record.write(&mut transaction, Action::Record, organization)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Outcome::Fresh(organization.clone()));
        };
        if let Some(record) = record
            && let Some(outcome) = record.replay(&unmet, &Action::Record)?
        {
            return Ok(outcome);
        }
        match unmet.of(&Action::NewName) {
            Some(_) => Err(Refusal::NameTaken.into()),
            None => Err(table::Error::Conflict("create_organization").into()),
        }
    }
}
