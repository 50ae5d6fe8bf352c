//! Reading endpoints.

use serde::Deserialize;

use super::from_row;
use crate::domain::{Page, TenantId, Timestamp, WebhookEndpoint, WebhookEndpointId, WebhookSecret};
use crate::store::access;
use crate::store::keys::{self, MAX_SORT_KEY_BYTES, WEBHOOK_ENDPOINT_PREFIX};
use crate::store::table::{Item, Query, from_item};
use crate::store::{Context, Error, Refusal, Store, table};

/// An endpoint with the secrets that sign its messages.
#[derive(Clone, Debug)]
pub struct SigningEndpoint {
    /// The endpoint.
    pub endpoint: WebhookEndpoint,
    /// The secret, and those before it for a day after their rotations.
    pub secrets: Vec<WebhookSecret>,
    /// Until when messages are held back, because calls timed out.
    pub held_until: Option<Timestamp>,
    /// The number of times that they were held back since the last success.
    pub timeouts: u32,
}

/// Attributes of an endpoint that the API does not show.
#[derive(Deserialize)]
struct HoldRow {
    #[serde(default)]
    held_until: Option<Timestamp>,
    #[serde(default)]
    timeouts: u32,
}

/// The attributes of a secret's item.
#[derive(Deserialize)]
struct SecretRow {
    secret: String,
    #[serde(default)]
    previous: Option<String>,
    /// In seconds since 1970.
    #[serde(default)]
    previous_until: Option<i64>,
    /// The one before the previous one.
    #[serde(default)]
    earlier: Option<String>,
    /// In seconds since 1970.
    #[serde(default)]
    earlier_until: Option<i64>,
}

impl Store {
    /// Returns the endpoints of the tenant, in the order of their creation. Requires a tenant admin.
    pub async fn webhook_endpoints(
        &self,
        cx: &Context,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<WebhookEndpoint>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let after = after.map(|place| start_after(tenant, place)).transpose()?;
        Ok(self.webhook_endpoints_of(tenant, after, limit).await?)
    }

    /// Returns all endpoints of a tenant, for the functions that send events to them.
    pub async fn all_webhook_endpoints(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<WebhookEndpoint>, table::Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.webhook_endpoints_of(tenant, after, 100).await?;
            all.extend(page.items);
            let Some(place) = page.next else {
                return Ok(all);
            };
            let key = keys::webhook_endpoint_at(tenant, place);
            after = Some(key.attributes());
        }
    }

    async fn webhook_endpoints_of(
        &self,
        tenant: &TenantId,
        after: Option<Item>,
        limit: usize,
    ) -> Result<Page<WebhookEndpoint>, table::Error> {
        let page = self
            .table
            .query(
                Query::in_partition(
                    None,
                    keys::webhook_endpoints_partition(tenant),
                    WEBHOOK_ENDPOINT_PREFIX,
                )
                .after(after)
                .limit(limit),
            )
            .await?;
        Ok(Page {
            items: page
                .items
                .into_iter()
                .map(from_row)
                .collect::<Result<_, _>>()?,
            next: page.next,
        })
    }

    /// Returns an endpoint. Requires a tenant admin.
    pub async fn webhook_endpoint(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
    ) -> Result<WebhookEndpoint, Error> {
        access::require_tenant_admin(&cx.caller)?;
        self.existing_webhook_endpoint(&cx.caller.tenant_id, id)
            .await
    }

    pub(super) async fn existing_webhook_endpoint(
        &self,
        tenant: &TenantId,
        id: &WebhookEndpointId,
    ) -> Result<WebhookEndpoint, Error> {
        let item = self.table.get(&keys::webhook_endpoint(tenant, id)).await?;
        Ok(from_row(item.ok_or(Refusal::NotFound)?)?)
    }

    /// Returns an endpoint with its secrets, or `None` if it does not exist. For the functions that sign; no other
    /// function has the right to read secrets.
    pub async fn signing_webhook_endpoint(
        &self,
        tenant: &TenantId,
        id: &WebhookEndpointId,
        now: Timestamp,
    ) -> Result<Option<SigningEndpoint>, table::Error> {
        let keys = [
            keys::webhook_endpoint(tenant, id),
            keys::webhook_secret(tenant, id),
        ];
        let mut found = self.table.get_all(&[&keys[0], &keys[1]]).await?;
        let mut take = |key| found.remove(key);
        let (Some(endpoint), Some(secret)) = (take(&keys[0]), take(&keys[1])) else {
            return Ok(None);
        };
        let row: SecretRow = from_item(secret)?;
        let hold: HoldRow = from_item(&endpoint)?;
        let active = |secret: Option<String>, until: Option<i64>| {
            secret.filter(|_| until.is_some_and(|until| now.as_second() < until))
        };
        let previous = active(row.previous, row.previous_until);
        let earlier = active(row.earlier, row.earlier_until);
        let secrets = [Some(row.secret), previous, earlier].into_iter().flatten();
        let secrets = secrets.map(|secret| WebhookSecret::parse(&secret));
        Ok(Some(SigningEndpoint {
            endpoint: from_row(endpoint)?,
            secrets: secrets
                .collect::<Result<_, _>>()
                .map_err(table::Error::unreadable)?,
            held_until: hold.held_until,
            timeouts: hold.timeouts,
        }))
    }
}

/// Returns the key to continue after. DynamoDB would reject a key that is too long.
fn start_after(tenant: &TenantId, place: &str) -> Result<Item, Refusal> {
    if !place.starts_with(WEBHOOK_ENDPOINT_PREFIX) || place.len() > MAX_SORT_KEY_BYTES {
        return Err(Refusal::InvalidPosition);
    }
    Ok(keys::webhook_endpoint_at(tenant, place).attributes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_must_be_of_an_endpoint_and_fit_in_a_key() {
        let tenant = TenantId::parse("acme").unwrap();
        let place = |place: &str| start_after(&tenant, place);
        let long = |bytes: usize| format!("{WEBHOOK_ENDPOINT_PREFIX:x<bytes$}");
        let found = place(&long(MAX_SORT_KEY_BYTES)).unwrap();
        let text = |attribute: &str| found[attribute].as_s().unwrap().as_str();
        assert_eq!(text("sk"), long(MAX_SORT_KEY_BYTES));
        assert!(text("pk").contains("acme"));
        for other in ["COUNT", "", &long(MAX_SORT_KEY_BYTES + 1)] {
            assert!(
                matches!(place(other), Err(Refusal::InvalidPosition)),
                "{other}"
            );
        }
    }
}
