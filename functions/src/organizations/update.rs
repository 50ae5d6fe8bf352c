//! `PATCH` and `PUT /organizations/{organization_id}`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::OrganizationPatch;
use muster::http::{Answer, ApiRequest, Code, Problem, text};
use serde_json::json;

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// Update an organization
///
/// Changes an organization by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` clears.
///
/// Requires owner or admin; billing fields require owner. Returns 409 `name-taken` if another organization of the
/// tenant has the name, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;
    request.no_query()?;
    let mut body = request.body()?;
    let name = body.optional("name", text);
    let patch = super::fields(&mut body, name);
    body.finish()?;

    let organization = app
        .store
        .update_organization(&caller, &id, &patch, &request.expected_version())
        .await?;
    Ok(Answer::ok(&show(&organization, true), organization.version))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let path = "/organizations/{organization_id}";
    let body = json!({"domain": "rockets.example", "billing_address": null});
    Operation::patch_and_put(
        path,
        "updateOrganization",
        (HANDLE_DOCS, "Update an organization with PUT"),
        |operation| {
            operation
                .body::<OrganizationPatch>(body.clone())
                .if_match()
                .ok::<ShownOrganization>("The updated organization.", example::organization())
                .fails(&[
                    Code::Forbidden,
                    Code::NotFound,
                    Code::NameTaken,
                    Code::Conflict,
                ])
        },
    )
}
