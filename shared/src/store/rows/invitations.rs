//! Invitations by email, and the items of the addresses that are invited.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::Recorded;
use crate::domain::{
    Email, Invitation, InvitationDelivery, InvitationId, InvitationStatus, OrganizationId,
    RedirectUrl, Role, TeamId, TenantId, Timestamp, UserId,
};
use crate::store::keys::{GSI1, Key};
use crate::store::table::{Condition, Item, ItemChange, from_item, number, text, text_of, to_item};
use crate::store::{keys, table};

/// Attribute of an address that is invited: the id of its invitation.
const INVITATION_ID: &str = "invitation_id";

/// Attributes that a change of an invitation writes. The delivery of its mail is not among them: the function that
/// delivers it writes that alone.
const CHANGEABLE: [&str; 14] = [
    "gsi1pk",
    "gsi1sk",
    "email",
    "status",
    "invited_by_user_id",
    "invited_by_tenant_admin",
    "valid_until",
    "send_count",
    "accepted_by_user_id",
    "issued_at",
    "version",
    "updated_at",
    "redirect_url",
    "expires_at",
];

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct InvitationRow {
    id: InvitationId,
    tenant_id: TenantId,
    organization_id: OrganizationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    role: Role,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    team_ids: Vec<TeamId>,
    /// `pending` also if it has expired.
    status: InvitationStatus,
    invited_by_user_id: UserId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    invited_by_tenant_admin: bool,
    /// The field `expires_at`. The attribute of that name is when DynamoDB deletes the item.
    valid_until: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_at: Option<Timestamp>,
    send_count: u32,
    delivery: InvitationDelivery,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accepted_by_user_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redirect_url: Option<RedirectUrl>,
    issued_at: Timestamp,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// In seconds since 1970.
    expires_at: i64,
}

/// Returns the key of an invitation.
pub(in crate::store) fn key_of(invitation: &Invitation) -> Key {
    keys::invitation(
        &invitation.tenant_id,
        &invitation.organization_id,
        &invitation.id,
    )
}

/// Returns the item of an invitation. It is in the index unless its address was erased.
pub(in crate::store) fn to_row(invitation: &Invitation) -> Result<Item, table::Error> {
    let mut by_email = Item::new();
    if let Some(email) = &invitation.email {
        let (tenant, organization) = (&invitation.tenant_id, &invitation.organization_id);
        let key = keys::invitation_by_email(tenant, email, organization, &invitation.id);
        by_email = key.attributes_of(GSI1);
    }
    let key = key_of(invitation);
    to_item(&invitation.to_recorded(), [key.attributes(), by_email])
}

/// Reads an invitation as it is stored: one that has expired is still pending.
pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<Invitation, table::Error> {
    Invitation::from_recorded(from_item(item)?)
}

impl Recorded for Invitation {
    type Row = InvitationRow;

    fn to_recorded(&self) -> InvitationRow {
        let one = self.clone();
        InvitationRow {
            expires_at: one.kept_until().as_second(),
            id: one.id,
            tenant_id: one.tenant_id,
            organization_id: one.organization_id,
            email: one.email,
            role: one.role,
            team_ids: one.team_ids,
            status: one.status,
            invited_by_user_id: one.invited_by_user_id,
            invited_by_tenant_admin: one.invited_by_tenant_admin,
            valid_until: one.expires_at,
            sent_at: one.sent_at,
            send_count: one.send_count,
            delivery: one.delivery,
            accepted_by_user_id: one.accepted_by_user_id,
            redirect_url: one.redirect_url,
            issued_at: one.issued_at,
            version: one.version,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }

    fn from_recorded(row: InvitationRow) -> Result<Self, table::Error> {
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            organization_id: row.organization_id,
            email: row.email,
            role: row.role,
            team_ids: row.team_ids,
            status: row.status,
            invited_by_user_id: row.invited_by_user_id,
            invited_by_tenant_admin: row.invited_by_tenant_admin,
            expires_at: row.valid_until,
            sent_at: row.sent_at,
            send_count: row.send_count,
            delivery: row.delivery,
            accepted_by_user_id: row.accepted_by_user_id,
            redirect_url: row.redirect_url,
            issued_at: row.issued_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Returns the change that writes the fields of an invitation, except the delivery of its mail.
pub(in crate::store) fn to_change(after: &Invitation) -> Result<ItemChange, table::Error> {
    Ok(ItemChange::taking(&CHANGEABLE, &to_row(after)?))
}

/// Returns the condition that an invitation is unchanged since it was read. The delivery of its mail may have changed.
pub(in crate::store) fn unchanged(before: &Invitation) -> Condition {
    crate::store::in_version(before.version)
}

/// Returns the item of an address that is invited.
pub(in crate::store) fn invitee_row(invitation: &Invitation, email: &Email) -> Item {
    let (tenant, organization) = (&invitation.tenant_id, &invitation.organization_id);
    let mut item = keys::invitee(tenant, organization, email).attributes();
    let expires_at = invitation.kept_until().as_second();
    item.extend([
        (INVITATION_ID.to_owned(), text(invitation.id.as_str())),
        (
            "valid_until".to_owned(),
            text(invitation.expires_at.to_string()),
        ),
        ("expires_at".to_owned(), number(expires_at)),
    ]);
    item
}

/// Returns the invitation that the item of an address names.
pub(in crate::store) fn named_by(invitee: &Item) -> Result<InvitationId, table::Error> {
    InvitationId::parse(text_of(invitee, INVITATION_ID)?).map_err(table::Error::unreadable)
}

/// Returns the condition that the item of an address names this invitation.
pub(in crate::store) fn names(id: &InvitationId) -> Condition {
    Condition::new(format!("#{INVITATION_ID} = :named")).value(":named", text(id.as_str()))
}

/// Returns the condition that an address is not invited, or that its invitation has expired.
pub(in crate::store) fn not_invited(now: Timestamp) -> Condition {
    Condition::new("attribute_not_exists(#pk) OR #valid_until <= :invited_at")
        .value(":invited_at", text(now.to_string()))
}
