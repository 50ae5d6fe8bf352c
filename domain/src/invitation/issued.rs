//! One token of an invitation, by name.

use serde::{Deserialize, Serialize};

use super::Invitation;
use crate::{Event, EventType, FieldChange, InvitationId, OrganizationId, TargetType, TenantId};

/// Names the token that an invitation has at a send count. Each token is sent in one mail.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invitation.
    pub invitation_id: InvitationId,
    /// The number of the token, from 1.
    pub send_count: u32,
}

impl IssuedToken {
    /// Returns the token that an event is about: that of a new invitation, or of one that was sent again. `None` for all
    /// other events.
    pub fn of(event: &Event) -> Option<Self> {
        if !matches!(
            event.event_type,
            EventType::InvitationCreated | EventType::InvitationResent
        ) {
            return None;
        }
        let mut targets = event.targets.iter();
        let target = targets.find(|target| target.target_type == TargetType::Invitation)?;
        let Some(FieldChange::Values { to, .. }) = event.changes.get("send_count") else {
            return None;
        };
        Some(Self {
            tenant_id: event.tenant_id.clone(),
            organization_id: event.organization_id.clone()?,
            invitation_id: InvitationId::parse(target.id.as_str()).ok()?,
            send_count: u32::try_from(to.as_u64()?).ok()?,
        })
    }

    /// Returns whether it is the current token of the invitation.
    pub fn is_current(&self, invitation: &Invitation) -> bool {
        self.invitation_id == invitation.id && self.send_count == invitation.send_count
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(event_type: &str, send_count: serde_json::Value) -> Event {
        serde_json::from_value(json!({
            "id": "01938f2e-5c2b-7a08-9b0c-1d2e3f405162",
            "type": event_type,
            "tenant_id": "acme",
            "organization_id": "o1",
            "occurred_at": "2026-11-28T02:43:00.123Z",
            "actor": {"type": "user", "id": "ada"},
            "targets": [{"type": "invitation", "id": "i1"}, {"type": "organization", "id": "o1"}],
            "changes": {"send_count": send_count},
            "context": {"request_id": "r1", "operation": "createInvitation"},
            "resource_version": 1,
        }))
        .unwrap()
    }

    #[test]
    fn events_with_a_new_token_name_it() {
        for (event_type, change, expected) in [
            (
                "invitation.created",
                json!({"from": null, "to": 1}),
                Some(1),
            ),
            ("invitation.resent", json!({"from": 1, "to": 2}), Some(2)),
            ("invitation.revoked", json!({"from": 1, "to": 2}), None),
            ("invitation.created", json!({"changed": true}), None),
            ("invitation.created", json!({"from": null, "to": -1}), None),
        ] {
            let issued = IssuedToken::of(&event(event_type, change));
            let count = issued.as_ref().map(|issued| issued.send_count);
            assert_eq!(count, expected, "{event_type}");
            if let Some(issued) = issued {
                assert_eq!(issued.invitation_id.as_str(), "i1");
                assert_eq!(issued.organization_id.as_str(), "o1");
            }
        }
    }

    #[test]
    fn only_the_last_token_of_an_invitation_is_current() {
        let invitation = super::super::tests::invitation();
        let token = IssuedToken {
            tenant_id: invitation.tenant_id.clone(),
            organization_id: invitation.organization_id.clone(),
            invitation_id: invitation.id.clone(),
            send_count: invitation.send_count,
        };
        assert!(token.is_current(&invitation));
        let earlier = IssuedToken {
            send_count: 0,
            ..token.clone()
        };
        assert!(!earlier.is_current(&invitation));
        let other = IssuedToken {
            invitation_id: InvitationId::parse("i2").unwrap(),
            ..token
        };
        assert!(!other.is_current(&invitation));
    }
}
