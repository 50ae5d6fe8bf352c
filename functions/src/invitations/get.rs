//! `GET /organizations/{organization_id}/invitations/{invitation_id}`

use documented::docs_const;
use muster::domain::Invitation;
use muster::http::{Answer, Code, Problem};

use super::{InvitationPath, answer};
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, endpoint};

/// Get an invitation
///
/// Returns an invitation, without its link. A pending invitation that has expired has the status `expired`.
///
/// Requires owner or admin. Returns 304 if the caller has this representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_invitation(call: Call, path: InvitationPath) -> Result<Answer, Problem> {
    let invitation = call
        .store()
        .invitation_of_organization(&call.context(), path.key())
        .await?;
    Ok(answer(&invitation))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    get_invitation,
    "GET /organizations/{organization_id}/invitations/{invitation_id}"
)
.table(&[BatchGetItem])
.answers(|operation| {
    operation
        .shows::<Invitation>("The invitation.")
        .fails(&[Code::Forbidden, Code::NotFound])
});
