//! Creating an organization.

use super::{Action, to_row};
use crate::domain::{EventDraft, EventType, Membership, Organization, Transition};
use crate::store::table::{Condition, Unmet, number};
use crate::store::{Context, Error, Outcome, Refusal, Store, keys, members, table, users};

impl Store {
    /// Creates an organization with the caller as its owner.
    ///
    /// Writes one transaction on the condition that the organization, the reservation of its name and the
    /// membership do not exist. For a caller who is not known in the tenant yet, a second transaction also creates
    /// their profile.
    pub async fn create_organization(
        &self,
        cx: &Context,
        organization: &Organization,
        owner: &Membership,
    ) -> Result<Outcome<Organization>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        // The caller is known, is not, or became known in between.
        for is_known in [true, false, true] {
            let Err(unmet) = self.create(cx, (organization, owner), is_known).await? else {
                return Ok(Outcome::Fresh(organization.clone()));
            };
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &Action::Record)?
            {
                return Ok(outcome);
            }
            if unmet.of(&Action::NewName).is_some() {
                return Err(Refusal::NameTaken.into());
            }
            if !unmet.only(&Action::User) {
                break;
            }
        }
        Err(table::Error::Conflict("create_organization").into())
    }

    async fn create(
        &self,
        cx: &Context,
        (organization, owner): (&Organization, &Membership),
        is_known: bool,
    ) -> Result<Result<(), Unmet<Action>>, Error> {
        let created = EventType::OrganizationCreated;
        let mut events = vec![
            EventDraft::organization(created, Transition::Created(organization)),
            EventDraft::membership(
                EventType::MembershipAdded,
                Transition::Created(owner),
                Some(&organization.name),
            ),
        ];
        let user = users::known(&cx.caller, organization.created_at);
        if !is_known {
            let registered = EventType::UserRegistered;
            events.push(EventDraft::user(registered, Transition::Created(&user)));
        }
        let mut transaction = self.transaction(&cx.origin, events)?;
        let mut item = to_row(organization)?;
        item.insert("owner_count".to_owned(), number(1));
        transaction.put(Action::Organization, item, Condition::absent());
        super::reserve_name(&mut transaction, Action::NewName, organization)?;
        transaction.put(Action::Owner, members::to_row(owner)?, Condition::absent());
        let key = keys::user(&user.tenant_id, &user.user_id);
        if is_known {
            transaction.check(Action::User, &key, Condition::present());
        } else {
            let profile = users::new_profile(&user);
            transaction.touch(Action::User, &key, profile, Condition::absent());
        }
        if let Some(record) = cx.record() {
            record.write(&mut transaction, Action::Record, organization)?;
        }
        Ok(transaction.commit().await?)
    }
}
