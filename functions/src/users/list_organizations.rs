//! `GET /users/{user_id}/organizations`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};
use muster::store::MembershipOfOrganization;
use serde_json::{Value, json};

use crate::{App, members};

/// A user's memberships, each with its organization, sorted by organization id; those of deleted
/// organizations are left out. For the user (`me` works), and tenant admins.
///
/// `?status=active|invited|suspended|all&limit=&cursor=`; `active` when nothing is said. What the
/// user just joined is there at once: the list is not read from an index.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    let status = members::status(&request)?;
    let page = request.page(&caller, &["status"])?;

    let after = page.after.as_deref();
    let found = app
        .store
        .user_organizations(&caller, &user_id, status, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, |one| show(&one), cursor))
}

fn show(one: &MembershipOfOrganization) -> Value {
    let organization = &one.organization;
    let mut body = json!(one.membership);
    if let Some(fields) = body.as_object_mut() {
        fields.insert(
            "organization".to_owned(),
            json!({
                "id": organization.id,
                "name": organization.name,
                "domain": organization.domain,
                "source": organization.source,
            }),
        );
    }
    body
}
