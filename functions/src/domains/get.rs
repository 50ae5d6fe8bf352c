//! `GET /organizations/{organization_id}/domains/{domain}`

use documented::docs_const;
use muster::domain::ShownDomain;
use muster::http::{Answer, Code, Problem};

use super::answer;
use crate::endpoint::TableAction::BatchGetItem;
use crate::endpoint::{Call, DomainPath, Endpoint, endpoint};

/// Get a domain
///
/// Returns a domain of an organization, with the DNS record to publish and what was found instead of it.
///
/// Requires owner. Returns 304 if the caller has this representation (`If-None-Match`).
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn get_domain(call: Call, path: DomainPath) -> Result<Answer, Problem> {
    let found = call.store().domain(&call.context(), path.key()).await?;
    Ok(answer(&found))
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    get_domain,
    "GET /organizations/{organization_id}/domains/{domain}"
)
.table(&[BatchGetItem])
.answers(|operation| {
    operation
        .shows::<ShownDomain<'static>>("The domain.")
        .fails(&[Code::Forbidden, Code::NotFound])
});
