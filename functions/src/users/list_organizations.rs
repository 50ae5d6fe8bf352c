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

/// A user's memberships, each with its organization, sorted by organization id. For the user (`me`
/// works), and tenant admins.
///
/// `?organization_status=active|deleted&status=active|invited|suspended|all&limit=&cursor=`; both
/// default to `active`. `organization_status=deleted` lists the deleted organizations that the user
/// may restore, as an active owner, each with `deleted_at` and `purge_at`. What the user just joined is
/// there at once: the list is not read from an index.
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
            "Organizations that are there, or deleted ones that the user may restore.",
            json!({"type": "string", "enum": ["active", "deleted"], "default": "active"}),
        )
        .query(
            "status",
            "Memberships of this status, or all.",
            members::status_schema(),
        )
        .page::<UserOrganization<'static>>(item)
        .fails(&[Code::Forbidden, Code::NotFound]),
    ]
}

/// A membership, with the organization.
#[derive(Serialize, JsonSchema)]
struct UserOrganization<'a> {
    #[serde(flatten)]
    membership: &'a Membership,
    /// The organization, in short.
    organization: OrganizationInShort<'a>,
}

/// What a member sees of an organization in a list.
#[derive(Serialize, JsonSchema)]
struct OrganizationInShort<'a> {
    /// Its id.
    id: &'a OrganizationId,
    /// Its name.
    name: &'a Name,
    /// Its domain.
    domain: Option<&'a Domain>,
    /// Who made it.
    source: Source,
    /// When it was deleted, while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// When a deleted one is purged; until then it can be restored.
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
