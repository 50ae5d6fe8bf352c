//! The preview of an invitation for the holder of its link.

use crate::domain::{Invitation, InvitationSecret, InvitationToken, Name, Timestamp};
use crate::store::rows::invitations::from_row;
use crate::store::rows::{organizations, users};
use crate::store::{Error, Refusal, Store, keys};

/// An open invitation with the names that its preview shows.
#[derive(Clone, Debug)]
pub struct InvitationPreview {
    /// The invitation.
    pub invitation: Invitation,
    /// The name of its organization.
    pub organization_name: Name,
    /// The name of its inviter, if they are known and have one.
    pub inviter_name: Option<Name>,
}

impl Store {
    /// Returns the open invitation of this token. Makes one read. Every token that does not work is refused alike: not
    /// verified, used, revoked, expired, or of a deleted organization.
    pub async fn preview_invitation(
        &self,
        token: &InvitationToken,
        secret: &InvitationSecret,
        now: Timestamp,
    ) -> Result<InvitationPreview, Error> {
        let (tenant, id) = (token.tenant_id(), token.organization_id());
        let key = keys::invitation(tenant, id, token.invitation_id());
        let organization = keys::organization(tenant, id);
        let inviter = keys::user(tenant, token.inviter_id());
        let found = self.read(&[&key, &organization, &inviter]).await?;
        let invitation = from_row(found.item(&key).ok_or(Refusal::NotFound)?)?;
        if !secret.verifies(token, &invitation) || !invitation.is_open(now) {
            return Err(Refusal::NotFound.into());
        }
        let organization = found.item(&organization).ok_or(Refusal::NotFound)?;
        let organization = organizations::from_row(organization)?;
        if organization.deleted_at.is_some() {
            return Err(Refusal::NotFound.into());
        }
        let inviter = found.item(&inviter).map(users::from_row).transpose()?;
        Ok(InvitationPreview {
            inviter_name: inviter.and_then(|inviter| inviter.display_name),
            organization_name: organization.name,
            invitation,
        })
    }
}
