//! `GET /organizations/{organization_id}/members`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Membership, Role};
use muster::http::{self, Answer, ApiRequest, Code, Problem};
use muster::store::MemberFilter;
use serde_json::json;

use crate::App;
use crate::openapi::{Operation, example};

/// List members
///
/// Returns the members of an organization, sorted by user id.
///
/// Requires an active member. `status` defaults to `active`. Eventually consistent: a member who was just added may
/// be missing for a moment.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    let mut query = request.query();
    let filter = MemberFilter {
        status: super::status(&mut query),
        role: query.parsed::<Role>("role"),
    };
    let page = query.page(&caller)?;

    let after = page.after.as_deref();
    let found = app
        .store
        .members(&caller, &organization_id, filter, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, http::json, cursor))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "GET /organizations/{organization_id}/members",
            "listMembers",
            HANDLE_DOCS,
        )
        .query(
            "status",
            "Only members with this status; `all` for every status.",
            super::status_schema(),
        )
        .query(
            "role",
            "Only members with this role.",
            json!({"type": "string", "enum": Role::ALL}),
        )
        .page::<Membership>(example::membership())
        .fails(&[Code::NotFound]),
    ]
}
