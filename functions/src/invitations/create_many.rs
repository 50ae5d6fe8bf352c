//! `POST /organizations/{organization_id}/invitations/batch`

use documented::docs_const;
use muster::domain::{Email, Invitation};
use muster::http::{self, Answer, Code, Problem};
use muster::json::{Fields, FromFields};
use muster::store::{Added, BatchResult};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::create::NewInvitation;
use super::secret::TokenSecret;
use super::shown::{Links, ShownInvitation};
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, GetItem, PutItem, UpdateItem,
};
use crate::endpoint::batch::{self, BatchItem, MAX_ITEMS};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};
use crate::openapi::example::Example;

/// Create many invitations
///
/// Invites up to 100 email addresses, each as `POST /organizations/{organization_id}/invitations` does. Returns one
/// result for each item, in their order: its `status` is 201, 200 or that of an error, whose `code` and `detail` say
/// what is wrong. An item that cannot be invited does not affect the others, even if its fields are not valid. An
/// address that is in the batch twice is invited once.
///
/// Requires owner or admin. Returns 400 and invites no one if there is no item or more than 100. Send an
/// `Idempotency-Key` to repeat the request safely: a repeated request continues a batch that was interrupted, and
/// returns the results of the first request. After 503, a batch may be invited in part.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn create_invitations(
    call: Call<TokenSecret>,
    path: OrganizationPath,
    Body(batch): Body<NewInvitations>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let links = Links::of(&call).await?;
    let (store, id) = (call.store(), &path.organization_id);
    let cx = call.idempotent(key);
    if let Some(first) = store.begin_invitation_batch(&cx, id).await? {
        return render(first, |results| answer(&links, results));
    }
    let (new, places) = batch::split(batch.items);
    let new = new.into_iter();
    let invitations: Vec<_> = new
        .map(|invitation| invitation.invitation(&call, id.clone()))
        .collect();
    let created = store.create_invitations(&cx, &invitations).await?;
    let results = batch::join(places, created)?;
    let outcome = store.finish_invitation_batch(&cx, results).await?;
    render(outcome, |results| answer(&links, results))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    create_invitations,
    "POST /organizations/{organization_id}/invitations/batch"
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
        .plain::<InvitationResults<'static>>("The result of each item.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});

/// A request to create many invitations.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NewInvitations {
    /// The invitations to create.
    #[schemars(with = "Vec<NewInvitation>", length(min = 1, max = MAX_ITEMS))]
    items: Vec<BatchItem<NewInvitation>>,
}

impl FromFields for NewInvitations {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let items = batch::read_items(fields, "email")?;
        Some(Self { items })
    }
}

/// The results of a batch.
#[derive(Serialize, JsonSchema)]
struct InvitationResults<'a> {
    /// One result for each item of the request, in the same order.
    items: Vec<InvitationResult<'a>>,
}

/// The result of one item of a batch.
#[derive(Serialize, JsonSchema)]
struct InvitationResult<'a> {
    /// The address, as in the item. `null` if the item had none.
    email: Option<&'a str>,
    /// The HTTP status of this item: 201 for a new invitation, 200 for a pending one.
    status: u16,
    /// The error code. Absent for an item that was invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Code")]
    code: Option<&'a str>,
    /// What is wrong and what to do. Absent for an item that was invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    detail: Option<&'a str>,
    /// The invitation. Absent for an item that was not invited.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ShownInvitation<'static>")]
    invitation: Option<ShownInvitation<'a>>,
}

fn answer(links: &Links, results: &[BatchResult<Invitation>]) -> Answer {
    let items = results.iter().map(|result| shown(links, result)).collect();
    Answer::unversioned(http::json(&InvitationResults { items }))
}

fn shown<'a>(links: &Links, result: &'a BatchResult<Invitation>) -> InvitationResult<'a> {
    let (invitation, status) = match result {
        BatchResult::Added(Added::New(invitation)) => (invitation, 201),
        BatchResult::Added(Added::Already(invitation)) => (invitation, 200),
        BatchResult::Refused(refused) => {
            return InvitationResult {
                email: refused.name.as_deref(),
                status: refused.status,
                code: Some(&refused.code),
                detail: Some(&refused.detail),
                invitation: None,
            };
        }
    };
    InvitationResult {
        email: invitation.email.as_ref().map(Email::as_str),
        status,
        code: None,
        detail: None,
        invitation: Some(links.show(invitation)),
    }
}

impl Example for NewInvitations {
    fn example() -> Value {
        json!({"items": [
            {"email": "bob@acme.example"},
            {"email": "eve@acme.example", "role": "admin"},
        ]})
    }
}

impl Example for InvitationResults<'_> {
    fn example() -> Value {
        json!({"items": [
            {"email": "bob@acme.example", "status": 201, "invitation": ShownInvitation::example()},
            {
                "email": "eve@acme.example",
                "status": 409,
                "code": "already-member",
                "detail": "An active member of the organization has this address.",
            },
        ]})
    }
}
