//! Which address a caller has.

use super::answering::Answering;
use crate::domain::{Caller, Email, User};
use crate::store::keys::{self, Key};

/// Returns the key of the verified domain of the address in the access token, which counts only together with the token
/// of the invitation.
pub(super) fn claim_key(caller: &Caller, by: Answering<'_>) -> Option<Key> {
    let Answering::Token(_) = by else {
        return None;
    };
    let domain = caller.email.as_ref()?.address.provable_domain()?;
    Some(keys::domain_claim(&caller.tenant_id, &domain))
}

/// Returns the caller's verified address. If the access token has an address, that of the profile does not count.
pub(super) fn verified<'a>(caller: &'a Caller, profile: Option<&'a User>) -> Option<&'a Email> {
    match &caller.email {
        Some(claimed) => claimed.verified(),
        None => profile.filter(|it| it.email_verified)?.email.as_ref(),
    }
}
