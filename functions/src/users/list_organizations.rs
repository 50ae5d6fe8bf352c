//! `GET /users/{user_id}/organizations`

use documented::docs_const;
use muster::domain::{
    Domain, Membership, Name, OrganizationId, OrganizationStatus, Source, Status, Timestamp,
};
use muster::http::{self, Answer, Code, Problem};
use muster::store::MembershipOfOrganization;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::endpoint::TableAction::{BatchGetItem, GetItem, Query};
use crate::endpoint::{Call, Endpoint, Paged, StatusFilter, UserPath, endpoint, query};
use crate::openapi::example::{self, Example};

/// List organizations of a user
///
/// Returns the memberships of a user, each with its organization, sorted by organization id.
///
/// Requires the user (`me` works) or a tenant admin. `organization_status` and `status` default to `active`.
/// `organization_status=deleted` lists the deleted organizations that the user may restore as an active owner, each
/// with `deleted_at` and `purge_at`.
///
/// Memberships, and organizations after a write of the caller, are strongly consistent. Changes by other users are
/// eventually consistent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_user_organizations(
    call: Call,
    path: UserPath,
    page: Paged<ListUserOrganizations>,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .user_organizations(
            &call.context(),
            &path.user_id,
            page.filters.organization_status,
            page.filters.status.0,
            page.after(),
            page.limit(),
        )
        .await?;
    Ok(page.answer(found, show))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    list_user_organizations,
    "GET /users/{user_id}/organizations"
)
.table(&[BatchGetItem, GetItem, Query])
.answers(|operation| {
    operation
        .page::<UserOrganization<'static>>()
        .fails(&[Code::Forbidden, Code::NotFound])
});

query! {
    /// Filters of a list of memberships.
    pub(crate) struct ListUserOrganizations {
        /// Only memberships with this status; `all` for every status.
        status: StatusFilter<Status>,
        /// Live organizations, or deleted ones that the user may restore.
        organization_status: OrganizationStatus,
    }
}

/// A membership with its organization.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UserOrganization<'a> {
    #[serde(flatten)]
    membership: &'a Membership,
    /// The organization.
    organization: OrganizationSummary<'a>,
}

/// An organization as shown in a list of memberships.
#[derive(Serialize, JsonSchema)]
struct OrganizationSummary<'a> {
    /// The id.
    id: &'a OrganizationId,
    /// The name.
    name: &'a Name,
    /// The domain.
    domain: Option<&'a Domain>,
    /// Source of the organization.
    source: Source,
    /// Deletion time, if deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// Time at which a deleted organization is purged. It can be restored until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    purge_at: Option<Timestamp>,
}

fn show(one: &MembershipOfOrganization) -> Box<RawValue> {
    let organization = &one.organization;
    http::json(&UserOrganization {
        membership: &one.membership,
        organization: OrganizationSummary {
            id: &organization.id,
            name: &organization.name,
            domain: organization.domain.as_ref(),
            source: organization.source,
            deleted_at: organization.deleted_at,
            purge_at: organization.purge_at(),
        },
    })
}

impl Example for UserOrganization<'_> {
    fn example() -> Value {
        let organization = json!({
            "id": example::ORGANIZATION,
            "name": "Rockets",
            "domain": "rockets.example",
            "source": "manual",
        });
        example::with(Membership::example(), json!({"organization": organization}))
    }
}
