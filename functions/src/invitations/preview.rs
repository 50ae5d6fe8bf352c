//! `GET /invitations/{token}`

use documented::docs_const;
use muster::domain::{Email, InvitationToken, Name, Role, TenantId, Timestamp};
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::InvitationPreview;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::secret::TokenSecret;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Endpoint, PublicCall, endpoint};
use crate::openapi::example::Example;

/// The tenant in which a malformed token is looked up. No invitation is in it.
const NO_TENANT: &str = "none";

/// Preview an invitation
///
/// Returns what the holder of the link sees before they sign in and accept. Changes nothing: mail scanners open links.
///
/// Requires no access token: the link authorizes the request. Rate limited for all callers together. Returns the same
/// 404 for every token that does not work: unknown, used, revoked, expired, or replaced by a later one.
#[docs_const(vis = pub(self), rename = "DOCS")]
async fn preview_invitation(
    call: PublicCall<TokenSecret>,
    request: ApiRequest,
) -> Result<Answer, Problem> {
    request.no_query()?;
    let secret = call.services.get().await?;
    let token = match request.path_parameter("token").parse::<InvitationToken>() {
        Ok(token) => Ok(token),
        // Looked up like a wrong one, so that both take the same time.
        Err(_) => {
            TenantId::parse(NO_TENANT).and_then(|tenant| InvitationToken::of_no_invitation(&tenant))
        }
    };
    let token = token.map_err(Problem::internal)?;
    let app = &call.app;
    let found = app
        .store
        .preview_invitation(&token, &secret, app.clock.now());
    let found = found.await?;
    Ok(Answer::unversioned(muster::http::json(&shown(&found))))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(preview_invitation, "GET /invitations/{token}")
    .table(&[BatchGetItem])
    .answers(|operation| {
        operation
            .plain::<ShownPreview<'static>>("What the invitation offers.")
            .fails(&[Code::NotFound])
    });

/// An invitation, as the holder of its link sees it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InvitationPreview")]
struct ShownPreview<'a> {
    /// The organization.
    organization: PreviewOrganization<'a>,
    /// The invited address.
    email: Option<&'a Email>,
    /// The role that accepting grants.
    role: Role,
    /// The inviter.
    invited_by: PreviewInviter<'a>,
    /// Time after which it cannot be accepted.
    expires_at: Timestamp,
}

/// The organization of an invitation.
#[derive(Serialize, JsonSchema)]
struct PreviewOrganization<'a> {
    /// Organization name.
    #[schemars(with = "String")]
    name: &'a Name,
}

/// The inviter of an invitation.
#[derive(Serialize, JsonSchema)]
pub(super) struct PreviewInviter<'a> {
    /// Their name; `null` if none is known.
    #[schemars(with = "Option<String>")]
    pub(super) display_name: Option<&'a Name>,
}

fn shown(found: &InvitationPreview) -> ShownPreview<'_> {
    let invitation = &found.invitation;
    ShownPreview {
        organization: PreviewOrganization {
            name: &found.organization_name,
        },
        email: invitation.email.as_ref(),
        role: invitation.role,
        invited_by: PreviewInviter {
            display_name: found.inviter_name.as_ref(),
        },
        expires_at: invitation.expires_at,
    }
}

impl Example for ShownPreview<'_> {
    fn example() -> Value {
        json!({
            "organization": {"name": "Rockets"},
            "email": "bob@acme.example",
            "role": "member",
            "invited_by": {"display_name": "Ada Lovelace"},
            "expires_at": "2026-12-04T08:15:00.000Z",
        })
    }
}
