//! Making an organization.

use super::{Part, to_row};
use crate::domain::{Membership, Organization};
use crate::store::table::{Condition, number};
use crate::store::{Context, Error, Outcome, Refusal, Store, keys, memberships, table, users};

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
        transaction.put(Part::Organization, item, Condition::absent());
        super::reserve_name(&mut transaction, Part::NewName, organization)?;
        transaction.put(
            Part::Owner,
            memberships::to_row(owner)?,
            Condition::absent(),
        );
        transaction.touch(
            Part::User,
            &keys::user(&caller.tenant_id, &caller.user_id),
            users::known(caller, organization.created_at),
            Condition::none(),
        );
        if let Some(record) = record {
            record.write(&mut transaction, Part::Record, organization)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Outcome::Fresh(organization.clone()));
        };
        if let Some(record) = record
            && let Some(outcome) = record.replay(&unmet, &Part::Record)?
        {
            return Ok(outcome);
        }
        match unmet.of(&Part::NewName) {
            Some(_) => Err(Refusal::NameTaken.into()),
            None => Err(table::Error::Conflict("create_organization").into()),
        }
    }
}
