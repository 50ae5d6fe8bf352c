//! `POST /organizations/{organization_id}/members`

use documented::docs_const;
use muster::domain::{Invalid, Json, Membership, OrganizationId, Role, Status, UserId};
use muster::from_fields;
use muster::http::{Answer, Code, Problem, user_in_path};
use muster::json::{FromJson, text};
use muster::store::Added;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::answer;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};
use crate::openapi::example::Example;

/// Add a member
///
/// Invites a user into an organization, or adds them directly with `status: "active"`.
///
/// Requires owner or admin; you cannot grant a role above your own. Returns 201, or 200 with the stored membership
/// if the user already has this role; with `status: "active"` an open invitation to the same role becomes active.
/// An invitation expires after 7 days. Inviting again makes you the inviter, and renews an expired invitation with the
/// role of the request. Returns 409 `already-member` if the user has another role or is suspended
/// (change that with PATCH), and 422 `unknown-user` if the user is not known in the tenant. Idempotent.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn add_member(
    call: Call,
    path: OrganizationPath,
    Body(new): Body<NewMember>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let membership = new.membership(&call, path.organization_id);
    let outcome = call
        .store()
        .add_member(&call.idempotent(key), &membership)
        .await?;
    render(outcome, added_answer)
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(add_member, "POST /organizations/{organization_id}/members")
        .table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
        .answers(|operation| {
            operation
                .created::<Membership>("The new membership or invitation.")
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
                .ok::<Membership>("The existing membership, or the invitation that became active.")
                .fails(&[
                    Code::Forbidden,
                    Code::NotFound,
                    Code::AlreadyMember,
                    Code::UnknownUser,
                    Code::Conflict,
                ])
        });

/// A request to add a member.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NewMember {
    /// The user to add. Must be known in the tenant.
    user_id: UserId,
    /// The role to grant.
    #[schemars(with = "Role", default = "default_role")]
    role: Option<Role>,
    /// `invited`, or `active` to add the user directly.
    #[schemars(
        with = "Status",
        default = "default_status",
        extend("enum" = [Status::Invited, Status::Active])
    )]
    status: Option<NewStatus>,
}

from_fields!(NewMember {
    user_id,
    role,
    status
});

impl NewMember {
    /// Returns the membership that the request asks for.
    pub(super) fn membership(self, call: &Call, organization: OrganizationId) -> Membership {
        let role = self.role.unwrap_or_else(default_role);
        let status = self.status.unwrap_or_else(default_status).into();
        let tenant = call.caller.tenant_id.clone();
        Membership::new(tenant, organization, self.user_id, role, status, call.now)
            .invited_by(&call.caller)
    }
}

impl Example for NewMember {
    fn example() -> Value {
        json!({"user_id": "bob", "role": "member"})
    }
}

/// The status of a new membership.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
enum NewStatus {
    Invited,
    Active,
}

impl FromJson for NewStatus {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        match text(value) {
            Ok(Status::Invited) => Ok(Self::Invited),
            Ok(Status::Active) => Ok(Self::Active),
            _ => Err(Invalid::new("must be invited or active")),
        }
    }
}

impl From<NewStatus> for Status {
    fn from(status: NewStatus) -> Self {
        match status {
            NewStatus::Invited => Self::Invited,
            NewStatus::Active => Self::Active,
        }
    }
}

fn default_role() -> Role {
    Role::Member
}

fn default_status() -> NewStatus {
    NewStatus::Invited
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
