//! `DELETE /organizations/{organization_id}/domains/{domain}`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, DeleteItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, DomainPath, Endpoint, endpoint};

/// Remove a domain
///
/// Removes a domain from an organization. Users no longer join through it, and another organization can verify it.
/// Existing members stay. Adding the domain again creates a new token.
///
/// Requires owner. Returns 204, even if the organization does not have the domain, and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn delete_domain(
    call: Call,
    path: DomainPath,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    call.store()
        .remove_domain(&call.context(), path.key(), &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    delete_domain,
    "DELETE /organizations/{organization_id}/domains/{domain}"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    DeleteItem,
    PutItem,
    UpdateItem,
])
.answers(|operation| {
    operation.no_content("The domain is removed.").fails(&[
        Code::Forbidden,
        Code::NotFound,
        Code::Conflict,
    ])
});
