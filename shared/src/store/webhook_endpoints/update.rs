//! Changing an endpoint.

use super::{WebhookEndpointAction, event, to_change};
use crate::domain::{
    EventType, ExpectedVersion, Transition, WebhookEndpoint, WebhookEndpointId,
    WebhookEndpointPatch, WebhookStatus,
};
use crate::store::settle::Unsettled;
use crate::store::table::Unmet;
use crate::store::{Context, Error, Refusal, Store, access, in_version, keys};

impl Store {
    /// Changes an endpoint. One that becomes enabled, or has another URL, starts without failures, and its messages are not
    /// held back. Requires a tenant admin.
    ///
    /// Makes one read, and writes one transaction on the condition that the version is unchanged since the read.
    pub async fn update_webhook_endpoint(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
        patch: &WebhookEndpointPatch,
        expected: &ExpectedVersion,
    ) -> Result<WebhookEndpoint, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        self.until_settled("update_webhook_endpoint", |now| async move {
            let before = self.existing_webhook_endpoint(tenant, id).await?;
            expected.require(before.version)?;
            let after = patch.apply(&before, now);
            if after == before {
                return Ok(before);
            }
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::WebhookEndpointUpdated, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            let mut change = to_change(&after)?;
            let is_enabled =
                (before.status, after.status) == (WebhookStatus::Disabled, WebhookStatus::Enabled);
            if is_enabled || before.url != after.url {
                change = change
                    .remove("failing_since")
                    .remove("held_until")
                    .remove("timeouts");
            }
            transaction.update(
                WebhookEndpointAction::Endpoint,
                &keys::webhook_endpoint(tenant, id),
                change,
                in_version(before.version),
            );
            match transaction.commit().await? {
                Ok(()) => Ok(after),
                Err(unmet) => Err(not_changed(&unmet)),
            }
        })
        .await
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
pub(super) fn not_changed(unmet: &Unmet<WebhookEndpointAction>) -> Unsettled {
    match unmet.of(&WebhookEndpointAction::Endpoint) {
        Some(None) => Refusal::NotFound.into(),
        _ => Unsettled::Overtaken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::table::Item;

    #[test]
    fn a_deleted_endpoint_is_not_found() {
        let of = |item| not_changed(&Unmet::one(WebhookEndpointAction::Endpoint, item));
        assert!(of(None).is_not_found());
        assert!(matches!(of(Some(Item::new())), Unsettled::Overtaken));
    }
}
