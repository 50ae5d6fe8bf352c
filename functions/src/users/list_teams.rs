//! `GET /users/{user_id}/teams`

use std::sync::Arc;

use muster::http::{Answer, ApiRequest, Problem};
use muster::store::MembershipOfTeam;
use serde_json::{Value, json};

use crate::App;

/// A user's team memberships, each with its team, sorted by team id; teams of organizations that
/// are deleted or in which the user is not active are left out. For the user (`me` works), and
/// tenant admins.
///
/// `?limit=&cursor=`. What the user was just put into is there at once: the list is not read from
/// an index.
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let user_id = request.user_id(&caller)?;
    let page = request.page(&caller, &[])?;

    let after = page.after.as_deref();
    let found = app
        .store
        .user_teams(&caller, &user_id, after, page.limit)
        .await?;
    let cursor = found.next.as_deref().map(|place| page.cursor.seal(place));
    Ok(Answer::page(found, |one| show(&one), cursor))
}

fn show(one: &MembershipOfTeam) -> Value {
    let team = &one.team;
    let mut body = json!(one.membership);
    if let Some(fields) = body.as_object_mut() {
        fields.insert(
            "team".to_owned(),
            json!({
                "id": team.id,
                "name": team.name,
                "organization_id": team.organization_id,
                "source": team.source,
            }),
        );
    }
    body
}
