//! `GET /organizations`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Domain, Invalid, Name};
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::OrganizationFilter;
use muster::store::keys::Listing;
use serde_json::json;

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// List organizations
///
/// Returns the organizations of the tenant, sorted by name.
///
/// Requires a tenant admin. Names are compared case-insensitively and with white space folded.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;

    let mut query = request.query();
    let filter = OrganizationFilter {
        name_prefix: query.filter("name_prefix", |start| Ok(Name::folded_prefix(start))),
        name: query.parsed::<Name>("name").map(|name| name.folded()),
        domain: query.parsed::<Domain>("domain"),
        listing: query.filter("status", listing).unwrap_or(Listing::Live),
    };
    let page = query.page(&caller)?;

    let found = app
        .store
        .organizations(&caller, &filter, page.after.as_deref(), page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(
        found,
        |organization| show(organization, true),
        cursor,
    ))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /organizations", "listOrganizations", HANDLE_DOCS)
            .query(
                "name_prefix",
                "Only organizations whose name starts with this prefix.",
                json!({"type": "string"}),
            )
            .query(
                "name",
                "Only the organization with this name.",
                json!({"type": "string"}),
            )
            .query(
                "domain",
                "Only organizations with this domain.",
                json!({"type": "string"}),
            )
            .query(
                "status",
                "Live organizations, or deleted ones that can be restored.",
                json!({"type": "string", "enum": ["active", "deleted"], "default": "active"}),
            )
            .page::<ShownOrganization>(example::organization())
            .fails(&[Code::Forbidden]),
    ]
}

/// Which organizations a list is of, by their status.
pub(crate) fn listing(status: &str) -> Result<Listing, Invalid> {
    match status {
        "active" => Ok(Listing::Live),
        "deleted" => Ok(Listing::Deleted),
        _ => Err(Invalid::new("must be active or deleted")),
    }
}
