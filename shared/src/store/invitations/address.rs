//! Which address a caller has.

use crate::domain::{Caller, Email, User};
use crate::store::keys::{self, Key};

/// Returns the key of the verified domain of the address in the caller's token.
pub(super) fn claim_key(caller: &Caller) -> Option<Key> {
    let domain = caller.email.as_ref()?.address.provable_domain()?;
    Some(keys::domain_claim(&caller.tenant_id, &domain))
}

/// Returns the caller's address and whether it is verified. The address in the token counts before that of the profile.
pub(super) fn known<'a>(
    caller: &'a Caller,
    profile: Option<&'a User>,
) -> Option<(&'a Email, bool)> {
    match &caller.email {
        Some(claimed) => Some((&claimed.address, claimed.is_verified)),
        None => profile.and_then(|profile| Some((profile.email.as_ref()?, profile.email_verified))),
    }
}
