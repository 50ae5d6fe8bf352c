//! Invitations by email: an address that may join an organization, and the token that its link contains.

mod issued;
mod link;
mod token;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantNames};

use super::{
    Caller, Email, Invalid, InvitationId, OrganizationId, Role, TeamId, TenantId, Timestamp, UserId,
};

pub use issued::IssuedToken;
pub use link::{InvitationPage, MAX_REDIRECT_URL_LENGTH, RedirectUrl};
pub use token::{InvitationSecret, InvitationToken};

/// Maximum number of teams of an invitation. Accepting it joins all of them in one transaction.
pub const MAX_INVITATION_TEAMS: usize = 20;
/// Maximum of `expires_in_days`.
pub const MAX_INVITATION_DAYS: u8 = 30;
/// Default of `expires_in_days`.
pub const DEFAULT_INVITATION_DAYS: u8 = 7;
/// How long after the token was issued the next one can be.
pub const RESEND_AFTER: Duration = Duration::from_mins(1);
/// How long an invitation is kept after it ended or expired.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Status of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(EnumString, IntoStaticStr, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_one_of::<Self>)]
pub enum InvitationStatus {
    /// Can be accepted.
    Pending,
    /// Was accepted.
    Accepted,
    /// Was declined.
    Declined,
    /// Was revoked.
    Revoked,
    /// Expired before it was answered. Sending it again makes it pending.
    Expired,
}

impl InvitationStatus {
    /// Returns its name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// Delivery status of the mail of an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum InvitationDelivery {
    /// Will be sent.
    Queued,
    /// Was sent.
    Sent,
    /// Could not be sent.
    Failed,
    /// The deployment sends no mail.
    None,
}

impl InvitationDelivery {
    /// Returns its name in responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// An invitation of an email address into an organization.
// Fields and names match the HTTP contract.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Invitation {
    /// The id.
    pub id: InvitationId,
    /// The tenant. Not part of the HTTP contract.
    #[serde(skip)]
    pub tenant_id: TenantId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The invited email address; `null` once its user is erased.
    pub email: Option<Email>,
    /// The role that accepting grants.
    pub role: Role,
    /// The teams that the user joins by accepting.
    #[schemars(length(max = MAX_INVITATION_TEAMS))]
    pub team_ids: Vec<TeamId>,
    /// The status.
    // In the table, an invitation that expired is still pending.
    pub status: InvitationStatus,
    /// The user or machine who created it, or who sent it again.
    pub invited_by_user_id: UserId,
    /// Whether the inviter was a tenant admin, whose right came from the token and not from a membership. Not part of
    /// the HTTP contract. Accepting depends on it.
    #[serde(skip)]
    pub invited_by_tenant_admin: bool,
    /// Time after which it cannot be accepted.
    pub expires_at: Timestamp,
    /// Time at which the mail was last sent; `null` if none was sent.
    pub sent_at: Option<Timestamp>,
    /// Number of tokens that were issued. Only the last one works.
    pub send_count: u32,
    /// Delivery status of the latest mail.
    pub delivery: InvitationDelivery,
    /// The user who accepted it.
    pub accepted_by_user_id: Option<UserId>,
    /// Where the front end takes the user after they accept. Not part of the HTTP contract.
    #[serde(skip)]
    pub redirect_url: Option<RedirectUrl>,
    /// When the last token was issued. Not part of the HTTP contract.
    #[serde(skip)]
    pub issued_at: Timestamp,
    /// Starts at 1 and increases by 1 with each change, except of `delivery` and `sent_at`.
    pub version: u64,
    /// Creation time.
    pub created_at: Timestamp,
    /// Time of the last change, except of `delivery` and `sent_at`.
    pub updated_at: Timestamp,
}

