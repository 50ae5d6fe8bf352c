//! `GET /teams` and `GET /organizations/{organization_id}/teams`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::{ShownTeam, show};
use crate::App;
use crate::openapi::{Operation, example};

/// List teams of an organization
///
/// Returns the teams of an organization, or the standalone teams of the tenant, sorted by name.
///
/// Requires an active member of the organization; standalone teams require a tenant admin.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = if request.is_in_organization() {
        Some(request.organization_id()?)
    } else {
        None
    };
    let page = request.query().page(&caller)?;

    let (within, after) = (organization_id.as_ref(), page.after.as_deref());
    let found = app.store.teams(&caller, within, after, page.limit).await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, show, cursor))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let list = |route, id| {
        Operation::new(route, id, HANDLE_DOCS).page::<ShownTeam<'static>>(example::team())
    };
    vec![
        list("GET /organizations/{organization_id}/teams", "listTeams").fails(&[Code::NotFound]),
        list("GET /teams", "listStandaloneTeams")
            .summary("List standalone teams")
            .fails(&[Code::Forbidden]),
    ]
}
