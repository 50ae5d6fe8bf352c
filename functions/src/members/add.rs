//! `POST /organizations/{organization_id}/members`

use std::sync::Arc;

use documented::docs_const;
use muster::domain::{Invalid, Json, Membership, Role, Status, UserId};
use muster::http::{Answer, ApiRequest, Code, Problem, text, user_in_path};
use muster::store::{Added, Done};
use schemars::JsonSchema;
use serde_json::json;

use super::answer;
use crate::App;
use crate::openapi::{Operation, example};

/// Invites a user into an organization, or adds them at once with `status: "active"`.
///
/// For owners and admins, who make nobody more than they are. 201; 200 and the stored membership
/// if the user is there already with the same role; with `status: "active"` an open invitation to the
/// same role becomes active. 409 `already-member` if the user has another role or is suspended: change
/// that with PATCH; 422 `unknown-user`. Safe to repeat, with or without an `Idempotency-Key`.
#[docs_const(vis = pub(self))]
pub async fn handle(app: Arc<App>, request: ApiRequest) -> Result<Answer, Problem> {
    let caller = request.caller()?;
    let organization_id = request.organization_id()?;
    request.no_query()?;
    let mut body = request.body()?;
    let user_id = body.required("user_id", text::<UserId>);
    let role = body.optional("role", text).unwrap_or_else(default_role);
    let status = body
        .optional("status", status)
        .unwrap_or_else(default_status);
    body.finish()?;
    let Some(user_id) = user_id else {
        return Err(Problem::invalid_at("/user_id", "is required"));
    };

    let now = app.clock.now();
    let membership = Membership::new(
        caller.tenant_id.clone(),
        organization_id,
        user_id,
        (role, status),
        now,
    )
    .invited_by(&caller);

    let once = request.once(&caller, now)?;
    let first = |added: &Added<Membership>| added_answer(added).to_first();
    match app
        .store
        .add_member(&caller, &membership, once.as_ref(), first)
        .await?
    {
        Done::Now(added) => Ok(added_answer(&added)),
        Done::Before(first) => Answer::repeated(&first),
    }
}

/// In the OpenAPI document.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            "POST /organizations/{organization_id}/members",
            "addMember",
            HANDLE_DOCS,
        )
        .body::<NewMember>(json!({"user_id": "bob", "role": "member"}))
        .once()
        .created::<Membership>(
            "The user is in the organization now, or invited.",
            example::membership(),
        )
        .leads_to(
            &[
                "getMember",
                "updateMember",
                "removeMember",
                "acceptInvitation",
            ],
            json!({
                "organization_id": "$response.body#/organization_id",
                "user_id": "$response.body#/user_id",
            }),
        )
        .ok::<Membership>(
            "They were already, with this role, or their invitation is active now.",
            example::membership(),
        )
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::AlreadyMember,
            Code::UnknownUser,
            Code::Conflict,
        ]),
    ]
}

/// Whom to add, and as what.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its schema is of use: it is read field by field"
)]
struct NewMember {
    /// Whom: somebody who is known in the tenant.
    user_id: UserId,
    /// As what.
    #[schemars(default = "default_role")]
    role: Role,
    /// Whether they are invited, or in at once.
    #[schemars(default = "default_status", extend("enum" = [Status::Invited, Status::Active]))]
    status: Status,
}

fn default_role() -> Role {
    Role::Member
}

fn default_status() -> Status {
    Status::Invited
}

fn added_answer(added: &Added<Membership>) -> Answer {
    match added {
        Added::New(membership) => Answer::created(
            membership,
            membership.version,
            format!(
                "/organizations/{}/members/{}",
                membership.organization_id,
                user_in_path(&membership.user_id)
            ),
        ),
        Added::Already(membership) => answer(membership),
    }
}

/// A new membership is an invitation, or active.
fn status(value: Json) -> Result<Status, Invalid> {
    match text(value) {
        Ok(status @ (Status::Invited | Status::Active)) => Ok(status),
        _ => Err(Invalid::new("must be invited or active")),
    }
}
