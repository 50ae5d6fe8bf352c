//! The values of the document's examples: Ada's organization Rockets, its team Engines, and Bob.

use muster::domain::{Event, Membership, TeamMembership, User};
use serde_json::{Value, json};

/// A type with an example for the document.
pub(crate) trait Example {
    /// The example, matching its schema.
    fn example() -> Value;
}

pub(crate) const ORGANIZATION: &str = "019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f";
pub(crate) const TEAM: &str = "019aa4f3-1b2c-7d4e-8f60-718293a4b5c6";
pub(crate) const WEBHOOK_ENDPOINT: &str = "019aa8c0-5e6f-7a81-92b3-c4d5e6f70819";
pub(crate) const DIRECTORY: &str = "019aacd0-3b4c-7d5e-8f60-718293a4b5c6";
pub(crate) const INVITATION_TOKEN: &str = "inv1_YWNtZQ.c2lnbmF0dXJl";
pub(crate) const INVITATION: &str = "019aac11-7f20-7b31-8c42-5d6e7f809102";
pub(crate) const EVENT: &str = "019aa8c1-2d3e-7f40-8a1b-3c4d5e6f7081";
pub(crate) const CREATED: &str = "2026-11-20T23:51:36.042Z";
pub(crate) const UPDATED: &str = "2026-11-21T08:15:00.000Z";

/// Ada made Bob an admin.
impl Example for Event {
    fn example() -> Value {
        json!({
            "id": EVENT,
            "type": "membership.role_changed",
            "tenant_id": "acme",
            "organization_id": ORGANIZATION,
            "occurred_at": "2026-11-21T18:07:33.182Z",
            "actor": {"type": "user", "id": "ada", "name": "Ada"},
            "targets": [
                {"type": "user", "id": "bob", "name": "Bob"},
                {"type": "organization", "id": ORGANIZATION, "name": "Rockets"},
            ],
            "changes": {"role": {"from": "member", "to": "admin"}},
            "context": {
                "request_id": "UQ3bVgkXFiAEJ5A=",
                "operation": "updateMember",
                "source_ip": "203.0.113.5",
                "user_agent": "curl/8.5.0",
            },
            "resource_version": 4,
        })
    }
}

/// Limits with a value for each field.
pub(crate) fn limits() -> Value {
    json!({
        "models": ["large", "small"],
        "max_budget": 1000,
        "budget_duration": "30d",
        "tpm_limit": 100_000,
        "rpm_limit": null,
    })
}

/// Bob's membership.
impl Example for Membership {
    fn example() -> Value {
        json!({
            "tenant_id": "acme",
            "organization_id": ORGANIZATION,
            "user_id": "bob",
            "role": "member",
            "status": "invited",
            "source": "manual",
            "invited_by_user_id": "ada",
            "spend": 0.0,
            "budget_id": null,
            "expires_at": "2026-11-27T23:51:36.042Z",
            "last_active_at": null,
            "version": 1,
            "created_at": CREATED,
            "updated_at": CREATED,
        })
    }
}

/// Ada's membership of the team.
impl Example for TeamMembership {
    fn example() -> Value {
        json!({
            "tenant_id": "acme",
            "team_id": TEAM,
            "user_id": "ada",
            "role": "leader",
            "status": "active",
            "source": "manual",
            "version": 1,
            "created_at": CREATED,
            "updated_at": CREATED,
        })
    }
}

/// Bob.
impl Example for User {
    fn example() -> Value {
        json!({
            "tenant_id": "acme",
            "user_id": "bob",
            "email": "bob@acme.example",
            "email_verified": true,
            "display_name": "Bob",
            "entra_object_id": null,
            "status": "enabled",
            "last_login_at": null,
            "created_at": CREATED,
            "updated_at": UPDATED,
        })
    }
}

/// The example with additional members.
pub(crate) fn with(mut example: Value, more: Value) -> Value {
    if let (Some(example), Value::Object(more)) = (example.as_object_mut(), more) {
        example.extend(more);
    }
    example
}
