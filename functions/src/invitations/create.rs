//! `POST /organizations/{organization_id}/invitations`

use std::collections::HashSet;
use std::time::Duration;

use documented::docs_const;
use muster::domain::{
    DEFAULT_INVITATION_DAYS, Email, Invalid, Invitation, InvitationDelivery, InvitationId,
    InvitationStatus, Json, MAX_INVITATION_DAYS, MAX_INVITATION_TEAMS, OrganizationId, RedirectUrl,
    Role, TeamId,
};
use muster::from_fields;
use muster::http::{Answer, Code, Problem};
use muster::json::{FromJson, text};
use muster::store::Added;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::secret::TokenSecret;
use super::shown::{Links, ShownInvitation};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, GetItem, PutItem, UpdateItem,
};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};
use crate::openapi::example::Example;

/// Create an invitation
///
/// Invites an email address into an organization. A user who signs in with this verified address can accept the
/// invitation, and becomes a member with its role and in its teams. Addresses are compared case-insensitively.
///
/// Requires owner or admin; you cannot invite with a role above your own. Returns 201, or 200 with the pending invitation
/// of the address if it has the same role. Returns 409 `already-invited` if it has another role, 409 `already-member` if
/// an active member has this verified address, and 400 if a team does not exist in the organization. Idempotent.
///
/// If the deployment sends no mail, `accept_url` is the link for the user. If it does, only tenant admins and machines
/// get the link.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_invitation(
    call: Call<TokenSecret>,
    path: OrganizationPath,
    Body(new): Body<NewInvitation>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let links = Links::of(&call).await?;
    let invitation = new.invitation(&call, path.organization_id);
    let outcome = call
        .store()
        .create_invitation(&call.idempotent(key), &invitation)
        .await?;
    render(outcome, |added| match added {
        Added::New(invitation) => links.created(invitation),
        Added::Already(invitation) => links.answer(invitation),
    })
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    create_invitation,
    "POST /organizations/{organization_id}/invitations"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    GetItem,
    PutItem,
    UpdateItem,
])
.indexes(&["gsi1"])
.answers(|operation| {
    operation
        .created::<ShownInvitation<'static>>("The new invitation.")
        .leads_to(
            &["getInvitation", "resendInvitation", "revokeInvitation"],
            json!({
                "organization_id": "$response.body#/organization_id",
                "invitation_id": "$response.body#/id",
            }),
        )
        .ok::<ShownInvitation<'static>>("The pending invitation of the address.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::AlreadyInvited,
            Code::AlreadyMember,
            Code::Conflict,
        ])
});

/// A request to create an invitation.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("required" = ["email"]))]
pub(crate) struct NewInvitation {
    /// The address to invite.
    email: Email,
    /// The role to grant.
    #[schemars(with = "Role", default = "default_role")]
    role: Option<Role>,
    /// Teams of the organization to join, each once.
    #[schemars(with = "Vec<TeamId>", length(max = MAX_INVITATION_TEAMS), default)]
    team_ids: Option<TeamIds>,
    /// Days until it expires.
    #[schemars(with = "u8", range(min = 1, max = MAX_INVITATION_DAYS), default = "default_days")]
    expires_in_days: Option<Days>,
    /// Where your front end takes the user after they accept, added to the link as `redirect_url`. Your front end must
    /// check it: an absolute `https` URL without credentials.
    #[schemars(with = "RedirectUrl")]
    redirect_url: Option<RedirectUrl>,
}

from_fields!(NewInvitation {
    email,
    role,
    team_ids,
    expires_in_days,
    redirect_url
});

impl NewInvitation {
    /// Returns the invitation that the request asks for.
    pub(super) fn invitation(
        self,
        call: &Call<TokenSecret>,
        organization: OrganizationId,
    ) -> Invitation {
        let Call {
            app, caller, now, ..
        } = call;
        let days = self.expires_in_days.unwrap_or_else(default_days).0;
        Invitation {
            id: InvitationId::from(app.clock.new_id()),
            tenant_id: caller.tenant_id.clone(),
            organization_id: organization,
            email: Some(self.email),
            role: self.role.unwrap_or_else(default_role),
            team_ids: self.team_ids.map(|teams| teams.0).unwrap_or_default(),
            status: InvitationStatus::Pending,
            invited_by_user_id: caller.user_id.clone(),
            invited_by_tenant_admin: caller.tenant_admin,
            expires_at: now.after(Duration::from_hours(24 * u64::from(days))),
            sent_at: None,
            send_count: 1,
            delivery: first_delivery(call),
            accepted_by_user_id: None,
            redirect_url: self.redirect_url,
            issued_at: *now,
            version: 1,
            created_at: *now,
            updated_at: *now,
        }
    }
}

/// Returns the delivery of a new token.
pub(super) fn first_delivery(call: &Call<TokenSecret>) -> InvitationDelivery {
    match call.app.settings.invitation_from {
        Some(_) => InvitationDelivery::Queued,
        None => InvitationDelivery::None,
    }
}

fn default_role() -> Role {
    Role::Member
}

fn default_days() -> Days {
    Days(DEFAULT_INVITATION_DAYS)
}

/// The days until an invitation expires.
#[derive(Clone, Copy, Serialize)]
struct Days(u8);

impl FromJson for Days {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        let days = match &value {
            Json::Number(days) => days.as_u64().and_then(|days| u8::try_from(days).ok()),
            _ => None,
        };
        match days {
            Some(days @ 1..=MAX_INVITATION_DAYS) => Ok(Self(days)),
            _ => Err(Invalid::new("must be a whole number from 1 to 30")),
        }
    }
}

/// The teams of an invitation.
struct TeamIds(Vec<TeamId>);

impl FromJson for TeamIds {
    fn from_json(value: Json) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("must be a list of up to 20 ids of teams, each once");
        let Json::Array(items) = value else {
            return Err(invalid());
        };
        if items.len() > MAX_INVITATION_TEAMS {
            return Err(invalid());
        }
        let ids = items.into_iter().map(text::<TeamId>);
        let ids: Vec<TeamId> = ids.collect::<Result<_, _>>().map_err(|_| invalid())?;
        let mut seen = HashSet::new();
        if ids.iter().all(|id| seen.insert(id.as_str())) {
            Ok(Self(ids))
        } else {
            Err(invalid())
        }
    }
}

impl Example for NewInvitation {
    fn example() -> Value {
        json!({"email": "bob@acme.example", "role": "member"})
    }
}
