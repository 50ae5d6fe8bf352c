//! `POST /organizations/{organization_id}/restore`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::Organization;
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::Done;

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Restore an organization
///
/// Restores a deleted organization. An organization that is not deleted stays as it is (200).
///
/// Requires a tenant admin or a member with the role owner. Returns 409 `name-taken` if the name has been taken,
/// 404 after 30 days, and 412 `version-mismatch` if `If-Match` does not name the current version. Idempotent with
/// an `Idempotency-Key`.
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
        .ok::<ShownOrganization>("The restored organization.", example::organization())
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
