//! Creating an endpoint.

use serde::Serialize;

use super::{WebhookEndpointAction, WebhookEndpointWithSecret, event, to_row};
use crate::domain::{EventType, Invalid, MAX_WEBHOOK_ENDPOINTS, Transition};
use crate::store::access;
use crate::store::rows::organizations;
use crate::store::table::{Condition, Item, ItemChange, number, to_item};
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

#[derive(Serialize)]
struct SecretRow {
    secret: String,
}

impl Store {
    /// Creates an endpoint with its secret. Requires a tenant admin.
    ///
    /// Writes one transaction on the condition that the tenant has fewer than [`MAX_WEBHOOK_ENDPOINTS`], and that the
    /// organization, if there is one, is live.
    pub async fn create_webhook_endpoint(
        &self,
        cx: &Context,
        created: &WebhookEndpointWithSecret,
    ) -> Result<IdempotentOutcome<WebhookEndpointWithSecret>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let endpoint = &created.endpoint;
        let tenant = &endpoint.tenant_id;
        let record = cx.record_of_secret();
        let event = event(
            EventType::WebhookEndpointCreated,
            Transition::Created(endpoint),
        );
        let mut transaction = self.transaction(&cx.origin, [event])?;
        transaction.put(
            WebhookEndpointAction::Endpoint,
            to_row(endpoint)?,
            Condition::absent(),
        );
        let below =
            Condition::new("attribute_not_exists(#endpoint_count) OR #endpoint_count < :most")
                .value(":most", number(MAX_WEBHOOK_ENDPOINTS));
        transaction.touch(
            WebhookEndpointAction::Count,
            &keys::webhook_endpoint_count(tenant),
            ItemChange::new().add("endpoint_count", 1),
            below,
        );
        let secret = SecretRow {
            secret: created.secret.expose_text(),
        };
        let key = keys::webhook_secret(tenant, &endpoint.id);
        let secret = to_item(&secret, [key.attributes(), Item::new()])?;
        transaction.put(WebhookEndpointAction::Secret, secret, Condition::absent());
        if let Some(organization) = &endpoint.organization_id {
            let key = keys::organization(tenant, organization);
            transaction.check(
                WebhookEndpointAction::Organization,
                &key,
                organizations::live(),
            );
        }
        if let Some(record) = &record {
            record.write(&mut transaction, WebhookEndpointAction::Record, created)?;
        }
        let Err(unmet) = transaction.commit().await? else {
            return Ok(IdempotentOutcome::Fresh(created.clone()));
        };
        if let Some(record) = &record
            && let Some(outcome) = record.replay(&unmet, &WebhookEndpointAction::Record)?
        {
            return Ok(outcome);
        }
        if unmet.of(&WebhookEndpointAction::Organization).is_some() {
            let reason = Invalid::new("must be the id of an organization that is not deleted");
            let field = "/organization_id";
            return Err(Refusal::Invalid { field, reason }.into());
        }
        match unmet.of(&WebhookEndpointAction::Count) {
            Some(_) => Err(Refusal::LimitReached.into()),
            None => Err(table::Error::Conflict("create_webhook_endpoint").into()),
        }
    }
}
