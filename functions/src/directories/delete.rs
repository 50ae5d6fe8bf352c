//! `DELETE /directories/{directory_id}`

use documented::docs_const;
use muster::domain::{ExpectedVersion, MembershipsOfDeleted};
use muster::http::{self, Answer, Code, Problem};
use serde_json::{Value, json};
use strum::VariantNames as _;

use crate::endpoint::TableAction::{
    BatchGetItem, BatchWriteItem, ConditionCheckItem, DeleteItem, GetItem, PutItem,
    Query as QueryItems, UpdateItem,
};
use crate::endpoint::{Call, DirectoryPath, Endpoint, Parameter, Query, endpoint, query};

query! {
    /// The query of the deletion.
    pub(crate) struct Deletion {
        /// What happens to the memberships of the directory: `keep` makes them `manual`, `remove` removes them.
        memberships: MembershipsOfDeleted,
    }
}

impl Parameter for MembershipsOfDeleted {
    fn read(query: &mut http::Query<'_>, name: &'static str) -> Self {
        query.filter(name, str::parse).unwrap_or_default()
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::VARIANTS, "default": Self::default()})
    }
}

/// Delete a directory
///
/// Deletes a directory. Its memberships are kept with the source `manual`, or removed; the membership of the last
/// active owner of an organization is always kept. Users who were tenant admins through it lose that right.
/// Organizations and teams are kept. Afterwards the tenant uses the deployment's default directory, if there is one.
///
/// Requires a tenant admin. Returns 204. Returns 503 `unavailable` if the request runs out of time: repeat the request,
/// and it continues where it stopped; until then the directory is paused. Returns 409 `conflict` if a deletion with the
/// other value of `memberships` has started, and 412 `version-mismatch` if `If-Match` does not name the current version
/// when it starts.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn delete_directory(
    call: Call,
    path: DirectoryPath,
    Query(query): Query<Deletion>,
    expected: ExpectedVersion,
) -> Result<Answer, Problem> {
    let (id, memberships) = (&path.directory_id, query.memberships);
    call.store()
        .delete_directory(&call.context(), id, memberships, &expected)
        .await?;
    Ok(Answer::no_content())
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(delete_directory, "DELETE /directories/{directory_id}")
    .table(&[
        BatchGetItem,
        BatchWriteItem,
        ConditionCheckItem,
        DeleteItem,
        GetItem,
        PutItem,
        QueryItems,
        UpdateItem,
    ])
    .indexes(&["gsi3"])
    .answers(|operation| {
        operation.no_content("The directory is deleted.").fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::Conflict,
        ])
    });
