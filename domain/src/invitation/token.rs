//! The token in the link of an invitation.
//!
//! It is the HMAC of what identifies the invitation and of its send count, under a secret of the deployment. It is not
//! stored: the table alone gives no token, and the next send count makes the token before it invalid.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};

use super::Invitation;
use crate::{Invalid, InvitationId, OrganizationId, TenantId, UserId};

/// The start of a token, which names its format.
const PREFIX: &str = "inv1_";
/// The start of the signed text, so that the secret signs nothing else by accident.
const SUBJECT: &str = "muster-invitation-1";
/// The separator of what a token names. Of its ids only the last, that of the inviter, can contain it.
const SEPARATOR: char = '#';
/// Minimum length of the secret, in bytes: that of the key that HMAC-SHA256 recommends.
const MIN_SECRET_BYTES: usize = 32;
/// Maximum length of a token. Its ids fit at their maximum lengths.
const MAX_LENGTH: usize = 1_024;

/// The secret of the deployment that makes the tokens of invitations. It is not printed.
#[derive(Clone)]
pub struct InvitationSecret(hmac::Key);

impl InvitationSecret {
    /// Takes the text of the secret.
    pub fn new(text: &SecretString) -> Result<Self, Invalid> {
        let bytes = text.expose_secret().as_bytes();
        if bytes.len() < MIN_SECRET_BYTES {
            return Err(Invalid::new("must have at least 32 bytes"));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }

    /// Returns the current token of an invitation.
    pub fn token(&self, invitation: &Invitation) -> InvitationToken {
        let named = [
            invitation.tenant_id.as_str(),
            invitation.organization_id.as_str(),
            invitation.id.as_str(),
            invitation.invited_by_user_id.as_str(),
        ];
        let named = URL_SAFE_NO_PAD.encode(named.join(&SEPARATOR.to_string()));
        let mac = hmac::sign(&self.0, signed(invitation).as_bytes());
        let mac = mac.as_ref().to_vec();
        let text = format!("{PREFIX}{named}.{}", URL_SAFE_NO_PAD.encode(&mac));
        InvitationToken {
            tenant_id: invitation.tenant_id.clone(),
            organization_id: invitation.organization_id.clone(),
            invitation_id: invitation.id.clone(),
            inviter_id: invitation.invited_by_user_id.clone(),
            mac,
            text: text.into(),
        }
    }

    /// Returns whether it is the current token of the invitation. Takes the same time for every wrong token.
    pub fn verifies(&self, token: &InvitationToken, invitation: &Invitation) -> bool {
        let is_of_inviter = token.inviter_id == invitation.invited_by_user_id;
        hmac::verify(&self.0, signed(invitation).as_bytes(), &token.mac).is_ok() && is_of_inviter
    }
}

/// Returns the text that the HMAC covers.
fn signed(invitation: &Invitation) -> String {
    let Invitation {
        tenant_id,
        organization_id,
        id,
        send_count,
        ..
    } = invitation;
    format!("{SUBJECT}#{tenant_id}#{organization_id}#{id}#{send_count}")
}

impl fmt::Debug for InvitationSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InvitationSecret")
    }
}

/// A token as a client sends it. It names its invitation, and is valid only if the secret [verifies
/// it](InvitationSecret::verifies). It is not printed.
#[derive(Clone)]
pub struct InvitationToken {
    tenant_id: TenantId,
    organization_id: OrganizationId,
    invitation_id: InvitationId,
    inviter_id: UserId,
    mac: Vec<u8>,
    text: SecretString,
}

impl InvitationToken {
    /// Returns a token that no secret verifies. In place of a malformed one it is looked up like a wrong one, so that both
    /// take the same time.
    pub fn of_no_invitation(tenant: &TenantId) -> Result<Self, Invalid> {
        Ok(Self {
            tenant_id: tenant.clone(),
            organization_id: OrganizationId::parse("none")?,
            invitation_id: InvitationId::parse("none")?,
            inviter_id: UserId::parse("none")?,
            mac: Vec::new(),
            text: String::new().into(),
        })
    }

    /// Returns the tenant that it names.
    pub fn tenant_id(&self) -> &TenantId {
        &self.tenant_id
    }

    /// Returns the organization that it names.
    pub fn organization_id(&self) -> &OrganizationId {
        &self.organization_id
    }

