//! `GET /organizations/{organization_id}/invitations`

use documented::docs_const;
use muster::domain::{Invalid, Invitation, InvitationStatus};
use muster::http::{self, Answer, Code, Problem};
use serde_json::{Value, json};
use strum::VariantNames as _;

use crate::endpoint::TableAction::{BatchGetItem, Query};
use crate::endpoint::{Call, Endpoint, Filter, OrganizationPath, Paged, endpoint, query};

/// List invitations
///
/// Returns the invitations of an organization by email, sorted by creation time, without their links. A pending
/// invitation that has expired has the status `expired`. Invitations are deleted 90 days after they ended or expired.
///
/// Requires owner or admin.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_invitations(
    call: Call,
    path: OrganizationPath,
    page: Paged<ListInvitations>,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .invitations(
            &call.context(),
            &path.organization_id,
            page.filters.status,
            page.after(),
            page.limit(),
        )
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    list_invitations,
    "GET /organizations/{organization_id}/invitations"
)
.table(&[BatchGetItem, Query])
.answers(|operation| {
    operation
        .page::<Invitation>()
        .fails(&[Code::Forbidden, Code::NotFound])
});

query! {
    /// Filters of a list of invitations.
    pub(crate) struct ListInvitations {
        /// Only invitations with this status.
        status: Option<InvitationStatus>,
    }
}

impl Filter for InvitationStatus {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::VARIANTS})
    }
}
