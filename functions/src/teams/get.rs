//! `GET /teams/{team_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// Get a team
///
/// Returns a team.
///
/// Requires a member of the team or of its organization. Returns 304 if the caller has this representation
/// (`If-None-Match`).
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;
    request.no_query()?;

    let found = app.store.team(&caller, &id).await?;
    Ok(answer(&found))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /teams/{team_id}", "getTeam", HANDLE_DOCS)
            .shows::<ShownTeam<'static>>("The team.", example::team())
            .fails(&[Code::NotFound]),
    ]
}
