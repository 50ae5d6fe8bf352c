//! The invitations of a user.

use super::read::shown_as;
use super::{address, index_query};
use crate::domain::{ClaimedEmail, Email, Invitation, InvitationStatus, Name, Organization};
use crate::store::access::View;
use crate::store::keys::{self, INVITATION_PREFIX, Key};
use crate::store::rows::invitations::from_row;
use crate::store::rows::{organizations, users};
use crate::store::table::Query;
use crate::store::{Context, Error, Page, Refusal, Store, table};

/// Number of invitations that one page reads when few of many are open.
const SIFTED: usize = 500;

/// An open invitation of a user, with the names that they see.
#[derive(Clone, Debug)]
pub struct UserInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The organization that invites.
    pub organization: Organization,
    /// The name of the inviter, if they are known and have one.
    pub inviter_name: Option<Name>,
}

impl Store {
    /// Returns the open invitations of the caller's verified address into live organizations, after `after`, in the order
    /// of their creation; none if the caller has no verified address.
    ///
    /// Eventually consistent: reads an index. Makes two calls one after the other, and one more if the caller's token has
    /// no address.
    pub async fn user_invitations(
        &self,
        cx: &Context,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<UserInvitation>, Error> {
        let caller = &cx.caller;
        let profile = keys::user(&caller.tenant_id, &caller.user_id);
        let own = [&profile];
        let claimed = caller.email.as_ref();
        let (own, page) = if let Some(address) = claimed.and_then(ClaimedEmail::verified) {
            let query = open_query(cx, address, after, limit)?;
            let query = async { Ok(self.table.query(query).await?) };
            tokio::try_join!(self.read(&own), query)?
        } else {
            let own = self.read(&own).await?;
            own.require_enabled(caller)?;
            let user = own.item(&profile).map(users::from_row);
            let user = user.transpose()?;
            let Some(address) = address::verified(caller, user.as_ref()) else {
                // Also without a cursor, which names an invitation and its organization.
                return Ok(Page {
                    items: Vec::new(),
                    next: None,
                });
            };
            let query = open_query(cx, address, after, limit)?;
            (own, self.table.query(query).await?)
        };
        own.require_enabled(caller)?;
        let (mut items, mut next) = (page.items, page.next);
        if items.len() > limit {
            items.truncate(limit);
            let last = items.last().map(|last| table::text_of(last, "gsi1sk"));
            next = last.transpose()?.map(str::to_owned);
        }
        let invitations = items.into_iter().map(from_row);
        let invitations = invitations.collect::<Result<Vec<_>, _>>()?;
        let names = self.names_of(&invitations).await?;
        let items = invitations.into_iter();
        let items = items.map(|invitation| with_names(invitation, &names));
        let items: Vec<_> = items.collect::<Result<_, Error>>()?;
        Ok(Page {
            items: items.into_iter().flatten().collect(),
            next,
        })
    }

    /// Reads the organizations and inviters of invitations.
    async fn names_of(&self, invitations: &[Invitation]) -> Result<View, Error> {
        let keys = invitations.iter().flat_map(|one| {
            [
                keys::organization(&one.tenant_id, &one.organization_id),
                keys::user(&one.tenant_id, &one.invited_by_user_id),
            ]
        });
        let keys: Vec<Key> = keys.collect();
        self.read(&keys.iter().collect::<Vec<_>>()).await
    }
}

/// Returns the query of the open invitations of an address.
fn open_query(
    cx: &Context,
    address: &Email,
    after: Option<&str>,
    limit: usize,
) -> Result<Query<'static>, Refusal> {
    let tenant = &cx.caller.tenant_id;
    let start = |place| keys::invitation_start(tenant, address, place);
    let after = after.map(|place| start(place).ok_or(Refusal::InvalidPosition));
    let after = after.transpose()?;
    let query = index_query(tenant, address, INVITATION_PREFIX, after, limit.max(SIFTED));
    Ok(query.filter(Some(shown_as(InvitationStatus::Pending, cx.now))))
}

/// Adds the names to an invitation. Returns `None` if its organization is deleted.
fn with_names(invitation: Invitation, names: &View) -> Result<Option<UserInvitation>, Error> {
    let tenant = &invitation.tenant_id;
    let organization = names.item(&keys::organization(tenant, &invitation.organization_id));
    let organization = organization.map(organizations::from_row);
    let organization = organization.transpose()?.filter(Organization::is_live);
    let inviter = names.item(&keys::user(tenant, &invitation.invited_by_user_id));
    let inviter = inviter.map(users::from_row).transpose()?;
    Ok(organization.map(|organization| UserInvitation {
        organization,
        inviter_name: inviter.and_then(|inviter| inviter.display_name),
        invitation,
    }))
}
