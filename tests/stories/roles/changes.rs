//! Changes of another member, or additions.

use muster::domain::Role;
use reqwest::RequestBuilder;
use serde_json::json;

use super::Scene;

/// A change of another member, or an addition.
pub(super) struct Change {
    pub(super) what: &'static str,
    /// The other user's role before; `None` without a membership.
    pub(super) before: fn(Role) -> Option<Role>,
    pub(super) is_own: bool,
    /// Caller, target and role.
    pub(super) request: fn(&Scene<'_>, &str, Role) -> RequestBuilder,
}

/// The changes for each role.
pub(super) const CHANGES: [Change; 6] = [
    Change {
        what: "suspend a member with role",
        before: Some,
        is_own: false,
        request: |scene, other, _| scene.change(other, &json!({"status": "suspended"})),
    },
    Change {
        what: "set readonly for a member with role",
        before: Some,
        is_own: false,
        request: |scene, other, _| scene.change(other, &json!({"role": "readonly"})),
    },
    Change {
        what: "remove a member with role",
        before: Some,
        is_own: false,
        request: |scene, other, _| scene.request("DELETE", &format!("/members/{other}")),
    },
    Change {
        what: "add a user with role",
        before: |_| None,
        is_own: false,
        request: |scene, other, role| scene.add(&json!({"user_id": other, "role": role})),
    },
    Change {
        what: "change a member to role",
        before: |_| Some(Role::Member),
        is_own: false,
        request: |scene, other, role| scene.change(other, &json!({"role": role})),
    },
    Change {
        what: "change own role to",
        before: |_| None,
        is_own: true,
        request: |scene, _, role| scene.change("me", &json!({"role": role})),
    },
];

const fn on_member(
    what: &'static str,
    request: fn(&Scene<'_>, &str, Role) -> RequestBuilder,
) -> Change {
    Change {
        what,
        before: Some,
        is_own: false,
        request,
    }
}

/// The changes for members of each status and source.
pub(super) const ON_ANY_STATUS: [Change; 9] = [
    on_member("set role manager", |scene, other, _| {
        scene.change(other, &json!({"role": "manager"}))
    }),
    on_member("set status active", |scene, other, _| {
        scene.change(other, &json!({"status": "active"}))
    }),
    on_member("set status invited", |scene, other, _| {
        scene.change(other, &json!({"status": "invited"}))
    }),
    on_member("suspend", |scene, other, _| {
        scene.change(other, &json!({"status": "suspended"}))
    }),
    on_member("add again", |scene, other, role| {
        scene.add(&json!({"user_id": other, "role": role}))
    }),
    on_member("add again, as active", |scene, other, role| {
        scene.add(&json!({"user_id": other, "role": role, "status": "active"}))
    }),
    on_member("add with another role", |scene, other, _| {
        scene.add(&json!({"user_id": other, "role": "readonly"}))
    }),
    on_member("remove", |scene, other, _| {
        scene.request("DELETE", &format!("/members/{other}"))
    }),
    on_member("remove with force", |scene, other, _| {
        scene.request("DELETE", &format!("/members/{other}?force=true"))
    }),
];
