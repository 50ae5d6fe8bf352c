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

/// Add a member
///
/// Invites a user into an organization, or adds them at once with `status: "active"`.
///
/// Requires owner or admin; you cannot grant a role above your own. Returns 201, or 200 with the stored membership
/// if the user already has this role; with `status: "active"` an open invitation to the same role becomes active.
/// Inviting again makes you the inviter. Returns 409 `already-member` if the user has another role or is suspended
/// (change that with PATCH), and 422 `unknown-user` if the user is not known in the tenant. Idempotent.
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
        .created::<Membership>("The new membership or invitation.", example::membership())
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
            "The existing membership, or the invitation that became active.",
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

/// A request to add a member.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[allow(
    dead_code,
    reason = "only its schema is of use: it is read field by field"
)]
struct NewMember {
    /// The user to add. Must be known in the tenant.
    user_id: UserId,
    /// The role to grant.
    #[schemars(default = "default_role")]
    role: Role,
    /// `invited`, or `active` to add the user at once.
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
