//! `GET /organizations`

use documented::docs_const;
use muster::domain::{Domain, FoldedName, Invalid, Name, OrganizationStatus};
use muster::http::{Answer, Code, Problem};
use muster::store::OrganizationFilter;
use serde_json::{Value, json};

use super::{ShownOrganization, show};
use crate::endpoint::{Call, Endpoint, Filter, Paged, endpoint, query};

/// List organizations
///
/// Returns the organizations of the tenant, sorted by name.
///
/// Requires a tenant admin. Names are compared case-insensitively and with white space folded.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn list_organizations(
    call: Call,
    page: Paged<ListOrganizations>,
) -> Result<Answer, Problem> {
    let filters = &page.filters;
    let filter = OrganizationFilter {
        name_prefix: filters.name_prefix.as_ref().map(|prefix| prefix.0.clone()),
        name: filters.name.as_ref().map(Name::folded),
        domain: filters.domain.clone(),
        status: filters.status,
    };
    let found = call
        .store()
        .organizations(&call.context(), &filter, page.after(), page.limit())
        .await?;
    Ok(page.answer(found, |organization| show(organization, true)))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(list_organizations, "GET /organizations")
    .indexes(&["gsi1", "gsi2"])
    .answers(|operation| {
        operation
            .page::<ShownOrganization>()
            .fails(&[Code::Forbidden])
    });

query! {
    /// Filters of a list of organizations.
    pub(crate) struct ListOrganizations {
        /// Only organizations whose name starts with this prefix.
        name_prefix: Option<NamePrefix>,
        /// Only the organization with this name.
        name: Option<Name>,
        /// Only organizations with this domain.
        domain: Option<Domain>,
        /// Live organizations, or deleted ones that can be restored.
        status: OrganizationStatus,
    }
}

/// The start of a name, folded for comparison.
pub(crate) struct NamePrefix(FoldedName);

impl Filter for NamePrefix {
    fn parse(text: &str) -> Result<Self, Invalid> {
        Ok(Self(Name::folded_prefix(text)))
    }

    fn schema() -> Value {
        json!({"type": "string"})
    }
}
