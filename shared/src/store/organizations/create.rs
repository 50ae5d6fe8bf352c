//! Making an organization.

use super::{Part, to_row};
use crate::domain::{Caller, Membership, Organization};
use crate::store::idempotency::{FirstAnswer, Once};
use crate::store::table::{Condition, number};
use crate::store::{Done, Error, Refusal, Store, keys, memberships, table, users};

impl Store {
    /// Makes an organization with the caller as its owner.
    ///
    /// One transaction: the organization, its name and the membership are not there yet; the
    /// caller is known in the tenant from now on.
    pub async fn create_organization(
        &self,
        caller: &Caller,
        organization: &Organization,
        owner: &Membership,
        once: Option<(&Once, FirstAnswer)>,
    ) -> Result<Done<()>, Error> {
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
        if let Some((once, answer)) = &once {
            once.record(&mut transaction, Part::Record, answer)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(Done::Now(()));
        };
        if let Some((once, _)) = once
            && let Some(answer) = once.first_answer(&unmet, &Part::Record)?
        {
            return Ok(Done::Before(answer));
        }
        match unmet.of(&Part::NewName) {
            Some(_) => Err(Refusal::NameTaken.into()),
            None => Err(table::Error::Conflict("create_organization").into()),
        }
    }
}
