//! `PATCH /directories/{directory_id}`

use documented::docs_const;
use muster::domain::{Directory, DirectoryPatch, ExpectedVersion, Patch};
use muster::http::{Answer, Code, Problem};

use super::{answer, check_secret};
use crate::endpoint::TableAction::{GetItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, DirectoryPath, Endpoint, endpoint};

/// Update a directory
///
/// Changes a directory by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` sets the default, and
/// `role_map` and `group_map` are merged entry by entry. A warm function follows the change after at most a minute.
///
/// A paused directory is not read: logins succeed, and nothing that it gave changes. `tenant_id` and `domain` cannot
/// change; to read another Entra tenant, delete the directory and create one.
///
/// Requires a tenant admin. Returns 409 `conflict` while the directory is being deleted, and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_directory(
    call: Call,
    path: DirectoryPath,
    Body(change): Body<DirectoryPatch>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let entra = change.entra.as_ref();
    if let Some(Patch::Set(arn)) = entra.map(|entra| &entra.client_secret_arn) {
        check_secret(&call.app.settings, &call.caller.tenant_id, arn)?;
    }
    let directory = call
        .store()
        .update_directory(&call.context(), &path.directory_id, &change, &expected)
        .await?;
    Ok(answer(&directory))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(update_directory, "PATCH /directories/{directory_id}")
    .table(&[GetItem, PutItem, UpdateItem])
    .answers(|operation| {
        operation.ok::<Directory>("The updated directory.").fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::Conflict,
        ])
    });
