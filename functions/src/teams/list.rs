//! `GET /teams` and `GET /organizations/{organization_id}/teams`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::{ShownTeam, show};
use crate::App;
use crate::openapi::{Operation, example};

/// The teams of an organization, or the standalone ones of the tenant, sorted by name.
///
/// For the organization's active members; standalone for tenant admins. `?limit=&cursor=`.
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
    [
        (
            "GET /organizations/{organization_id}/teams",
            "listTeams",
            Code::NotFound,
        ),
        ("GET /teams", "listStandaloneTeams", Code::Forbidden),
    ]
    .map(|(route, id, refusal)| {
        Operation::new(route, id, HANDLE_DOCS)
            .page::<ShownTeam<'static>>(example::team())
            .fails(&[refusal])
    })
    .into()
}
