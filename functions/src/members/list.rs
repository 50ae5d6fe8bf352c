//! `GET /organizations/{organization_id}/members`

use documented::docs_const;
use muster::domain::{Membership, Role};
use muster::http::{self, Answer, Code, Problem};
use muster::store::MemberFilter;

use super::StatusFilter;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, OrganizationPath, Paged, endpoint, query};

/// List members
///
/// Returns the members of an organization, sorted by user id.
///
/// Requires an active member. `status` defaults to `active`. Eventually consistent: a member who was just added may
/// be missing for a moment.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_members(
    call: Call,
    path: OrganizationPath,
    page: Paged<ListMembers>,
) -> Result<Answer, Problem> {
    let filter = MemberFilter {
        status: page.filters.status.0,
        role: page.filters.role,
    };
    let found = call
        .store()
        .members(
            &call.context(),
            &path.organization_id,
            filter,
            page.after(),
            page.limit(),
        )
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(list_members, "GET /organizations/{organization_id}/members")
        .table(&[BatchGetItem])
        .indexes(&["gsi1"])
        .answers(|operation| operation.page::<Membership>().fails(&[Code::NotFound]));

query! {
    /// Filters of a list of members.
    pub(crate) struct ListMembers {
        /// Only members with this status; `all` for every status.
        status: StatusFilter,
        /// Only members with this role.
        role: Option<Role>,
    }
}
