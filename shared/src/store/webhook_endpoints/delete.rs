//! Deleting an endpoint.

use super::update::not_changed;
use super::{WebhookEndpointAction, event};
use crate::domain::{EventType, ExpectedVersion, Transition, WebhookEndpointId};
use crate::store::table::{Condition, ItemChange};
use crate::store::{Context, Error, Store, access, in_version, keys};

impl Store {
    /// Deletes an endpoint and its secret. Deliveries that wait are dropped. Requires a tenant admin.
    pub async fn delete_webhook_endpoint(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
        expected: &ExpectedVersion,
    ) -> Result<(), Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        self.until_settled("delete_webhook_endpoint", |_| async move {
            let before = self.existing_webhook_endpoint(tenant, id).await?;
            expected.require(before.version)?;
            let event = event(
                EventType::WebhookEndpointDeleted,
                Transition::Removed(&before),
            );
            let mut transaction = self.transaction(&cx.origin, [event])?;
            transaction.delete(
                WebhookEndpointAction::Endpoint,
                &keys::webhook_endpoint(tenant, id),
                in_version(before.version),
            );
            transaction.touch(
                WebhookEndpointAction::Count,
                &keys::webhook_endpoint_count(tenant),
                ItemChange::new().add("endpoint_count", -1),
                Condition::none(),
            );
            let secret = keys::webhook_secret(tenant, id);
            transaction.delete(WebhookEndpointAction::Secret, &secret, Condition::none());
            match transaction.commit().await? {
                Ok(()) => Ok(()),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}
