//! An invitation with the link for its user.

use muster::domain::{Caller, Invitation, InvitationPage, InvitationSecret};
use muster::http::{Answer, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::secret::TokenSecret;
use crate::App;
use crate::endpoint::Call;
use crate::openapi::example::{self, Example};

/// An invitation with the link for its user.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InvitationWithLink")]
pub(crate) struct ShownInvitation<'a> {
    #[serde(flatten)]
    invitation: &'a Invitation,
    /// The link for the user: the page of the front end with the token of the invitation. Without a page, only the query
    /// `?invitation=<token>`. Send it to the invited address and to no one else. Absent if Muster sends the mail, unless
    /// the caller is a tenant admin or a machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    accept_url: Option<String>,
}

/// Makes the links of invitations, if the caller may see them.
pub(crate) struct Links {
    secret: Option<InvitationSecret>,
    page: Option<InvitationPage>,
}

impl Links {
    /// Reads the secret if the caller may see the links: those who send them themselves, because the deployment sends no
    /// mail; else tenant admins and machines. Before a write, so that a failure changes nothing.
    pub(crate) async fn of(call: &Call<TokenSecret>) -> Result<Self, Problem> {
        let Call { app, caller, .. } = call;
        let secret = if shows_links(app, caller) {
            Some(call.services.get().await?)
        } else {
            None
        };
        let page = app.settings.invitation_page.clone();
        Ok(Self { secret, page })
    }

    /// Adds the link to an invitation.
    pub(crate) fn show<'a>(&self, invitation: &'a Invitation) -> ShownInvitation<'a> {
        let secret = self.secret.as_ref();
        let accept_url = secret.map(|secret| {
            let token = secret.token(invitation);
            match &self.page {
                Some(page) => page.link(invitation, &token),
                None => InvitationPage::query(invitation, &token),
            }
        });
        ShownInvitation {
            invitation,
            accept_url,
        }
    }

    /// 200, with an invitation.
    pub(crate) fn answer(&self, invitation: &Invitation) -> Answer {
        Answer::ok(&self.show(invitation), invitation.version)
    }

    /// 201, with an invitation.
    pub(crate) fn created(&self, invitation: &Invitation) -> Answer {
        let location = format!(
            "/organizations/{}/invitations/{}",
            invitation.organization_id, invitation.id
        );
        Answer::created(&self.show(invitation), invitation.version, location)
    }
}

fn shows_links(app: &App, caller: &Caller) -> bool {
    app.settings.invitation_from.is_none() || caller.tenant_admin || caller.machine
}

impl Example for ShownInvitation<'_> {
    fn example() -> Value {
        let link = "https://app.acme.example/join?invitation=inv1_YWNtZQ.c2lnbmF0dXJl";
        example::with(Invitation::example(), json!({"accept_url": link}))
    }
}
