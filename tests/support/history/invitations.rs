//! Invitations by email: their requests, and what the responses must be.

use std::collections::BTreeMap;

mod random;

use muster::domain::Role;
use muster_model::table::Id;
use reqwest::Method;
use serde_json::{Value, json};

use super::names::USERS;
use super::response::HistoryResponse;
use crate::Reply;

pub(super) use random::random;

/// A request about an invitation by email. The number of an invitation is that of the request which created it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvitationRequest {
    /// Invites the address of a user.
    Create {
        /// The organization.
        organization: Id,
        /// The user.
        user: Id,
        /// The role.
        role: Role,
        /// The number of the invitation, if this creates it.
        number: u8,
    },
    /// Gets it.
    Get(u8),
    /// Sends it again.
    Resend(u8),
    /// Revokes it.
    Revoke(u8),
    /// Accepts it.
    Accept(u8, Proof),
    /// Declines it.
    Decline(u8, Proof),
}

/// The proof with which a user answers an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proof {
    /// The token of this send, from 1.
    Token(u32),
    /// Their verified address.
    Address,
}

impl InvitationRequest {
    /// Whether it accepts an `Idempotency-Key`.
    pub(super) fn has_key(self) -> bool {
        matches!(
            self,
            Self::Create { .. } | Self::Resend(_) | Self::Accept(..)
        )
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create { .. } => "create invitation",
            Self::Get(_) => "get invitation",
            Self::Resend(_) => "resend invitation",
            Self::Revoke(_) => "revoke invitation",
            Self::Accept(_, Proof::Token(_)) => "accept invitation by token",
            Self::Accept(_, Proof::Address) => "accept invitation by id",
            Self::Decline(_, Proof::Token(_)) => "decline invitation by token",
            Self::Decline(_, Proof::Address) => "decline invitation by id",
        }
    }
}

/// The verified address of a user.
pub fn address(user: Id) -> String {
    format!("{}@acme.example", USERS[user])
}

/// The invitations whose id is known from a response.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

/// An invitation as a client knows it.
#[derive(Debug)]
pub struct Link {
    /// The number.
    pub number: u8,
    /// The user whose address is invited.
    pub user: Id,
    /// The tokens by their send.
    pub tokens: BTreeMap<u32, String>,
    organization: String,
    id: String,
}

impl Links {
    /// All of them.
    pub fn all(&self) -> &[Link] {
        &self.0
    }

    /// The last one of a user's address into the organization with this id.
    pub fn last(&self, organization: &str, user: Id) -> Option<&Link> {
        let mut all = self.0.iter().rev();
        all.find(|link| (link.organization.as_str(), link.user) == (organization, user))
    }

    fn of(&self, number: u8) -> &Link {
        let mut all = self.0.iter();
        all.find(|link| link.number == number)
            .expect("its id is known")
    }

    /// Learns from a response to a request.
    pub fn learn(&mut self, request: InvitationRequest, reply: &Reply) {
        let text = |name: &str| reply.body[name].as_str().map(str::to_owned);
        let (Some(id), Some(url)) = (text("id"), text("accept_url")) else {
            return;
        };
        if let InvitationRequest::Create { user, number, .. } = request
            && reply.status == 201
            && self.0.iter().all(|link| link.id != id)
        {
            self.0.push(Link {
                number,
                user,
                tokens: BTreeMap::new(),
                organization: text("organization_id").unwrap(),
                id: id.clone(),
            });
        }
        let (_, token) = url.split_once("invitation=").expect("a token");
        let send = u32::try_from(reply.body["send_count"].as_u64().unwrap()).unwrap();
        if let Some(link) = self.0.iter_mut().find(|link| link.id == id) {
            let known = link.tokens.insert(send, token.to_owned());
            assert!(known.is_none_or(|known| known == token), "two tokens");
        }
    }

    /// The HTTP request.
    pub fn request(
        &self,
        request: InvitationRequest,
        ids: &[Option<String>],
    ) -> (Method, String, Option<Value>) {
        let path = |number: u8| {
            let link = self.of(number);
            let (organization, id) = (&link.organization, &link.id);
            format!("/organizations/{organization}/invitations/{id}")
        };
        let answer = |number: u8, proof: Proof, verb: &str| {
            let link = self.of(number);
            match proof {
                Proof::Token(send) => {
                    let body = json!({"token": link.tokens[&send]});
                    (Method::POST, format!("/invitations/{verb}"), Some(body))
                }
                Proof::Address => {
                    let path = format!("/users/me/invitations/{}/{verb}", link.id);
                    (Method::POST, path, None)
                }
            }
        };
        match request {
            InvitationRequest::Create {
                organization,
                user,
                role,
                ..
            } => {
                let id = ids[organization].as_deref().expect("its id is known");
                let body = json!({"email": address(user), "role": role.as_str()});
                let path = format!("/organizations/{id}/invitations");
                (Method::POST, path, Some(body))
            }
            InvitationRequest::Get(number) => (Method::GET, path(number), None),
            InvitationRequest::Resend(number) => {
                (Method::POST, format!("{}/resend", path(number)), None)
            }
            InvitationRequest::Revoke(number) => (Method::DELETE, path(number), None),
            InvitationRequest::Accept(number, proof) => answer(number, proof, "accept"),
            InvitationRequest::Decline(number, proof) => answer(number, proof, "decline"),
        }
    }
}

/// The response with an invitation.
pub(super) fn told(reply: &Reply) -> HistoryResponse {
    let number = |name: &str| u32::try_from(reply.body[name].as_u64().unwrap()).unwrap();
    let text = |name: &str| reply.body[name].as_str();
    HistoryResponse::Invitation {
        role: text("role").unwrap().parse().unwrap(),
        status: text("status").unwrap().parse().unwrap(),
        version: number("version"),
        sends: number("send_count"),
        accepted_by: text("accepted_by_user_id")
            .map(|id| USERS.iter().position(|user| *user == id).unwrap()),
        is_new: reply.status == 201,
    }
}
