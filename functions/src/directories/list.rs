//! `GET /directories`

use documented::docs_const;
use muster::domain::Directory;
use muster::http::{self, Answer, Code, Problem};

use crate::endpoint::TableAction::Query;
use crate::endpoint::{Call, Endpoint, Paged, endpoint};

/// List directories
///
/// Returns the directories of the tenant sorted by creation time. A tenant has at most one.
///
/// Requires a tenant admin.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_directories(call: Call, page: Paged) -> Result<Answer, Problem> {
    let found = call
        .store()
        .directories(&call.context(), page.after(), page.limit())
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_directories, "GET /directories")
    .table(&[Query])
    .answers(|operation| operation.page::<Directory>().fails(&[Code::Forbidden]));
