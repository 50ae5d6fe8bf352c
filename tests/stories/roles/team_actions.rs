//! The actions of the tables about teams.

use serde_json::json;

use super::action::Action;

/// Every route of teams, for a team in an organization.
pub(super) const TEAM_ACTIONS: &[Action] = &[
    Action::new("POST /organizations/{organization_id}/teams", "", |scene| {
        scene
            .request("POST", "/teams")
            .json(&json!({"name": "New"}))
    }),
    Action::new("GET /organizations/{organization_id}/teams", "", |scene| {
        scene.request("GET", "/teams")
    }),
    Action::new("GET /teams/{team_id}", "", |scene| scene.team("GET", "")),
    Action::new("GET /teams/{team_id}", "organization deleted", |scene| {
        scene.team("GET", "")
    })
    .of_deleted(),
    Action::new("PATCH /teams/{team_id}", "", |scene| {
        scene.team("PATCH", "").json(&json!({"name": "Renamed"}))
    }),
    Action::new("PUT /teams/{team_id}", "", |scene| {
        scene.team("PUT", "").json(&json!({"description": "New"}))
    }),
    Action::new("PATCH /teams/{team_id}", "limits", |scene| {
        let body = json!({"limits": {"rpm_limit": 1}});
        scene.team("PATCH", "").json(&body)
    }),
    Action::new("PATCH /teams/{team_id}", "organization deleted", |scene| {
        scene.team("PATCH", "").json(&json!({"name": "Renamed"}))
    })
    .of_deleted(),
    Action::new(
        "POST /teams/{team_id}/members",
        "organization member",
        |scene| scene.add_to_team(&json!({"user_id": "colleague"})),
    ),
    Action::new(
        "POST /teams/{team_id}/members",
        "existing member",
        |scene| scene.add_to_team(&json!({"user_id": "mate"})),
    ),
    Action::new(
        "POST /teams/{team_id}/members",
        "not of the organization",
        |scene| scene.add_to_team(&json!({"user_id": "newcomer"})),
    ),
    Action::new(
        "POST /teams/{team_id}/members",
        "self, as leader",
        |scene| scene.add_to_team(&json!({"user_id": scene.caller.id, "role": "leader"})),
    ),
    Action::new("GET /teams/{team_id}/members", "", |scene| {
        scene.team("GET", "/members")
    }),
    Action::new("GET /teams/{team_id}/members/{user_id}", "", |scene| {
        scene.team("GET", "/members/mate")
    }),
    Action::new(
        "GET /teams/{team_id}/members/{user_id}",
        "no member",
        |scene| scene.team("GET", "/members/nobody"),
    ),
    Action::new(
        "PATCH /teams/{team_id}/members/{user_id}",
        "a member",
        |scene| {
            let body = json!({"role": "leader"});
            scene.team("PATCH", "/members/mate").json(&body)
        },
    ),
    Action::new(
        "DELETE /teams/{team_id}/members/{user_id}",
        "a member",
        |scene| scene.team("DELETE", "/members/mate"),
    ),
    Action::new(
        "DELETE /teams/{team_id}/members/{user_id}",
        "no member",
        |scene| scene.team("DELETE", "/members/nobody"),
    ),
    Action::new(
        "DELETE /teams/{team_id}/members/{user_id}",
        "self",
        |scene| scene.team("DELETE", "/members/me"),
    )
    .spoils(),
    Action::new("GET /users/{user_id}/teams", "another user", |scene| {
        scene.of_tenant("GET", "/users/mate/teams")
    }),
    Action::new("GET /users/{user_id}/teams", "self", |scene| {
        scene.of_tenant("GET", "/users/me/teams")
    }),
    Action::new("POST /teams/{team_id}/restore", "live", |scene| {
        scene.team("POST", "/restore")
    }),
    Action::new("DELETE /teams/{team_id}", "", |scene| {
        scene.team("DELETE", "")
    }),
];

/// The routes of standalone teams.
pub(super) const STANDALONE_ACTIONS: &[Action] = &[
    Action::new("POST /teams", "", |scene| {
        scene
            .of_tenant("POST", "/teams")
            .json(&json!({"name": "New"}))
    }),
    Action::new("GET /teams", "", |scene| scene.of_tenant("GET", "/teams")),
    Action::new("GET /teams/{team_id}", "", |scene| scene.team("GET", "")),
    Action::new("PATCH /teams/{team_id}", "", |scene| {
        scene.team("PATCH", "").json(&json!({"name": "Renamed"}))
    }),
    Action::new("PUT /teams/{team_id}", "", |scene| {
        scene.team("PUT", "").json(&json!({"description": "New"}))
    }),
    Action::new("PUT /teams/{team_id}", "limits", |scene| {
        let body = json!({"limits": {"rpm_limit": 1}});
        scene.team("PUT", "").json(&body)
    }),
    Action::new("POST /teams/{team_id}/members", "", |scene| {
        scene.add_to_team(&json!({"user_id": "newcomer"}))
    }),
    Action::new("GET /teams/{team_id}/members", "", |scene| {
        scene.team("GET", "/members")
    }),
    Action::new(
        "GET /teams/{team_id}/members/{user_id}",
        "a member",
        |scene| scene.team("GET", "/members/mate"),
    ),
    Action::new(
        "GET /teams/{team_id}/members/{user_id}",
        "no member",
        |scene| scene.team("GET", "/members/nobody"),
    ),
    Action::new("PATCH /teams/{team_id}/members/{user_id}", "", |scene| {
        let body = json!({"role": "leader"});
        scene.team("PATCH", "/members/mate").json(&body)
    }),
    Action::new("DELETE /teams/{team_id}/members/{user_id}", "", |scene| {
        scene.team("DELETE", "/members/mate")
    }),
    Action::new(
        "DELETE /teams/{team_id}/members/{user_id}",
        "no member",
        |scene| scene.team("DELETE", "/members/nobody"),
    ),
    Action::new(
        "DELETE /teams/{team_id}/members/{user_id}",
        "self",
        |scene| scene.team("DELETE", "/members/me"),
    )
    .spoils(),
    Action::new("POST /teams/{team_id}/restore", "live", |scene| {
        scene.team("POST", "/restore")
    }),
    Action::new("DELETE /teams/{team_id}", "", |scene| {
        scene.team("DELETE", "")
    }),
];
