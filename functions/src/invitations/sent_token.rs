//! The body with the token of an invitation.

use std::str::FromStr;

use muster::domain::{Caller, Invalid, InvitationToken, Json};
use muster::from_fields;
use muster::http::Problem;
use muster::json::{FromJson, text};
use schemars::JsonSchema;
use serde_json::{Value, json};

use super::refuse_machine;
use crate::openapi::example::Example;

/// The token of an invitation.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct InvitationAnswerRequest {
    /// The token in the link of the invitation.
    #[schemars(with = "String")]
    token: SentToken,
}

from_fields!(InvitationAnswerRequest { token });

/// A token, or `None` if the text is none: a malformed token returns the same 404 as a wrong one.
pub(crate) struct SentToken(Option<InvitationToken>);

impl FromStr for SentToken {
    type Err = Invalid;

    fn from_str(sent: &str) -> Result<Self, Invalid> {
        Ok(Self(sent.parse().ok()))
    }
}

impl FromJson for SentToken {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        text(value)
    }
}

impl InvitationAnswerRequest {
    /// Returns the token. Refuses machines, which become no members, with 403.
    pub(crate) fn token_for(self, caller: &Caller) -> Result<InvitationToken, Problem> {
        refuse_machine(caller)?;
        match self.token.0 {
            Some(token) => Ok(token),
            None => InvitationToken::of_no_invitation(&caller.tenant_id).map_err(Problem::internal),
        }
    }
}

impl Example for InvitationAnswerRequest {
    fn example() -> Value {
        json!({"token": "inv1_YWNtZQ.c2lnbmF0dXJl"})
    }
}
