//! `GET /organizations/{organization_id}`

use documented::docs_const;
use muster::http::{Answer, Code, Problem};

use super::{CountedOrganization, show};
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, OrganizationPath, endpoint};

/// Get an organization
///
/// Returns an organization. Billing fields are included for owners, admins and tenant admins. `member_count` is the
/// number of active members; it follows a change within seconds.
///
/// Requires an active member. Returns 304 if the caller has this representation (`If-None-Match`), and 404 if the
/// organization does not exist, is deleted, or the caller is not a member.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_organization(
    call: Call,
    path: OrganizationPath,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .organization(&call.context(), &path.organization_id)
        .await?;
    let organization = CountedOrganization {
        organization: &found.organization,
        member_count: found.member_count,
    };
    let shown = show(&organization, found.with_billing);
    Ok(Answer::ok(&shown, found.organization.version))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_organization, "GET /organizations/{organization_id}")
    .table(&[BatchGetItem])
    .answers(|operation| {
        operation
            .shows::<CountedOrganization<'_>>("The organization.")
            .fails(&[Code::NotFound])
    });