    /// Returns the invitation that it names.
    pub fn invitation_id(&self) -> &InvitationId {
        &self.invitation_id
    }

    /// Returns the inviter that it names.
    pub fn inviter_id(&self) -> &UserId {
        &self.inviter_id
    }

    /// Returns the text, for the link. Only characters that a URL needs not escape.
    pub fn expose_text(&self) -> &str {
        self.text.expose_secret()
    }
}

impl FromStr for InvitationToken {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text).ok_or(Invalid::new("must be the token of an invitation"))
    }
}

fn parse(text: &str) -> Option<InvitationToken> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let (named, mac) = text.strip_prefix(PREFIX)?.split_once('.')?;
    let named = String::from_utf8(URL_SAFE_NO_PAD.decode(named).ok()?).ok()?;
    let mut ids = named.splitn(4, SEPARATOR);
    Some(InvitationToken {
        tenant_id: TenantId::parse(ids.next()?).ok()?,
        organization_id: OrganizationId::parse(ids.next()?).ok()?,
        invitation_id: InvitationId::parse(ids.next()?).ok()?,
        inviter_id: UserId::parse(ids.next()?).ok()?,
        mac: URL_SAFE_NO_PAD.decode(mac).ok()?,
        text: text.into(),
    })
}

impl fmt::Debug for InvitationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("InvitationToken")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invitation::tests::invitation;

    fn secret() -> InvitationSecret {
        InvitationSecret::new(&"7".repeat(32).into()).unwrap()
    }

    #[test]
    fn a_token_names_its_invitation_and_is_verified() {
        let one = invitation();
        let token = secret().token(&one);
        let text = token.expose_text();
        let read: InvitationToken = text.parse().unwrap();
        assert_eq!(read.tenant_id(), &one.tenant_id);
        assert_eq!(read.organization_id(), &one.organization_id);
        assert_eq!(read.invitation_id(), &one.id);
        assert_eq!(read.inviter_id(), &one.invited_by_user_id);
        assert!(secret().verifies(&read, &one));
        let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        assert!(text.chars().all(is_safe), "{text}");
        assert_eq!(
            format!("{read:?}{:?}", secret()),
            "InvitationTokenInvitationSecret"
        );
    }

    #[test]
    fn a_token_has_256_bits_of_the_hmac() {
        let token = secret().token(&invitation());
        let (_, mac) = token.expose_text().split_once('.').unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(mac).unwrap().len(), 32);
    }

    #[test]
    fn every_field_that_is_signed_changes_the_token() {
        let token = secret().token(&invitation());
        let one = invitation;
        let others = [
            Invitation {
                tenant_id: TenantId::parse("other").unwrap(),
                ..one()
            },
            Invitation {
                organization_id: OrganizationId::parse("o2").unwrap(),
                ..one()
            },
            Invitation {
                id: InvitationId::parse("i2").unwrap(),
                ..one()
            },
            Invitation {
                send_count: 2,
                ..one()
            },
        ];
        for other in others {
            assert!(!secret().verifies(&token, &other), "{other:?}");
        }
        let other = InvitationSecret::new(&"8".repeat(32).into()).unwrap();
        assert!(!other.verifies(&token, &invitation()));
    }

    #[test]
    fn a_changed_or_cut_token_is_not_valid() {
        let token = secret().token(&invitation());
        let text = token.expose_text();
        for n in 0..text.len() {
            for other in [text[..n].to_owned(), {
                let mut bytes = text.as_bytes().to_vec();
                bytes[n] = if bytes[n] == b'A' { b'B' } else { b'A' };
                String::from_utf8(bytes).unwrap()
            }] {
                let Ok(read) = other.parse::<InvitationToken>() else {
                    continue;
                };
                let names_it = read.tenant_id() == token.tenant_id()
                    && read.organization_id() == token.organization_id()
                    && read.invitation_id() == token.invitation_id();
                assert!(
                    !names_it || !secret().verifies(&read, &invitation()),
                    "{other}"
                );
            }
        }
        for bad in [
            "",
            "inv1_",
            "inv1_.",
            "inv1_YQ.YQ",
            "inv2_YSNiI2M.YQ",
            &"x".repeat(2_000),
        ] {
            assert!(bad.parse::<InvitationToken>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(InvitationSecret::new(&"7".repeat(31).into()).is_err());
    }
}
