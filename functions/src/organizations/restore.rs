//! `POST /organizations/{organization_id}/restore`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::Organization;
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::Done;

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Brings a deleted organization back; one that is there stays as it is.
///
/// For tenant admins, and members with the role owner. 409 `name-taken` if the name was taken
/// meanwhile; 404 once it is purged; 412 `version-mismatch` when it is not in the version of `If-Match`. Safe to repeat with an `Idempotency-Key`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;
    request.no_query()?;
    request.no_body()?;

    let once = request.once(&caller, app.clock.now())?;
    let first = |organization: &Organization| answer(organization).to_first();
    match app
        .store
        .restore_organization(
            &caller,
            &id,
            &request.expected_version(),
            once.as_ref(),
            first,
        )
        .await?
    {
        Done::Now(organization) => Ok(answer(&organization)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /organizations/{organization_id}/restore",
            "restoreOrganization",
            HANDLE_DOCS,
        )
        .no_body()
        .if_match()
        .once()
        .ok::<ShownOrganization>("The organization.", example::organization())
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::NameTaken,
            Code::Conflict,
        ]),
    ]
}

fn answer(organization: &Organization) -> Answer {
    Answer::ok(&show(organization, true), organization.version)
}
