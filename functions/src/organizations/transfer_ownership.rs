//! `POST /organizations/{organization_id}/transfer-ownership`

use documented::docs_const;
use muster::domain::{ExpectedVersion, Invalid, Json, Organization, Permission, Role, UserId};
use muster::from_fields;
use muster::http::{Answer, Code, Problem};
use muster::json::{FromJson, text};
use schemars::JsonSchema;
use serde_json::{Value, json};
use strum::VariantArray as _;

use super::{ShownOrganization, show};
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};
use crate::openapi::example::Example;

/// Transfer ownership
///
/// Makes an active member an owner and lowers the caller's role to `keep_role`, in one transaction. Other owners stay
/// owners. If the member is an owner already, only the caller's role changes. Returns the organization, without billing
/// fields if the caller may no longer see them.
///
/// Requires an owner or a tenant admin. A tenant admin who is not an active owner keeps their role: the member becomes
/// an owner, and no other role changes. Returns 422 `not-an-organization-member` if the user is not a member, has not
/// accepted their invitation or is suspended, 422 `unknown-user` if they are not known in the tenant, and 412
/// `version-mismatch` if `If-Match` does not name the current version of the organization. Send an `Idempotency-Key` to
/// repeat the request safely: without one, a repeated request returns 403, because the caller is no longer an owner.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn transfer_ownership(
    call: Call,
    path: OrganizationPath,
    Body(to): Body<OwnershipTransferRequest>,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let KeptRole(keep_role) = to.keep_role.unwrap_or_else(default_kept_role);
    let id = &path.organization_id;
    let outcome = call
        .store()
        .transfer_ownership(&call.idempotent(key), id, &to.user_id, keep_role, &expected)
        .await?;
    let with_billing = call.caller.tenant_admin || keep_role.grants(Permission::ViewBilling);
    render(outcome, |organization: &Organization| {
        Answer::ok(&show(organization, with_billing), organization.version)
    })
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    transfer_ownership,
    "POST /organizations/{organization_id}/transfer-ownership"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .ok::<ShownOrganization>("The organization.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::UnknownUser,
            Code::NotAnOrganizationMember,
            Code::Conflict,
        ])
});

/// A request to transfer the ownership of an organization.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct OwnershipTransferRequest {
    /// The new owner. Must be an active member.
    user_id: UserId,
    /// The role that the caller keeps. To add an owner without stepping down, change the role of the member.
    #[schemars(
        with = "Role",
        default = "default_kept_role",
        extend("enum" = Role::VARIANTS.get(1..))
    )]
    keep_role: Option<KeptRole>,
}

from_fields!(OwnershipTransferRequest { user_id, keep_role });

impl Example for OwnershipTransferRequest {
    fn example() -> Value {
        json!({"user_id": "bob", "keep_role": "admin"})
    }
}

/// A role below owner.
#[derive(Clone, Copy, serde::Serialize)]
struct KeptRole(Role);

impl FromJson for KeptRole {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        match text(value)? {
            Role::Owner => Err(Invalid::new(
                "must be a role below owner: to add an owner, change the role of the member with PATCH",
            )),
            role => Ok(Self(role)),
        }
    }
}

fn default_kept_role() -> KeptRole {
    KeptRole(Role::Admin)
}
