//! The data that the answer to an invitation depends on.
//!
//! A token names its invitation, so one read finds all. An id does not name the organization: the index of the caller's
//! address finds it first. What a caller with a token learns is decided in this order: whether the token is valid,
//! whether the invitation was answered, and only then whether the address is the caller's.

use super::address::{self, claim_key};
use super::answering::{Answering, ByToken};
use super::index_query;
use crate::domain::{
    Caller, Invitation, InvitationId, InvitationStatus, Membership, OrganizationId, Timestamp, User,
};
use crate::store::access::{self, View};
use crate::store::idempotency::IdempotencyRecord;
use crate::store::rows::invitations::from_row;
use crate::store::rows::users;
use crate::store::table::text_of;
use crate::store::{Context, Error, Refusal, Store, domains, keys};

/// The data that an answer to an invitation depends on.
pub(super) struct FoundInvitation {
    pub(super) invitation: Invitation,
    pub(super) membership: Option<Membership>,
    pub(super) profile: Option<User>,
    /// Whether the organization has verified the domain of the address in the access token. Always `false` without the
    /// token of the invitation.
    is_claimed: bool,
}

impl Store {
    /// Reads what the answer depends on, for a caller who is not disabled. Returns the id of the organization that invites, with the items.
    pub(super) async fn read_invited(
        &self,
        cx: &Context,
        by: Answering<'_>,
        record: Option<&IdempotencyRecord>,
    ) -> Result<((OrganizationId, InvitationId), View), Error> {
        let caller = &cx.caller;
        let tenant = &caller.tenant_id;
        let named = match by {
            Answering::Token(ByToken { token, .. }) => (
                token.organization_id().clone(),
                token.invitation_id().clone(),
            ),
            Answering::Id(id) => (self.inviting_organization(caller, id).await?, id.clone()),
        };
        let (organization, id) = &named;
        let invitation = keys::invitation(tenant, organization, id);
        let profile = keys::user(tenant, &caller.user_id);
        let own = access::own_key(caller, organization);
        let claim = claim_key(caller, by);
        let mut more = vec![&invitation, &profile, &own];
        more.extend(claim.as_ref());
        more.extend(record.map(IdempotencyRecord::key));
        let organization = keys::organization(tenant, organization);
        more.push(&organization);
        let view = self.read(&more).await?;
        view.require_enabled(caller)?;
        Ok((named, view))
    }

    /// Returns the organization that has invited the caller's address with this invitation. Eventually consistent: finds it
    /// in the index. Makes one query, and one read before it if the caller's token has no address.
    async fn inviting_organization(
        &self,
        caller: &Caller,
        id: &InvitationId,
    ) -> Result<OrganizationId, Error> {
        let tenant = &caller.tenant_id;
        let profile = match &caller.email {
            Some(_) => None,
            None => self.table.get(&keys::user(tenant, &caller.user_id)).await?,
        };
        if !caller.tenant_admin {
            users::require_enabled(profile.as_ref())?;
        }
        let profile = profile.map(users::from_row).transpose()?;
        // Reveals nothing to a caller who has not proved the address.
        let email = address::verified(caller, profile.as_ref());
        let email = email.ok_or(Refusal::EmailNotVerified)?;
        let place = keys::invitation_place(id);
        let found = self
            .table
            .query(index_query(tenant, email, &place, None, 1))
            .await?;
        let item = found.items.first().ok_or(Refusal::NotFound)?;
        let organization = OrganizationId::parse(text_of(item, "organization_id")?);
        Ok(organization.map_err(crate::store::table::Error::unreadable)?)
    }
}

impl FoundInvitation {
    /// Returns what was read, if the invitation exists, its organization is live, and the token, if it was sent one, is the
    /// current one. All else is the same 404.
    pub(super) fn in_view(
        view: &View,
        cx: &Context,
        (by, (organization, id)): (Answering<'_>, &(OrganizationId, InvitationId)),
        now: Timestamp,
    ) -> Result<Self, Error> {
        let caller = &cx.caller;
        let tenant = &caller.tenant_id;
        let item = view.item(&keys::invitation(tenant, organization, id));
        let invitation = from_row(item.ok_or(Refusal::NotFound)?)?;
        if let Answering::Token(ByToken { token, secret, .. }) = by
            && (token.tenant_id() != tenant || !secret.verifies(token, &invitation))
        {
            return Err(Refusal::NotFound.into());
        }
        view.organization(caller, organization, now)?;
        let profile = view.item(&keys::user(tenant, &caller.user_id));
        let claim = claim_key(caller, by);
        let claim = claim.as_ref().and_then(|key| view.item(key));
        Ok(Self {
            membership: view.membership(&access::own_key(caller, organization))?,
            profile: profile.map(users::from_row).transpose()?,
            is_claimed: claim.is_some_and(|claim| domains::is_claimed_by(claim, organization)),
            invitation,
        })
    }

    /// Requires that the invitation is open, or is in this status.
    pub(super) fn require_open_or(
        &self,
        status: InvitationStatus,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.invitation.is_open(now) || self.invitation.status == status {
            Ok(())
        } else {
            Err(Refusal::NotFound)
        }
    }

    /// Requires that the caller has proved the invited address. With the token of the invitation, an address that is not
    /// verified counts if the inviting organization has verified its domain; by the id it never does, because an
    /// administrator of any Entra directory can set it. The holder of a token knows the address; to other callers an
    /// invitation of another address does not exist.
    pub(super) fn require_address(
        &self,
        caller: &Caller,
        by: Answering<'_>,
    ) -> Result<(), Refusal> {
        let of_another_address = match by {
            Answering::Token(by) if !by.email_must_match => return Ok(()),
            Answering::Token(_) => Refusal::InvitationForAnotherAddress,
            Answering::Id(_) => Refusal::NotFound,
        };
        let verified = address::verified(caller, self.profile.as_ref());
        let in_claimed = caller.email.as_ref().filter(|_| self.is_claimed);
        let proved = verified.or(in_claimed.map(|claimed| &claimed.address));
        let address = proved.ok_or(Refusal::EmailNotVerified)?;
        let invited = self.invitation.email.as_ref();
        if invited.is_some_and(|invited| invited.folded() == address.folded()) {
            Ok(())
        } else {
            Err(of_another_address)
        }
    }
}

#[cfg(test)]
impl FoundInvitation {
    /// Returns the data that is found for a user with this membership.
    pub(super) fn of(invitation: Invitation, membership: Option<Membership>) -> Self {
        Self {
            invitation,
            membership,
            profile: None,
            is_claimed: false,
        }
    }
}
