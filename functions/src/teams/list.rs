//! `GET /teams` and `GET /organizations/{organization_id}/teams`

use documented::docs_const;
use muster::http::{Answer, Code, Problem};

use super::{ShownTeam, show};
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, OrganizationPath, Paged, endpoint};

/// List teams of an organization
///
/// Returns the teams of an organization, sorted by name.
///
/// Requires an active member of the organization.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_teams(
    call: Call,
    path: Option<OrganizationPath>,
    page: Paged,
) -> Result<Answer, Problem> {
    let within = path.as_ref().map(|path| &path.organization_id);
    let found = call
        .store()
        .teams(&call.context(), within, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, show))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_teams, "GET /organizations/{organization_id}/teams")
    .also(
        "GET /teams",
        "listStandaloneTeams",
        "List standalone teams\n\nReturns the teams that belong to no organization, sorted by name. Requires a tenant admin.",
    )
    .table(&[BatchGetItem])
    .indexes(&["gsi1"])
    .answers(|operation| {
        let code = match operation.path() {
            "/teams" => Code::Forbidden,
            _ => Code::NotFound,
        };
        operation.page::<ShownTeam<'static>>().fails(&[code])
    });
