//! `PATCH` and `PUT /organizations/{organization_id}`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem, text};

use super::show;
use crate::App;

/// Changes an organization as a JSON Merge Patch (RFC 7396) says: absent keeps, `null` clears.
///
/// For owners and admins; billing fields for owners. 409 `name-taken`; 412 `version-mismatch` when
/// it is not in the version of `If-Match`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let id = request.organization_id()?;
    let mut body = request.body()?;
    let name = body.optional("name", text);
    let patch = super::fields(&mut body, name);
    body.finish()?;

    let organization = app
        .store
        .update_organization(&caller, &id, &patch, &request.if_match())
        .await?;
    Ok(Answer::ok(show(&organization, true), organization.version))
}
