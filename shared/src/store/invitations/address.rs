//! Which address a caller has proved to be theirs.

use super::accept::Found;
use crate::domain::{Caller, Email};
use crate::store::Refusal;
use crate::store::keys::{self, Key};

/// Returns the key of the verified domain of the address in the caller's token.
pub(super) fn claim_key(caller: &Caller) -> Option<Key> {
    let domain = caller.email.as_ref()?.address.provable_domain()?;
    Some(keys::domain_claim(&caller.tenant_id, &domain))
}

/// Requires that the caller has proved the invited address. The address in the token counts before that of the profile.
/// An address that is not verified counts if the inviting organization has verified its domain.
pub(super) fn require_address(
    caller: &Caller,
    found: &Found,
    must_match: bool,
) -> Result<(), Refusal> {
    if !must_match {
        return Ok(());
    }
    let (address, is_verified): (Option<&Email>, bool) = match &caller.email {
        Some(claimed) => (
            Some(&claimed.address),
            claimed.is_verified || found.is_claimed,
        ),
        None => match &found.profile {
            Some(profile) => (profile.email.as_ref(), profile.email_verified),
            None => (None, false),
        },
    };
    let address = address.filter(|_| is_verified);
    let address = address.ok_or(Refusal::EmailNotVerified)?;
    let invited = found.invitation.email.as_ref();
    if invited.is_some_and(|invited| invited.folded() == address.folded()) {
        Ok(())
    } else {
        Err(Refusal::InvitationForAnotherAddress)
    }
}
