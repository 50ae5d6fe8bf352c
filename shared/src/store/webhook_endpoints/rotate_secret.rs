//! Replacing the secret of an endpoint.

use std::time::Duration;

use super::update::not_changed;
use super::{WebhookEndpointAction, WebhookEndpointWithSecret, event, to_change};
use crate::domain::{EventType, ExpectedVersion, Transition, WebhookEndpointId, WebhookSecret};
use crate::store::access;
use crate::store::table::{Condition, ItemChange, number, text};
use crate::store::{Context, Error, IdempotentOutcome, Store, in_version, keys};

/// How long the previous secret signs too.
const OVERLAP: Duration = Duration::from_hours(24);

impl Store {
    /// Replaces the secret of an endpoint. The previous one signs too for 24 hours, also after the next rotation: a client
    /// that repeats the request because the response was lost does not end the secret that its receivers have. Requires a
    /// tenant admin.
    ///
    /// Does not read the secrets: the table copies them.
    pub async fn rotate_webhook_secret(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
        secret: &WebhookSecret,
        expected: &ExpectedVersion,
    ) -> Result<IdempotentOutcome<WebhookEndpointWithSecret>, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let record = cx.record_of_secret();
        let record = record.as_ref();
        self.until_settled("rotate_webhook_secret", |now| async move {
            // Before the precondition: the first request has changed the version.
            if let Some(first) = self.first_result(record).await? {
                return Ok(first);
            }
            let before = self.existing_webhook_endpoint(tenant, id).await?;
            expected.require(before.version)?;
            let after = before.touched(now);
            let rotated = WebhookEndpointWithSecret {
                endpoint: after,
                secret: secret.clone(),
            };
            let after = &rotated.endpoint;
            let changed = Transition::Changed(&before, after);
            let event = event(EventType::WebhookEndpointSecretRotated, changed);
            let mut transaction = self.transaction(&cx.origin, [event])?;
            transaction.update(
                WebhookEndpointAction::Endpoint,
                &keys::webhook_endpoint(tenant, id),
                to_change(after)?,
                in_version(before.version),
            );
            let until = now.after(OVERLAP).as_second();
            let replace = ItemChange::new()
                .copy_or("earlier", "previous", text(""))
                .copy_or("earlier_until", "previous_until", number(0))
                .copy("previous", "secret")
                .set("previous_until", number(until))
                .set("secret", text(secret.expose_text()));
            transaction.update(
                WebhookEndpointAction::Secret,
                &keys::webhook_secret(tenant, id),
                replace,
                Condition::present(),
            );
            if let Some(record) = record {
                record.write(&mut transaction, WebhookEndpointAction::Record, &rotated)?;
            }
            let Err(unmet) = transaction.commit().await? else {
                return Ok(IdempotentOutcome::Fresh(rotated));
            };
            if let Some(record) = record
                && let Some(outcome) = record.replay(&unmet, &WebhookEndpointAction::Record)?
            {
                return Ok(outcome);
            }
            Err(not_changed(&unmet))
        })
        .await
    }
}
