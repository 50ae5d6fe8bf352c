//! An invitation for the tests of this folder.

use crate::domain::{
    Invitation, InvitationDelivery, InvitationId, InvitationStatus, OrganizationId, Role, TeamId,
    TenantId, Timestamp, UserId,
};
use std::time::Duration;

/// A pending invitation into a team.
pub(super) fn invitation(team: &str) -> Invitation {
    let now = Timestamp::EPOCH;
    Invitation {
        id: InvitationId::parse("i").unwrap(),
        tenant_id: TenantId::parse("acme").unwrap(),
        organization_id: OrganizationId::parse("o").unwrap(),
        email: Some("ada@acme.example".parse().unwrap()),
        role: Role::Member,
        team_ids: vec![TeamId::parse(team).unwrap()],
        status: InvitationStatus::Pending,
        invited_by_user_id: UserId::parse("bob").unwrap(),
        invited_by_tenant_admin: false,
        expires_at: now.after(Duration::from_hours(1)),
        sent_at: None,
        send_count: 1,
        delivery: InvitationDelivery::Queued,
        accepted_by_user_id: None,
        redirect_url: None,
        issued_at: now,
        version: 1,
        created_at: now,
        updated_at: now,
    }
}
