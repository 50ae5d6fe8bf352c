//! `GET /organizations/{organization_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::http::{Answer, ApiRequest, Code, Problem};

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Get an organization
///
/// Returns an organization. Billing fields are included for owners, admins and tenant admins.
///
/// Requires an active member. Returns 304 if the caller has this representation (`If-None-Match`), and 404 if the
/// organization does not exist, is deleted, or the caller is not a member.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;
    request.no_query()?;

    let (organization, with_billing) = app.store.organization(&caller, &id).await?;
    Ok(Answer::ok(
        &show(&organization, with_billing),
        organization.version,
    ))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "GET /organizations/{organization_id}",
            "getOrganization",
            HANDLE_DOCS,
        )
        .shows::<ShownOrganization>("The organization.", example::organization())
        .fails(&[Code::NotFound]),
    ]
}
