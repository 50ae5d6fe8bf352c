//! `GET /organizations/{organization_id}/members`

use documented::docs_const;
use muster::domain::{Invalid, Role, SearchPrefix, Status};
use muster::http::{self, Answer, Code, Problem};
use muster::store::{MemberFilter, MemberSort};
use serde_json::{Value, json};
use strum::{EnumString, VariantNames};

use super::shown::ShownMember;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{
    Call, Endpoint, Filter, OrganizationPath, Paged, StatusFilter, endpoint, query,
};

/// List members
///
/// Returns the members of an organization, each with the name of its user, sorted by the time of joining. `sort=name`
/// sorts by display name; members without a name come first. `user.email` is included for the user, managers and above,
/// and tenant admins.
///
/// `q` finds members whose display name starts with the text, sorted by name, and then those whose email address does;
/// callers who may not see email addresses find names only. Names are compared case-insensitively and with white space
/// folded.
///
/// Requires an active member. `status` defaults to `active`. Eventually consistent: a member who was just added or
/// renamed may be missing or out of order for a moment.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_members(
    call: Call,
    path: OrganizationPath,
    page: Paged<ListMembers>,
) -> Result<Answer, Problem> {
    let filters = &page.filters;
    let filter = MemberFilter {
        status: filters.status.0,
        role: filters.role,
    };
    let sort = match (&filters.q, filters.sort) {
        (Some(_), Some(MemberOrder::Joined)) => {
            let detail = "must be name if q is set: a search is sorted by name";
            return Err(Problem::invalid_at("/sort", detail));
        }
        (Some(prefix), _) => MemberSort::Search(prefix.clone()),
        (None, Some(MemberOrder::Name)) => MemberSort::Name,
        (None, _) => MemberSort::Joined,
    };
    let found = call
        .store()
        .members(
            &call.context(),
            &path.organization_id,
            &sort,
            filter,
            page.after(),
            page.limit(),
        )
        .await?;
    Ok(page.answer(found, |member| http::json(&ShownMember::new(member))))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint =
    endpoint!(list_members, "GET /organizations/{organization_id}/members")
        .table(&[BatchGetItem])
        .indexes(&["gsi1", "gsi3"])
        .answers(|operation| {
            operation
                .page::<ShownMember<'static>>()
                .fails(&[Code::NotFound])
        });

query! {
    /// Filters of a list of members.
    pub(crate) struct ListMembers {
        /// Only members with this status; `all` for every status.
        status: StatusFilter<Status>,
        /// Only members with this role.
        role: Option<Role>,
        /// Only members whose display name or email address starts with this text. Up to 255 characters.
        q: Option<SearchPrefix>,
        /// The order: by the time of joining, or by display name. With `q`, only `name` is allowed, and is the default.
        sort: Option<MemberOrder>,
    }
}

/// The order of a list of members. Declared in the order of the error and of the schema.
#[derive(Clone, Copy, PartialEq, EnumString, VariantNames)]
#[strum(serialize_all = "lowercase")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_either::<Self>)]
pub(crate) enum MemberOrder {
    /// By display name.
    Name,
    /// By the time of joining.
    Joined,
}

impl Filter for MemberOrder {
    fn parse(text: &str) -> Result<Self, Invalid> {
        text.parse()
    }

    fn schema() -> Value {
        json!({"type": "string", "enum": Self::VARIANTS})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_order_is_refused_with_the_known_ones() {
        let refused = "role".parse::<MemberOrder>().err().unwrap();
        assert_eq!(refused.to_string(), "must be name or joined");
    }
}
