//! `GET /users/{user_id}/organizations`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Domain, Membership, Name, OrganizationId, Source, Timestamp};
use muster::http::{self, Answer, ApiRequest, Code, Problem};
use muster::store::MembershipOfOrganization;
use muster::store::keys::Listing;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::openapi::{Operation, example};
use crate::{App, members, organizations};

/// List organizations of a user
///
/// Returns the memberships of a user, each with its organization, sorted by organization id.
///
/// Requires the user (`me` works) or a tenant admin. `organization_status` and `status` default to `active`.
/// `organization_status=deleted` lists the deleted organizations that the user may restore, as an active owner,
/// each with `deleted_at` and `purge_at`. Strongly consistent.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    let mut query = request.query();
    let status = members::status(&mut query);
    let listing = query.filter("organization_status", organizations::list::listing);
    let listing = listing.unwrap_or(Listing::Live);
    let page = query.page(&caller)?;

    let after = page.after.as_deref();
    let found = app
        .store
        .user_organizations(&caller, &user_id, (listing, status), after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, show, cursor))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    let organization = json!({
        "id": example::ORGANIZATION,
        "name": "Rockets",
        "domain": "rockets.example",
        "source": "manual",
    });
    let item = example::with(example::membership(), json!({"organization": organization}));
    vec![
        Operation::new(
            "GET /users/{user_id}/organizations",
            "listUserOrganizations",
            HANDLE_DOCS,
        )
        .query(
            "organization_status",
            "Live organizations, or deleted ones that the user may restore.",
            json!({"type": "string", "enum": ["active", "deleted"], "default": "active"}),
        )
        .query(
            "status",
            "Only memberships with this status; `all` for every status.",
            members::status_schema(),
        )
        .page::<UserOrganization<'static>>(item)
        .fails(&[Code::Forbidden, Code::NotFound]),
    ]
}

/// A membership with its organization.
#[derive(Serialize, JsonSchema)]
struct UserOrganization<'a> {
    #[serde(flatten)]
    membership: &'a Membership,
    /// The organization.
    organization: OrganizationInShort<'a>,
}

/// An organization as shown in a list of memberships.
#[derive(Serialize, JsonSchema)]
struct OrganizationInShort<'a> {
    /// The id.
    id: &'a OrganizationId,
    /// The name.
    name: &'a Name,
    /// The domain.
    domain: Option<&'a Domain>,
    /// How the organization was created.
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
        organization: OrganizationInShort {
            id: &organization.id,
            name: &organization.name,
            domain: organization.domain.as_ref(),
            source: organization.source,
            deleted_at: organization.deleted_at,
            purge_at: organization.purge_at(),
        },
    })
}
