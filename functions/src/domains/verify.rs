//! `POST /organizations/{organization_id}/domains/{domain}/verify`

use documented::docs_const;
use muster::config::SettingError;
use muster::domain::{ExpectedVersion, ShownDomain};
use muster::http::{Answer, Code, Problem};
use muster::store::DomainToVerify;
use muster_dns::{LookupFailed, Resolvers};

use super::answer;
use crate::endpoint::TableAction::{
    BatchGetItem, ConditionCheckItem, GetItem, PutItem, UpdateItem,
};
use crate::endpoint::{Call, DomainPath, Endpoint, Idempotency, NoBody, endpoint, render};
use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

impl Services for Resolvers {
    const RIGHTS: &'static [ServiceRight] = &[];

    fn read(_: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        Self::read(variables)
    }
}

/// Verify a domain
///
/// Looks up the DNS record of the domain now, at several resolvers, and returns the domain: `verified` if most of them
/// find the record, otherwise `failed`, with what was found in `failure`. A verified domain stays verified: only the
/// weekly check can revoke it.
///
/// Requires owner. Returns 503 `unavailable` if the resolvers fail or disagree, which changes nothing, 409 `domain-taken`
/// if another organization of the tenant has verified the domain, 412 `version-mismatch` if `If-Match` does not name the
/// current version, and 429 `throttled` after 10 look-ups in a minute. Idempotent with an `Idempotency-Key`.
#[docs_const(vis = pub(self), rename = "DOCS")]
pub(crate) async fn verify_domain(
    call: Call<Resolvers>,
    path: DomainPath,
    _: NoBody,
    expected: ExpectedVersion,
    Idempotency(key): Idempotency,
) -> Result<Answer, Problem> {
    let cx = call.idempotent(key);
    let store = call.store();
    let found = store.domain_to_verify(&cx, path.key(), &expected).await?;
    let domain = match found {
        DomainToVerify::Replay(first) => return render(first, answer),
        DomainToVerify::LookUp(domain) => domain,
    };
    let check = call.services.look_up(&domain).await.map_err(unavailable)?;
    let outcome = store.record_verification(&cx, &domain, &check).await?;
    render(outcome, answer)
}

fn unavailable(error: LookupFailed) -> Problem {
    Problem {
        source: Some(error.into()),
        ..Problem::new(
            Code::Unavailable,
            "The DNS record could not be looked up: the resolvers failed or disagree. Nothing has changed. Check the name servers of the domain and DNSSEC, or retry after the number of seconds in Retry-After.",
        )
    }
}

/// The declaration of the endpoint.
pub const ENDPOINT: Endpoint = endpoint!(
    verify_domain,
    "POST /organizations/{organization_id}/domains/{domain}/verify"
)
.table(&[
    BatchGetItem,
    ConditionCheckItem,
    GetItem,
    PutItem,
    UpdateItem,
])
.answers(|operation| {
    operation
        .ok::<ShownDomain<'static>>("The domain after the look-up.")
        .fails(&[
            Code::Forbidden,
            Code::NotFound,
            Code::DomainTaken,
            Code::Conflict,
        ])
});
