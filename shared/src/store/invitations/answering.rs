//! How an invitation is answered.

use crate::domain::{InvitationId, InvitationSecret, InvitationToken};

/// How a caller names the invitation that they answer, and proves that it is theirs.
#[derive(Clone, Copy, Debug)]
pub enum Answering<'a> {
    /// With the token that was sent to the invited address. It proves the mailbox, so that an address whose domain the
    /// inviting organization has verified need not be verified itself.
    Token(ByToken<'a>),
    /// By its id. Only a verified address is a proof.
    Id(&'a InvitationId),
}

/// A token and what it is verified with.
#[derive(Clone, Copy, Debug)]
pub struct ByToken<'a> {
    /// The token that the caller sent.
    pub token: &'a InvitationToken,
    /// The secret that verifies it.
    pub secret: &'a InvitationSecret,
    /// Whether the caller's verified address must be the invited one.
    pub email_must_match: bool,
}
