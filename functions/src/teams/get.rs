//! `GET /teams/{team_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// A team. For members of the team or its organization.
///
/// 304 when the caller has this version already (`If-None-Match`); its `effective_models`
/// and `effective_limits` may differ all the same once the organization's limits have changed.
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
