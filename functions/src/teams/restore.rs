//! `POST /teams/{team_id}/restore`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::{Done, TeamInOrganization};

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// Brings back a team of the directory sync that was deleted by hand; one that is there stays as it is.
///
/// For tenant admins. Returns the team as it was, without its members: users of its group are in it
/// again with their next login, others must be added again. Returns 404 if the team does not exist, was
/// not made by the sync, or its organization is deleted; 409 `name-taken` if another team of the
/// organization took the name meanwhile. Safe to repeat with an `Idempotency-Key`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.team_id()?;
    request.no_query()?;
    request.no_body()?;

    let once = request.once(&caller, app.clock.now())?;
    let first = |found: &TeamInOrganization| answer(found).to_first();
    match app
        .store
        .restore_team(
            &caller,
            &id,
            &request.expected_version(),
            once.as_ref(),
            first,
        )
        .await?
    {
        Done::Now(found) => Ok(answer(&found)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("POST /teams/{team_id}/restore", "restoreTeam", HANDLE_DOCS)
            .if_match()
            .no_body()
            .once()
            .ok::<ShownTeam<'static>>("The team.", example::team())
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::NameTaken,
                Code::Conflict,
            ]),
    ]
}
