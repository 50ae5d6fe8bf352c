//! `GET /organizations/{organization_id}/events`

use documented::docs_const;
use muster::domain::Event;
use muster::http::{Answer, Code, Problem};

use super::{Format, ListEvents};
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, OrganizationPath, Paged, endpoint};

/// List events of an organization
///
/// Returns the audit log of an organization: one event for each change, newest first.
///
/// Requires owner or admin. With `order=oldest` the list is a feed: `next_cursor` is never `null`, and a client that
/// keeps polling with it gets every event exactly once. The feed leaves out the events of the last 60 seconds, whose
/// order can still change. Eventually consistent. With `Accept: text/csv` or `application/x-ndjson` the page is an
/// export; the `Link` header contains the URL of the next page.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_organization_events(
    call: Call,
    path: OrganizationPath,
    page: Paged<ListEvents>,
    format: Format,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .organization_events(
            &call.context(),
            &path.organization_id,
            &page.filters.filter(),
            page.after(),
            page.limit(),
        )
        .await?;
    format.answer(&page, found)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    list_organization_events,
    "GET /organizations/{organization_id}/events"
)
.table(&[BatchGetItem])
.indexes(&["gsi1"])
.answers(|operation| {
    operation
        .page::<Event>()
        .exported::<Event>()
        .fails(&[Code::Forbidden, Code::NotFound])
});
