//! A member as shown in lists: the membership, and the names of its user.

use muster::domain::{Email, Membership, Name};
use muster::store::Member;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use crate::openapi::example::{self, Example};

/// A membership with the names of its user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Member")]
pub(crate) struct ShownMember<'a> {
    #[serde(flatten)]
    membership: &'a Membership,
    /// The user.
    user: MemberNames<'a>,
}

/// The names of a member.
#[derive(Serialize, JsonSchema)]
struct MemberNames<'a> {
    /// The display name.
    display_name: Option<&'a Name>,
    /// The email address. Absent unless the caller is the user, a manager or above, or a tenant admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[expect(
        clippy::option_option,
        reason = "the outer one is absent, the inner one null"
    )]
    email: Option<Option<&'a Email>>,
}

impl<'a> ShownMember<'a> {
    pub(crate) fn new(member: &'a Member) -> Self {
        let names = &member.names;
        Self {
            membership: &member.membership,
            user: MemberNames {
                display_name: names.display_name.as_ref(),
                email: member.shows_email.then_some(names.email.as_ref()),
            },
        }
    }
}

impl Example for ShownMember<'_> {
    fn example() -> Value {
        let user = json!({"display_name": "Bob", "email": "bob@acme.example"});
        example::with(Membership::example(), json!({"user": user}))
    }
}
