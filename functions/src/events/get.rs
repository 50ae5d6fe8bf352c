//! `GET /events/{event_id}`

use documented::docs_const;
use muster::domain::Event;
use muster::http::{self, Answer, Code, Problem};

use crate::endpoint::TableAction::GetItem;
use crate::endpoint::{Call, Endpoint, EventPath, endpoint};

/// Get an event
///
/// Returns one event of the tenant.
///
/// Requires a tenant admin. Returns 404 for an event that does not exist or whose retention has expired.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_event(call: Call, path: EventPath) -> Result<Answer, Problem> {
    let event = call.store().event(&call.context(), path.event_id).await?;
    Ok(Answer::unversioned(http::json(&event)))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_event, "GET /events/{event_id}")
    .table(&[GetItem])
    .answers(|operation| {
        operation
            .plain::<Event>("The event.")
            .fails(&[Code::Forbidden, Code::NotFound])
    });
