//! `GET /directories/{directory_id}`

use documented::docs_const;
use muster::domain::Directory;
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::GetItem;
use crate::endpoint::{Call, DirectoryPath, Endpoint, endpoint};

/// Get a directory
///
/// Returns a directory. It never has a secret, only the ARN of one.
///
/// Requires a tenant admin. Returns 304 if the caller has this representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_directory(call: Call, path: DirectoryPath) -> Result<Answer, Problem> {
    let directory = call
        .store()
        .directory(&call.context(), &path.directory_id)
        .await?;
    Ok(answer(&directory))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(get_directory, "GET /directories/{directory_id}")
    .table(&[GetItem])
    .answers(|operation| {
        operation
            .shows::<Directory>("The directory.")
            .fails(&[Code::Forbidden, Code::NotFound])
    });
