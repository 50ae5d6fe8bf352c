//! Looks up one record.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::RData;
use muster::domain::{DomainCheck, OrganizationDomain};
use thiserror::Error;
use tokio::time::timeout;

use crate::Resolvers;

/// Maximum number of TXT records that are kept of an answer.
const MAX_RECORDS: usize = 20;

/// The resolvers gave no answer that most of them agree on. Says nothing about the record.
#[derive(Debug, Error)]
#[error("of {asked} resolvers, {found} found the record, {missing} did not, and {failed} failed")]
pub struct LookupFailed {
    asked: usize,
    found: usize,
    missing: usize,
    failed: usize,
}

impl Resolvers {
    /// Looks up the record of a domain at all resolvers at once. The answer is the one that more than half of them give:
    /// a single resolver that is deceived decides nothing.
    pub async fn look_up(&self, domain: &OrganizationDomain) -> Result<DomainCheck, LookupFailed> {
        // Ends with a dot: no other name is tried.
        let name = format!("{}.", domain.record_name());
        let asked = self.resolvers.len();
        let needed = asked / 2 + 1;
        let answers = self.resolvers.iter();
        let mut answers: FuturesUnordered<_> = answers
            .map(|resolver| timeout(self.limit, texts(resolver, &name)))
            .collect();
        let (mut found, mut missing, mut failed) = (0, 0, 0);
        let mut others = BTreeSet::new();
        while let Some(answer) = answers.next().await {
            let Ok(Some(records)) = answer else {
                failed += 1;
                continue;
            };
            if records.iter().any(|record| domain.token.is_in(record)) {
                found += 1;
            } else {
                missing += 1;
                others.extend(records);
            }
            if found >= needed {
                return Ok(DomainCheck::Found);
            }
            if missing >= needed {
                return Ok(DomainCheck::Missing(others.into_iter().collect()));
            }
        }
        Err(LookupFailed {
            asked,
            found,
            missing,
            failed,
        })
    }
}

/// Returns the TXT records of a name, the character-strings of each joined. `None` if the resolver failed.
async fn texts(resolver: &TokioResolver, name: &str) -> Option<Vec<String>> {
    match resolver.txt_lookup(name).await {
        Ok(lookup) => {
            let records = lookup.answers().iter().filter_map(|record| {
                let RData::TXT(text) = &record.data else {
                    return None;
                };
                let bytes = text.txt_data.concat();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            });
            Some(records.take(MAX_RECORDS).collect())
        }
        Err(error) if error.is_no_records_found() => Some(Vec::new()),
        Err(_) => None,
    }
}
