//! `POST /teams/{team_id}/restore`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::{Done, TeamInOrganization};

use super::{ShownTeam, answer};
use crate::App;
use crate::openapi::{Operation, example};

/// Restore a team
///
/// Restores a team of the directory sync that was deleted by hand. A team that is not deleted stays as it is (200).
///
/// Requires a tenant admin. The team comes back without its members: users of its group join again at their next
/// login, others must be added again. Returns 404 if the team does not exist, was not created by the sync, or its
/// organization is deleted, and 409 `name-taken` if another team of the organization has the name. Idempotent with
/// an `Idempotency-Key`.
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
            .ok::<ShownTeam<'static>>("The restored team.", example::team())
            .fails(&[
                Code::Forbidden,
                Code::NotFound,
                Code::NameTaken,
                Code::Conflict,
            ]),
    ]
}
