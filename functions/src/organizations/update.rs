//! `PATCH` and `PUT /organizations/{organization_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, OrganizationPatch};
use muster::http::{Answer, Code, Problem};

use super::{ShownOrganization, show};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Body, Call, Endpoint, OrganizationPath, endpoint};

/// Update an organization
///
/// Changes an organization by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` clears.
///
/// Requires owner or admin; billing fields require owner. Returns 409 `name-taken` if another organization of the
/// tenant has the name, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_organization(
    call: Call,
    path: OrganizationPath,
    Body(change): Body<OrganizationPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let organization = call
        .store()
        .update_organization(&call.context(), &path.organization_id, &change, &expected)
        .await?;
    Ok(Answer::ok(&show(&organization, true), organization.version))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    update_organization,
    "PATCH /organizations/{organization_id}"
)
.also(
    "PUT /organizations/{organization_id}",
    "updateOrganizationByPut",
    "Update an organization with PUT",
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    PutItem,
    UpdateItem,
])
.answers(|operation| {
    operation
        .ok::<ShownOrganization>("The updated organization.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::NameTaken,
            Code::Conflict,
        ])
});
