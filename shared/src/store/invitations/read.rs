//! Reading invitations.

use crate::domain::{
    Email, Invitation, InvitationKey, InvitationStatus, OrganizationId, Page, Permission, TenantId,
    Timestamp,
};
use crate::store::keys::{self, INVITATION_PREFIX, MAX_SORT_KEY_BYTES};
use crate::store::rows::invitations::{from_row, named_by};
use crate::store::table::{Condition, Query, text, text_of};
use crate::store::{Context, Error, Refusal, Store, table};

/// Number of invitations that one page reads when few of many match.
const SIFTED: usize = 500;

/// Returns the condition that an invitation is shown with this status.
pub(super) fn shown_as(status: InvitationStatus, now: Timestamp) -> Condition {
    let stored = |status: InvitationStatus| {
        Condition::new("#status = :status").value(":status", text(status.as_str()))
    };
    let pending = || stored(InvitationStatus::Pending);
    match status {
        InvitationStatus::Pending => pending().and(
            Condition::new("#valid_until > :listed_at").value(":listed_at", text(now.to_string())),
        ),
        InvitationStatus::Expired => pending().and(
            Condition::new("#valid_until <= :listed_at").value(":listed_at", text(now.to_string())),
        ),
        status => stored(status),
    }
}

impl Store {
    /// Returns the invitations of an organization with this status, or all, in the order of their creation. Requires an
    /// owner or admin.
    pub async fn invitations(
        &self,
        cx: &Context,
        organization: &OrganizationId,
        status: Option<InvitationStatus>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invitation>, Error> {
        let (caller, now) = (&cx.caller, cx.now);
        let tenant = &caller.tenant_id;
        let after = match after {
            Some(place)
                if !place.starts_with(INVITATION_PREFIX) || place.len() > MAX_SORT_KEY_BYTES =>
            {
                return Err(Refusal::InvalidPosition.into());
            }
            Some(place) => Some(keys::invitation_at(tenant, organization, place).attributes()),
            None => None,
        };
        let looked_at = if status.is_some() {
            limit.max(SIFTED)
        } else {
            limit
        };
        let query = Query::in_partition(
            None,
            keys::invitations_partition(tenant, organization),
            INVITATION_PREFIX,
        )
        .filter(status.map(|status| shown_as(status, now)))
        .after(after)
        .limit(looked_at);
        let read = async { Ok(self.table.query(query).await?) };
        let (view, page) = tokio::try_join!(self.view(caller, organization, &[]), read)?;
        view.organization(caller, organization, now)?;
        view.standing(caller, organization)?
            .require(Permission::ManageMembers)?;
        let (mut items, mut next) = (page.items, page.next);
        if items.len() > limit {
            items.truncate(limit);
            let last = items.last().map(|last| text_of(last, "sk"));
            next = last.transpose()?.map(str::to_owned);
        }
        let items = items.into_iter();
        let items = items.map(|item| Ok(from_row(item)?.shown(now)));
        Ok(Page {
            items: items.collect::<Result<_, table::Error>>()?,
            next,
        })
    }

    /// Returns the open invitation of an address in an organization, if there is one. Makes one read, and another if the
    /// address is invited.
    pub(in crate::store) async fn open_invitation_of(
        &self,
        tenant: &TenantId,
        organization: &OrganizationId,
        address: &Email,
        now: Timestamp,
    ) -> Result<Option<Invitation>, Error> {
        let invitee = keys::invitee(tenant, organization, address);
        let found = self.read(&[&invitee]).await?;
        let Some(item) = found.item(&invitee) else {
            return Ok(None);
        };
        let key = keys::invitation(tenant, organization, &named_by(item)?);
        let found = self.read(&[&key]).await?;
        let invitation = found.item(&key).map(from_row).transpose()?;
        Ok(invitation.filter(|invitation| invitation.is_open(now)))
    }

    /// Returns an invitation as it is shown. Requires an owner or admin.
    pub async fn invitation_of_organization(
        &self,
        cx: &Context,
        InvitationKey {
            organization,
            invitation,
        }: InvitationKey<'_>,
    ) -> Result<Invitation, Error> {
        let caller = &cx.caller;
        let key = keys::invitation(&caller.tenant_id, organization, invitation);
        let view = self.view(caller, organization, &[&key]).await?;
        view.organization(caller, organization, cx.now)?;
        view.standing(caller, organization)?
            .require(Permission::ManageMembers)?;
        let item = view.item(&key).ok_or(Refusal::NotFound)?;
        Ok(from_row(item)?.shown(cx.now))
    }
}
