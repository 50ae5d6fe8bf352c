//! `DELETE /organizations/{organization_id}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, Endpoint, OrganizationPath, endpoint};

/// Delete an organization
///
/// Deletes an organization. It is hidden immediately, its name becomes available, and it can be restored for 30 days.
///
/// Requires owner. Returns 204, and 412 `version-mismatch` if `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn delete_organization(
    call: Call,
    path: OrganizationPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .delete_organization(&call.context(), &path.organization_id, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    delete_organization,
    "DELETE /organizations/{organization_id}"
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
        .no_content("The organization is deleted.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});
