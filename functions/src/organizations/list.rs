//! `GET /organizations`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Domain, Name};
use muster::http::{Answer, ApiRequest, Code, Problem};
use muster::store::OrganizationFilter;
use muster::store::keys::Listing;
use serde_json::json;

use super::{ShownOrganization, show};
use crate::App;
use crate::openapi::{Operation, example};

/// The tenant's organizations, sorted by name. For tenant admins.
///
/// `?name_prefix=&name=&domain=&status=active|deleted&limit=&cursor=`: names are compared without
/// case and with white space folded.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;

    let filter = OrganizationFilter {
        listing: match request.query("status") {
            None | Some("active") => Listing::Live,
            Some("deleted") => Listing::Deleted,
            Some(_) => return Err(Problem::invalid_at("/status", "must be active or deleted")),
        },
        domain: request.query_as::<Domain>("domain")?,
        name: request.query_as::<Name>("name")?.map(|name| name.folded()),
        name_prefix: request.query("name_prefix").map(Name::folded_prefix),
    };
    let page = request.page(&caller, &["name_prefix", "name", "domain", "status"])?;

    let found = app
        .store
        .organizations(&caller, &filter, page.after.as_deref(), page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(
        found,
        |organization| show(&organization, true),
        cursor,
    ))
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("GET /organizations", "listOrganizations", HANDLE_DOCS)
            .query(
                "name_prefix",
                "Those whose names begin so.",
                json!({"type": "string"}),
            )
            .query("name", "The one of this name.", json!({"type": "string"}))
            .query(
                "domain",
                "Those with this domain.",
                json!({"type": "string"}),
            )
            .query(
                "status",
                "Those that are there, or those that are deleted and can be restored.",
                json!({"type": "string", "enum": ["active", "deleted"], "default": "active"}),
            )
            .page::<ShownOrganization>(example::organization())
            .fails(&[Code::Forbidden]),
    ]
}
