//! Invitations that a caller may send again or revoke.

use super::InvitationAction;
use crate::domain::{Invitation, InvitationKey, Permission};
use crate::store::access::{self, View};
use crate::store::idempotency::IdempotencyRecord;
use crate::store::rows::invitations::from_row;
use crate::store::rows::organizations;
use crate::store::settle::Unsettled;
use crate::store::table::Unmet;
use crate::store::{Context, Error, Refusal, Store, keys};

impl Store {
    /// Reads an invitation, what the caller may do in its organization, and the record of an earlier request.
    pub(super) async fn view_invitation(
        &self,
        cx: &Context,
        key: InvitationKey<'_>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<View, Error> {
        let InvitationKey {
            organization,
            invitation,
        } = key;
        let item = keys::invitation(&cx.caller.tenant_id, organization, invitation);
        let mut more = vec![&item];
        more.extend(record.map(IdempotencyRecord::key));
        self.view(&cx.caller, organization, &more).await
    }
}

/// Returns the invitation that was read, if the caller may change it.
pub(super) fn changeable(
    cx: &Context,
    view: &View,
    key: InvitationKey<'_>,
) -> Result<Invitation, Error> {
    let InvitationKey {
        organization,
        invitation,
    } = key;
    let caller = &cx.caller;
    view.organization(caller, organization, cx.now)?;
    let standing = view.standing(caller, organization)?;
    standing.require(Permission::ManageMembers)?;
    let item = view.item(&keys::invitation(
        &caller.tenant_id,
        organization,
        invitation,
    ));
    let invitation = from_row(item.ok_or(Refusal::NotFound)?)?;
    if standing.reaches(invitation.role) {
        Ok(invitation)
    } else {
        Err(Refusal::Forbidden.into())
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
pub(super) fn not_changed(unmet: &Unmet<InvitationAction>) -> Unsettled {
    match unmet.of(&InvitationAction::Organization) {
        Some(item) if organizations::is_gone(item) => return Refusal::NotFound.into(),
        _ => {}
    }
    match access::refusal(unmet, &InvitationAction::Caller) {
        Some(refusal) => refusal.into(),
        None => Unsettled::Overtaken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::{Item, text};

    #[test]
    fn an_invitation_is_not_found_once_its_organization_is_deleted() {
        let of = |status: &str| {
            let item = Item::from([("status".to_owned(), text(status))]);
            not_changed(&Unmet::one(InvitationAction::Organization, Some(item)))
        };
        assert!(of("deleted").is_not_found());
        assert!(matches!(of("active"), Unsettled::Overtaken));
    }
}
