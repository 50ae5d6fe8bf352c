//! `GET /organizations`

use std::sync::Arc;

use muster::domain::{Domain, Name};
use muster::http::{Answer, ApiRequest, Problem};
use muster::store::OrganizationFilter;
use muster::store::keys::Listing;

use super::show;
use crate::App;

/// The tenant's organizations, sorted by name. For tenant admins.
///
/// `?name_prefix=&name=&domain=&status=active|deleted&limit=&cursor=`: names are compared without
/// case and with white space folded.
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
