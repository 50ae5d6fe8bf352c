//! `GET /organizations/{organization_id}/domains`

use documented::docs_const;
use muster::domain::ShownDomain;
use muster::http::{self, Answer, Code, Problem};

use crate::endpoint::TableAction::{BatchGetItem, Query};
use crate::endpoint::{Call, Endpoint, OrganizationPath, Paged, endpoint};

/// List domains
///
/// Returns the domains of an organization by name, verified or not.
///
/// Requires owner.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_domains(
    call: Call,
    path: OrganizationPath,
    page: Paged,
) -> Result<Answer, Problem> {
    let organization = &path.organization_id;
    let found = call
        .store()
        .domains(&call.context(), organization, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(list_domains, "GET /organizations/{organization_id}/domains")
        .table(&[BatchGetItem, Query])
        .answers(|operation| {
            operation
                .page::<ShownDomain<'static>>()
                .fails(&[Code::Forbidden, Code::NotFound])
        });
