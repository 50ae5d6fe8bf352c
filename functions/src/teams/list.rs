//! `GET /teams` and `GET /organizations/{organization_id}/teams`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};

use super::show;
use crate::App;

/// The teams of an organization, or the standalone ones of the tenant, sorted by name.
///
/// For the organization's active members; standalone for tenant admins. `?limit=&cursor=`.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = if request.is_in_organization() {
        Some(request.organization_id()?)
    } else {
        None
    };
    let page = request.page(&caller, &[])?;

    let (within, after) = (organization_id.as_ref(), page.after.as_deref());
    let found = app.store.teams(&caller, within, after, page.limit).await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, |team| show(&team), cursor))
}
