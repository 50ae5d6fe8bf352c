//! The write that changes, deletes or restores an organization.

use super::{CHANGEABLE, OrganizationAction};
use crate::domain::{EventDraft, EventType, Name, Organization, Permission, Timestamp};
use crate::store::access::{self, Requirement};
use crate::store::naming::NamedChange;
use crate::store::rows::organizations::{SYNCED_NAME, to_row};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, Transaction, Unmet, text};
use crate::store::{Context, Error, Refusal, Store, in_version, keys};

impl Store {
    /// Returns the transaction that changes `before` to `after`, including name reservations.
    pub(super) fn change(
        &self,
        cx: &Context,
        event: EventType,
        change: NamedChange<'_, Organization>,
        permission: Permission,
        now: Timestamp,
    ) -> Result<Transaction<'_, OrganizationAction>, Error> {
        let event = EventDraft::organization(event, change.transition());
        let mut transaction = self.transaction(&cx.origin, [event])?;
        let requirement = Requirement {
            permission,
            reach: None,
        };
        access::require(
            &mut transaction,
            OrganizationAction::Caller,
            &cx.caller,
            &change.before.id,
            requirement,
            now,
        );

        write_change(&mut transaction, change, None)?;
        Ok(transaction)
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
pub(super) fn not_changed(unmet: &Unmet<OrganizationAction>) -> Unsettled {
    if let Some(refusal) = access::refusal(unmet, &OrganizationAction::Caller) {
        return refusal.into();
    }
    match unmet.of(&OrganizationAction::Organization) {
        Some(None) => return Refusal::NotFound.into(),
        // Changed or deleted. The next read finds out which.
        Some(Some(_)) => return Unsettled::Overtaken,
        None => {}
    }
    if unmet.of(&OrganizationAction::NewName).is_some() {
        return Refusal::NameTaken.into();
    }
    Unsettled::Overtaken
}

/// Adds the change of an organization, of its place in lists, and of the reservation of its name. Writes on the condition
/// that it is in the version of `before`.
pub(super) fn write_change(
    transaction: &mut Transaction<'_, OrganizationAction>,
    NamedChange {
        before,
        reserved,
        after,
    }: NamedChange<'_, Organization>,
    synced_name: Option<&Name>,
) -> Result<(), Error> {
    let mut item = to_row(after)?;
    let held = before.is_live().then(|| reserved.clone());
    let keeps_name = before.name == after.name && after.is_live();
    if let (Some(held), true) = (&held, keeps_name) {
        // The sort keys in the indexes use the same form of the name as the reservation.
        let place = text(keys::by_name(held, &after.id));
        for attribute in ["gsi1sk", "gsi2sk"] {
            item.entry(attribute.to_owned())
                .and_modify(|it| place.clone_into(it));
        }
    }
    let mut change = ItemChange::taking(&CHANGEABLE, &item);
    if let Some(name) = synced_name {
        change = change.set(SYNCED_NAME, text(name.as_str()));
    }
    let key = keys::organization(&before.tenant_id, &before.id);
    let unchanged = in_version(before.version);
    transaction.update(OrganizationAction::Organization, &key, change, unchanged);

    let wanted = after.is_live().then(|| after.name.folded());
    if held == wanted || (held.is_some() && keeps_name) {
        return Ok(());
    }
    if let Some(name) = held {
        let own = Condition::new("attribute_not_exists(#pk) OR #organization_id = :id")
            .value(":id", text(before.id.as_str()));
        let key = keys::name_reservation(&before.tenant_id, &name);
        transaction.delete(OrganizationAction::OldName, &key, own);
    }
    if wanted.is_some() {
        super::reserve_name(transaction, OrganizationAction::NewName, after)?;
    }
    Ok(())
}