impl Invitation {
    /// Returns whether it can be accepted: it is pending and not expired.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.status == InvitationStatus::Pending && now < self.expires_at
    }

    /// Returns it as it is shown: a pending invitation whose time is up is expired.
    #[must_use]
    pub fn shown(self, now: Timestamp) -> Self {
        if self.status == InvitationStatus::Pending && !self.is_open(now) {
            return Self {
                status: InvitationStatus::Expired,
                ..self
            };
        }
        self
    }

    /// Returns it in its next version, in this final status.
    #[must_use]
    pub fn ended(&self, status: InvitationStatus, now: Timestamp) -> Self {
        Self {
            status,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Returns it with its next token, as sent again by the caller. It is valid for as long as the first time.
    #[must_use]
    pub fn sent_again(
        &self,
        caller: &Caller,
        delivery: InvitationDelivery,
        now: Timestamp,
    ) -> Self {
        let span = self.expires_at.as_millisecond() - self.issued_at.as_millisecond();
        let span = Duration::from_millis(span.try_into().unwrap_or_default());
        Self {
            invited_by_user_id: caller.user_id.clone(),
            invited_by_tenant_admin: caller.tenant_admin,
            expires_at: now.after(span),
            issued_at: now,
            send_count: self.send_count.saturating_add(1),
            delivery,
            version: self.version + 1,
            updated_at: now,
            ..self.clone()
        }
    }

    /// Returns until when it is kept.
    pub fn kept_until(&self) -> Timestamp {
        let end = match self.status {
            InvitationStatus::Pending | InvitationStatus::Expired => self.expires_at,
            InvitationStatus::Accepted | InvitationStatus::Declined | InvitationStatus::Revoked => {
                self.updated_at
            }
        };
        end.after(KEPT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn invitation() -> Invitation {
        let now = Timestamp::EPOCH;
        Invitation {
            id: InvitationId::parse("i1").unwrap(),
            tenant_id: TenantId::parse("acme|x.y").unwrap(),
            organization_id: OrganizationId::parse("o=1").unwrap(),
            email: Some("bob@acme.example".parse().unwrap()),
            role: Role::Member,
            team_ids: Vec::new(),
            status: InvitationStatus::Pending,
            invited_by_user_id: UserId::parse("ada").unwrap(),
            invited_by_tenant_admin: false,
            expires_at: Timestamp::MAX,
            sent_at: None,
            send_count: 1,
            delivery: InvitationDelivery::None,
            accepted_by_user_id: None,
            redirect_url: None,
            issued_at: now,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_ended_invitation_has_another_version() {
        let now = at("2026-11-28T10:00:00.000Z");
        let ended = invitation().ended(InvitationStatus::Revoked, now);
        let expected = Invitation {
            status: InvitationStatus::Revoked,
            version: 2,
            updated_at: now,
            ..invitation()
        };
        assert_eq!(ended, expected);
    }

    #[test]
    fn a_delivery_is_named_as_in_responses() {
        for delivery in [
            InvitationDelivery::Queued,
            InvitationDelivery::Sent,
            InvitationDelivery::Failed,
            InvitationDelivery::None,
        ] {
            assert_eq!(serde_json::to_value(delivery).unwrap(), delivery.as_str());
        }
    }

    #[test]
    fn an_invitation_expires_at_its_last_moment() {
        let end = at("2026-11-28T10:00:00.000Z");
        let one = Invitation {
            expires_at: end,
            ..invitation()
        };
        let before = at("2026-11-28T09:59:59.999Z");
        assert!(one.is_open(before));
        assert_eq!(one.clone().shown(before).status, InvitationStatus::Pending);
        assert!(!one.is_open(end));
        assert_eq!(one.clone().shown(end).status, InvitationStatus::Expired);
        let revoked = one.ended(InvitationStatus::Revoked, before);
        assert_eq!(revoked.clone().shown(end), revoked);
    }

    #[test]
    fn sent_again_is_valid_for_the_same_time() {
        let (first, now) = (
            at("2026-11-01T00:00:00.000Z"),
            at("2026-11-28T00:00:00.000Z"),
        );
        let one = Invitation {
            issued_at: first,
            expires_at: at("2026-11-08T00:00:00.000Z"),
            ..invitation()
        };
        let eve = Caller {
            tenant_id: one.tenant_id.clone(),
            user_id: UserId::parse("eve").unwrap(),
            tenant_admin: true,
            machine: false,
            email: None,
        };
        let again = one.sent_again(&eve, InvitationDelivery::Queued, now);
        assert_eq!(again.expires_at, at("2026-12-05T00:00:00.000Z"));
        assert_eq!((again.send_count, again.version), (2, 2));
        assert_eq!(again.invited_by_user_id, eve.user_id);
        assert!(again.invited_by_tenant_admin);
    }

    #[test]
    fn sending_again_issues_the_next_token_for_as_long() {
        let at = |millisecond| Timestamp::from_millisecond(millisecond).unwrap();
        let first = Invitation {
            issued_at: at(1_000),
            expires_at: at(5_000),
            ..invitation()
        };
        let caller = Caller {
            tenant_id: first.tenant_id.clone(),
            user_id: UserId::parse("eve").unwrap(),
            tenant_admin: true,
            machine: false,
            email: None,
        };
        let expected = Invitation {
            invited_by_user_id: caller.user_id.clone(),
            invited_by_tenant_admin: true,
            issued_at: at(9_000),
            expires_at: at(13_000),
            send_count: first.send_count + 1,
            delivery: InvitationDelivery::Queued,
            version: first.version + 1,
            updated_at: at(9_000),
            ..first.clone()
        };
        let again = first.sent_again(&caller, InvitationDelivery::Queued, at(9_000));
        assert_eq!(again, expected);
        // An invitation is kept for 90 days after it expired, or was answered.
        let days = 90 * 86_400_000;
        assert_eq!(again.kept_until(), at(13_000 + days));
        let declined = Invitation {
            status: InvitationStatus::Declined,
            ..again
        };
        assert_eq!(declined.kept_until(), at(9_000 + days));
        let page: InvitationPage = "https://app.example/invitation".parse().unwrap();
        assert_eq!(page.to_string(), "https://app.example/invitation");
    }
}
