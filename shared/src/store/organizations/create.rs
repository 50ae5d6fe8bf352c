//! Creating an organization.

use super::OrganizationAction;
use crate::domain::{EventDraft, EventType, Membership, Organization, Transition};
use crate::store::rows::organizations::{NAMES_INDEXED, to_row};
use crate::store::rows::{members, users};
use crate::store::table::{Condition, Unmet, number};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, keys, table};
use aws_sdk_dynamodb::types::AttributeValue;

impl Store {
    /// Creates an organization with this owner, or without one.
    ///
    /// Writes one transaction on the condition that the organization, the reservation of its name and the
    /// membership do not exist, that the owner is known, and that a caller who becomes the owner is not disabled. For a
    /// caller who becomes the owner and is not known in the tenant yet, a second transaction also creates their profile.
    pub async fn create_organization(
        &self,
        cx: &Context,
        organization: &Organization,
        owner: Option<&Membership>,
    ) -> Result<IdempotentOutcome<Organization>, Error> {
        let record = cx.record();
        let record = record.as_ref();
        let is_caller = owner.is_some_and(|owner| owner.user_id == cx.caller.user_id);
        // The caller is known, is not, or became known in between.
        for is_known in [true, false, true] {
            let Err(unmet) = self.create(cx, organization, owner, is_known).await? else {
                return Ok(IdempotentOutcome::Fresh(organization.clone()));
            };
            if let Some(profile) = unmet.of(&OrganizationAction::User)
                && is_caller
            {
                users::require_enabled(profile)?;
            }
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &OrganizationAction::Record)?
            {
                return Ok(outcome);
            }
            if unmet.of(&OrganizationAction::NewName).is_some() {
                return Err(Refusal::NameTaken.into());
            }
            if !unmet.only(&[OrganizationAction::User]) {
                break;
            }
            if !is_caller {
                return Err(Refusal::UnknownUser.into());
            }
        }
        Err(table::Error::Conflict("create_organization").into())
    }

    async fn create(
        &self,
        cx: &Context,
        organization: &Organization,
        owner: Option<&Membership>,
        is_known: bool,
    ) -> Result<Result<(), Unmet<OrganizationAction>>, Error> {
        let created = EventType::OrganizationCreated;
        let created = EventDraft::organization(created, Transition::Created(organization));
        let mut events = vec![created];
        if let Some(owner) = owner {
            events.push(EventDraft::membership(
                EventType::MembershipAdded,
                Transition::Created(owner),
                Some(&organization.name),
            ));
        }
        let user = users::known(&cx.caller, organization.created_at);
        if !is_known {
            let registered = EventType::UserRegistered;
            events.push(EventDraft::user(registered, Transition::Created(&user)));
        }
        let mut transaction = self.transaction(&cx.origin, events)?;
        let mut item = to_row(organization)?;
        if owner.is_some() {
            item.insert("owner_count".to_owned(), number(1));
        }
        item.insert(NAMES_INDEXED.to_owned(), AttributeValue::Bool(true));
        transaction.put(OrganizationAction::Organization, item, Condition::absent());
        super::reserve_name(&mut transaction, OrganizationAction::NewName, organization)?;
        if let Some(owner) = owner {
            transaction.put(
                OrganizationAction::Owner,
                members::to_row(owner)?,
                Condition::absent(),
            );
            let key = keys::user(&owner.tenant_id, &owner.user_id);
            if is_known {
                let mut known = users::is_known();
                if owner.user_id == user.user_id {
                    known = known.and(users::is_enabled());
                }
                transaction.check(OrganizationAction::User, &key, known);
            } else {
                let profile = users::new_profile(&user);
                transaction.touch(OrganizationAction::User, &key, profile, Condition::absent());
            }
        }
        if let Some(record) = cx.record() {
            record.write(&mut transaction, OrganizationAction::Record, organization)?;
        }
        Ok(transaction.commit().await?)
    }
}
