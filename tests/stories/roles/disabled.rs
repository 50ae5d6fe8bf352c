//! The response of each route to a disabled user.

use std::fmt::Write as _;

use muster::domain::{Role, Source, Status};
use serde_json::json;

use super::{ACTIONS, Relation, STANDALONE_ACTIONS, Scene, TEAM_ACTIONS, known_to_all, teams};

/// An owner who leads a team, and the leader of a standalone team.
#[tokio::test]
async fn disabled_callers_permissions() {
    let world = known_to_all().await;
    let owner = Relation::Member(Role::Owner, Status::Active, Source::Manual);
    let in_organization = teams::with_team(&world, owner, Some("leader")).await;
    let mut standalone = Scene::new(&world, Relation::Stranger).await;
    let leader = Some(("stranger", "leader"));
    standalone.team = teams::team(&world, None, leader).await;
    let root = world.tenant_admin();
    for user in ["caller", "stranger"] {
        let path = format!("/users/{user}");
        let disabled = json!({"status": "disabled"});
        root.patch(&path, disabled).await.expect(200);
    }
    let before = world.table().await;
    let mut text = String::new();
    for (scene, actions) in [
        (&in_organization, ACTIONS),
        (&in_organization, TEAM_ACTIONS),
        (&standalone, STANDALONE_ACTIONS),
    ] {
        for action in actions {
            let reply = action.send(scene).await;
            let code = reply.body["code"].as_str().unwrap_or_default();
            let line = format!("{} {} {} {code}", action.route, action.what, reply.status);
            writeln!(text, "{}", line.replace("  ", " ").trim_end()).unwrap();
        }
    }
    assert_eq!(world.table().await, before);
    insta::assert_snapshot!(text);
}
