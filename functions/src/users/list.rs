//! `GET /users`

use documented::docs_const;
use muster::domain::{SearchPrefix, User, UserStatus};
use muster::http::{self, Answer, Code, Problem};
use muster::store::UserFilter;

use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, Endpoint, Paged, StatusFilter, endpoint, query};

/// List users
///
/// Returns the users of the tenant, sorted by display name; users without a name come first.
///
/// `q` finds users whose display name starts with the text, sorted by name, and then those whose email address does,
/// sorted by email address. Names are compared case-insensitively and with white space folded.
///
/// Requires a tenant admin. `status` defaults to `enabled`. Eventually consistent: a user who was just registered or
/// renamed may be missing or out of order for a moment.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_users(call: Call, page: Paged<ListUsers>) -> Result<Answer, Problem> {
    let filter = UserFilter {
        prefix: page.filters.q.clone(),
        status: page.filters.status.0,
    };
    let found = call
        .store()
        .users(&call.context(), &filter, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, http::json))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_users, "GET /users")
    .table(&[BatchGetItem])
    .indexes(&["gsi3"])
    .answers(|operation| operation.page::<User>().fails(&[Code::Forbidden]));

query! {
    /// Filters of a list of users.
    pub(crate) struct ListUsers {
        /// Only users whose display name or email address starts with this text. Up to 255 characters.
        q: Option<SearchPrefix>,
        /// Only users with this status; `all` for every status.
        status: StatusFilter<UserStatus>,
    }
}
