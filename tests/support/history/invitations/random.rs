use fastrand::Rng;
use muster::domain::Role;
use muster_model::table::Id;

use super::{InvitationRequest, Links, Proof};

const ROLES: [Role; 4] = [Role::Owner, Role::Owner, Role::Admin, Role::Member];

/// A random request about an invitation, and its caller. A user answers one with its newest token, an old one, or their
/// address. A new invitation has this number.
pub(in crate::history) fn random(
    random: &mut Rng,
    links: &Links,
    (caller, organization): (Id, Id),
    number: u8,
) -> (Id, InvitationRequest) {
    let create = InvitationRequest::Create {
        organization,
        user: random.usize(..3),
        role: *random.choice(&ROLES).unwrap(),
        number,
    };
    let link = random.choice(links.all());
    match (random.u8(..16), link) {
        (4, Some(link)) => (caller, InvitationRequest::Get(link.number)),
        (5 | 6, Some(link)) => (caller, InvitationRequest::Resend(link.number)),
        (7, Some(link)) => (caller, InvitationRequest::Revoke(link.number)),
        (place @ 8.., Some(link)) => {
            let newest = link.tokens.keys().next_back().copied();
            let tokens: Vec<_> = link.tokens.keys().copied().collect();
            let token = match random.u8(..4) {
                0 => None,
                1 => random.choice(tokens),
                _ => newest,
            };
            let caller = if random.u8(..4) == 0 {
                random.usize(..3)
            } else {
                link.user
            };
            let proof = token.map_or(Proof::Address, Proof::Token);
            let request = match place {
                8..=13 => InvitationRequest::Accept(link.number, proof),
                _ => InvitationRequest::Decline(link.number, proof),
            };
            (caller, request)
        }
        _ => (caller, create),
    }
}
