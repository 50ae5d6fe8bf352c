//! `POST /directories/{directory_id}/rotate-token`

use documented::docs_const;
use muster::domain::ExpectedVersion;
use muster::http::{Answer, Code, Problem};

use super::{ShownDirectory, new_token, shown};
use crate::endpoint::TableAction::{GetItem, PutItem, UpdateItem};
use crate::endpoint::{
    ApiUrl, Call, DirectoryPath, Endpoint, Idempotency, NoBody, endpoint, render,
};

/// Rotate the token of a directory
///
/// Replaces the token with which an identity provider writes to a directory of type `scim`. The previous token remains
/// valid for 24 hours, or until the next rotation, so that the identity provider can be changed without a gap. The new
/// token is not shown again.
///
/// Requires a tenant admin. Returns 404 `not-found` if the directory is not of type `scim`, 409 `conflict` while it is
/// being deleted, and 412 `version-mismatch` if `If-Match` does not name the current version. Idempotent with an
/// `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn rotate_directory_token(
    call: Call,
    path: DirectoryPath,
    api: ApiUrl,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let token = new_token()?;
    let cx = call.idempotent(key);
    let outcome = call
        .store()
        .rotate_directory_token(&cx, &path.directory_id, &token, &expected)
        .await?;
    render(outcome, |rotated| {
        Answer::ok(&shown(rotated, &api), rotated.directory.version)
    })
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    rotate_directory_token,
    "POST /directories/{directory_id}/rotate-token"
)
.table(&[GetItem, PutItem, UpdateItem])
.with_secrets()
.answers(|operation| {
    operation
        .ok::<ShownDirectory<'static>>("The directory, with its new token.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});
