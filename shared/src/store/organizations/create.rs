//! Making an organization.

use super::{Action, to_row};
use crate::domain::{Membership, Organization};
use crate::store::table::{Condition, number};
use crate::store::{Context, Error, Outcome, Refusal, Store, keys, members, table, users};

impl Store {
    /// Makes an organization with the caller as its owner.
    ///
    /// One transaction: the organization, its name and the membership are not there yet; the
    /// caller is known in the tenant from now on.
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
