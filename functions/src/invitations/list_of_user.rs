//! `GET /users/me/invitations`

use documented::docs_const;
use muster::domain::{Invitation, Name, OrganizationId};
use muster::http::{self, Answer, Code, Problem};
use muster::store::UserInvitation;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::preview::PreviewInviter;
use super::refuse_machine;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, Paged, endpoint};
use crate::openapi::example::{self, Example};

/// List the caller's invitations
///
/// Returns the open invitations of the caller's verified email address, in all organizations of the tenant, sorted by
/// creation time. Accepting and declining them needs no token. Empty if the caller has no verified address.
///
/// Requires a user of the tenant. Eventually consistent: a new invitation can take about a second to appear.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_user_invitations(call: Call, page: Paged) -> Result<Answer, Problem> {
    refuse_machine(&call.caller)?;
    let found = call
        .store()
        .user_invitations(&call.context(), page.after(), page.limit())
        .await?;
    Ok(page.answer(found, show))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_user_invitations, "GET /users/me/invitations")
    .table(&[BatchGetItem])
    .indexes(&["gsi1"])
    .answers(|operation| {
        operation
            .page::<ShownUserInvitation<'static>>()
            .fails(&[Code::Forbidden])
    });

/// An invitation with the names that its user sees.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "UserInvitation")]
struct ShownUserInvitation<'a> {
    #[serde(flatten)]
    invitation: &'a Invitation,
    /// The organization.
    organization: InvitingOrganization<'a>,
    /// The inviter.
    invited_by: PreviewInviter<'a>,
}

/// The organization of an invitation.
#[derive(Serialize, JsonSchema)]
struct InvitingOrganization<'a> {
    /// Organization id.
    id: &'a OrganizationId,
    /// Organization name.
    #[schemars(with = "String")]
    name: &'a Name,
}

fn show(one: &UserInvitation) -> Box<RawValue> {
    http::json(&ShownUserInvitation {
        invitation: &one.invitation,
        organization: InvitingOrganization {
            id: &one.organization.id,
            name: &one.organization.name,
        },
        invited_by: PreviewInviter {
            display_name: one.inviter_name.as_ref(),
        },
    })
}

impl Example for ShownUserInvitation<'_> {
    fn example() -> Value {
        let names = json!({
            "organization": {"id": example::ORGANIZATION, "name": "Rockets"},
            "invited_by": {"display_name": "Ada Lovelace"},
        });
        example::with(Invitation::example(), names)
    }
}
