//! `POST /organizations/{organization_id}/restore`

use documented::docs_const;
use muster::domain::{ExpectedVersion, Name, Organization};
use muster::from_fields;
use muster::http::{Answer, Code, Problem};

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::{ShownOrganization, show};
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{
    Call, Endpoint, Idempotency, OptionalBody, OrganizationPath, endpoint, render,
};
use crate::openapi::example::Example;

/// Restore an organization
///
/// Restores a deleted organization, optionally under a new `name`. An organization that is not deleted does not change
/// (200); another `name` is then 400: use PATCH.
///
/// Requires a tenant admin or a member with the role owner. Returns 409 `name-taken` if the name has been taken,
/// 404 after 30 days, and 412 `version-mismatch` if `If-Match` does not name the current version. Idempotent with
/// an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn restore_organization(
    call: Call,
    path: OrganizationPath,
    OptionalBody(restored): OptionalBody<OrganizationRestoreRequest>,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let id = &path.organization_id;
    let outcome = call
        .store()
        .restore_organization(&call.idempotent(key), id, restored.name.as_ref(), &expected)
        .await?;
    render(outcome, answer)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    restore_organization,
    "POST /organizations/{organization_id}/restore"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<ShownOrganization>("The restored organization.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::NameTaken,
            Code::Conflict,
        ])
});

/// A request to restore an organization.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct OrganizationRestoreRequest {
    /// The new name. Defaults to its previous name.
    #[schemars(with = "Name", default)]
    name: Option<Name>,
}

from_fields!(OrganizationRestoreRequest { name });

impl Example for OrganizationRestoreRequest {
    fn example() -> Value {
        json!({"name": "Rockets"})
    }
}

fn answer(organization: &Organization) -> Answer {
    Answer::ok(&show(organization, true), organization.version)
}
