//! `POST /organizations/{organization_id}/members/batch`

use std::collections::HashSet;

use documented::docs_const;
use muster::domain::Membership;
use muster::http::{self, Answer, Code, Problem};
use muster::json::{Fields, FromFields};
use muster::store::{Added, BatchResult};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::add::NewMember;
use crate::endpoint::TableAction::{BatchGetItem, ConditionCheckItem, PutItem, UpdateItem};
use crate::endpoint::batch::{self, BatchItem, MAX_ITEMS};
use crate::endpoint::{Body, Call, Endpoint, Idempotency, OrganizationPath, endpoint, render};
use crate::openapi::example::Example;

/// Add many members
///
/// Invites or adds up to 100 users, each as `POST /organizations/{organization_id}/members` does. Returns one result
/// for each item, in their order: its `status` is 201, 200 or that of an error, whose `code` and `detail` say what is
/// wrong. An item that cannot be added does not affect the others, even if its fields are not valid.
///
/// Requires owner or admin. Returns 400 and adds no one if there is no item, more than 100, or a user twice. Send an
/// `Idempotency-Key` to repeat the request safely: a repeated request continues a batch that was interrupted, and
/// returns the results of the first request. After 503, a batch may be added in part.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn add_members(
    call: Call,
    path: OrganizationPath,
    Body(batch): Body<NewMembers>,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let (store, id) = (call.store(), &path.organization_id);
    let cx = call.idempotent(key);
    if let Some(first) = store.begin_member_batch(&cx, id).await? {
        return render(first, |results| answer(results));
    }
    let (members, places) = batch::split(batch.items);
    let members = members.into_iter();
    let memberships: Vec<_> = members
        .map(|member| member.membership(&call, id.clone()))
        .collect();
    let added = store.add_members(&cx, &memberships).await?;
    let results = batch::join(places, added)?;
    let outcome = store.finish_member_batch(&cx, results).await?;
    render(outcome, |results| answer(results))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    add_members,
    "POST /organizations/{organization_id}/members/batch"
)
.table(&[BatchGetItem, ConditionCheckItem, PutItem, UpdateItem])
.answers(|operation| {
    operation
        .plain::<MemberResults<'static>>("The result of each item.")
        .fails(&[Code::Forbidden, Code::NotFound, Code::Conflict])
});

/// A request to add many members.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(crate) struct NewMembers {
    /// The members to add, each user once.
    #[schemars(with = "Vec<NewMember>", length(min = 1, max = MAX_ITEMS))]
    items: Vec<BatchItem<NewMember>>,
}

impl FromFields for NewMembers {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let items: Vec<BatchItem<_>> = batch::read_items(fields, "user_id")?;
        let mut users = HashSet::new();
        for (position, item) in items.iter().enumerate() {
            if item.name.as_ref().is_some_and(|user| !users.insert(user)) {
                let detail = "must be unique in the batch";
                fields.violate_item("items", position, "user_id", detail);
            }
        }
        Some(Self { items })
    }
}

/// The results of a batch.
#[derive(Serialize, JsonSchema)]
struct MemberResults<'a> {
    /// One result for each item of the request, in the same order.
    items: Vec<MemberResult<'a>>,
}

/// The result of one item of a batch.
#[derive(Serialize, JsonSchema)]
struct MemberResult<'a> {
    /// The user, as in the item. `null` if the item had none.
    user_id: Option<&'a str>,
    /// The HTTP status of this item: 201 for a new membership or invitation, 200 for an existing one.
    status: u16,
    /// The error code. Absent for an item that was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Code")]
    code: Option<&'a str>,
    /// What is wrong and what to do. Absent for an item that was added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    detail: Option<&'a str>,
    /// The membership or invitation. Absent for an item that was not added.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Membership")]
    membership: Option<&'a Membership>,
}

fn answer(results: &[BatchResult<Membership>]) -> Answer {
    let items = results.iter().map(shown).collect();
    Answer::unversioned(http::json(&MemberResults { items }))
}

fn shown(result: &BatchResult<Membership>) -> MemberResult<'_> {
    match result {
        BatchResult::Added(Added::New(membership)) => added(membership, 201),
        BatchResult::Added(Added::Already(membership)) => added(membership, 200),
        BatchResult::Refused(refused) => MemberResult {
            user_id: refused.name.as_deref(),
            status: refused.status,
            code: Some(&refused.code),
            detail: Some(&refused.detail),
            membership: None,
        },
    }
}

fn added(membership: &Membership, status: u16) -> MemberResult<'_> {
    MemberResult {
        user_id: Some(membership.user_id.as_str()),
        status,
        code: None,
        detail: None,
        membership: Some(membership),
    }
}

impl Example for NewMembers {
    fn example() -> Value {
        json!({"items": [
            {"user_id": "bob", "role": "admin"},
            {"user_id": "eve", "status": "active"},
        ]})
    }
}

impl Example for MemberResults<'_> {
    fn example() -> Value {
        json!({"items": [
            {"user_id": "bob", "status": 201, "membership": Membership::example()},
            {
                "user_id": "eve",
                "status": 422,
                "code": "unknown-user",
                "detail": "No user with this id is known in your tenant.",
            },
        ]})
    }
}
