//! `GET /events`

use documented::docs_const;
use muster::domain::Event;
use muster::http::{Answer, Code, Problem};

use super::{Format, ListEvents};
use crate::endpoint::TableAction::Query;
use crate::endpoint::{Call, Endpoint, Paged, endpoint};

/// List events
///
/// Returns the audit log of the tenant: one event for each change, newest first. Includes events that belong to no
/// organization.
///
/// Requires a tenant admin. With `order=oldest` the list is a feed: `next_cursor` is never `null`, and a client that
/// keeps polling with it gets every event exactly once. The feed leaves out the events of the last 60 seconds, whose
/// order can still change. With `Accept: text/csv` or `application/x-ndjson` the page is an export; the `Link` header
/// contains the URL of the next page.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_events(
    call: Call,
    page: Paged<ListEvents>,
    format: Format,
) -> Result<Answer, Problem> {
    let found = call
        .store()
        .tenant_events(
            &call.context(),
            &page.filters.filter(),
            page.after(),
            page.limit(),
        )
        .await?;
    format.answer(&page, found)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_events, "GET /events")
    .table(&[Query])
    .answers(|operation| {
        operation
            .page::<Event>()
            .exported::<Event>()
            .fails(&[Code::Forbidden])
    });
