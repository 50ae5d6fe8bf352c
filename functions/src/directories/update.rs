//! `PATCH /directories/{directory_id}`

use documented::docs_const;
use muster::domain::{Directory, DirectoryPatch, DirectoryType, ExpectedVersion, Patch};
use muster::http::{Answer, Code, Problem};
use muster_directory::RunTask;

use super::queue::RunQueue;
use super::{answer, check_secret};
use crate::endpoint::TableAction::{GetItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, DirectoryPath, Endpoint, endpoint};

/// Update a directory
///
/// Changes a directory by JSON Merge Patch (RFC 7396): absent fields keep their value, `null` sets the default, and
/// `role_map` and `group_map` are merged entry by entry. The change takes effect within a minute; for a directory of
/// type `scim` immediately, and for its users within seconds.
///
/// A paused directory is not read: logins succeed, and its memberships do not change. `tenant_id` and `domain` cannot
/// change; to read another Entra tenant, delete the directory and create one.
///
/// Requires a tenant admin. Returns 409 `conflict` while the directory is being deleted, and 412 `version-mismatch` if
/// `If-Match` does not name the current version.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn update_directory(
    call: Call<RunQueue>,
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
    if directory.directory_type == DirectoryType::Scim {
        // New settings, and what came while it was paused. If this fails, the next run by the timer applies it.
        let task = RunTask {
            tenant_id: directory.tenant_id.clone(),
            directory_id: directory.id.clone(),
            requested_by: None,
            tries: 0,
        };
        if let Err(failure) = call.services.put(&task).await {
            let (now, id) = (call.now, &call.origin.context.request_id);
            call.app
                .telemetry
                .failure(now, id, "scim-effect", &*failure);
        }
    }
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
