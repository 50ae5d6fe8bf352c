//! The results of deliveries that are recorded on an endpoint.

use std::time::Duration;

use super::update::not_changed;
use super::{SigningEndpoint, WebhookEndpointAction, event, to_change};
use crate::domain::{
    Actor, DisabledReason, EventContext, EventType, Origin, Timestamp, Transition, WebhookEndpoint,
    WebhookStatus,
};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, ItemChange, text};
use crate::store::{Error, Refusal, Store, in_version, keys, table};

/// The times of an endpoint are written once in this time, and not with each delivery.
const RESOLUTION: Duration = Duration::from_mins(1);

/// The wait after the first call that timed out. Doubles with each one.
const FIRST_HOLD: Duration = Duration::from_secs(30);
/// The longest of these waits: the longest delay of a message.
const LONGEST_HOLD: Duration = Duration::from_mins(15);

/// Returns whether a time is not known, or is older than [`RESOLUTION`].
fn is_stale(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_none_or(|at| at.after(RESOLUTION) <= now)
}

impl Store {
    /// Records that a delivery to the endpoint succeeded, unless that is known.
    pub async fn webhook_succeeded(
        &self,
        signing: &SigningEndpoint,
        now: Timestamp,
    ) -> Result<(), table::Error> {
        let endpoint = &signing.endpoint;
        if endpoint.failing_since.is_none()
            && signing.timeouts == 0
            && !is_stale(endpoint.last_success_at, now)
        {
            return Ok(());
        }
        let change = ItemChange::new()
            .set("last_success_at", text(now.to_string()))
            .remove("failing_since")
            .remove("held_until")
            .remove("timeouts");
        self.note(endpoint, change, Condition::present()).await
    }

    /// Records that a delivery to the endpoint failed, unless that is known.
    pub async fn webhook_failed(
        &self,
        endpoint: &WebhookEndpoint,
        now: Timestamp,
    ) -> Result<(), table::Error> {
        let failed = ItemChange::new().set("last_failure_at", text(now.to_string()));
        if endpoint.failing_since.is_none() {
            let change = failed.set("failing_since", text(now.to_string()));
            let condition =
                Condition::new("attribute_exists(#pk) AND attribute_not_exists(#failing_since)");
            return self.note(endpoint, change, condition).await;
        }
        if is_stale(endpoint.last_failure_at, now) {
            return self.note(endpoint, failed, Condition::present()).await;
        }
        Ok(())
    }

    /// Records that a call of the endpoint timed out, and holds its messages back for a while. A call that times out
    /// takes a worker for 15 s, and would slow the deliveries to other endpoints down.
    pub async fn webhook_timed_out(
        &self,
        signing: &SigningEndpoint,
        now: Timestamp,
    ) -> Result<(), table::Error> {
        let doublings = signing.timeouts.min(8);
        let hold = LONGEST_HOLD.min(FIRST_HOLD * 2_u32.pow(doublings));
        let change = ItemChange::new()
            .set("held_until", text(now.after(hold).to_string()))
            .add("timeouts", 1);
        // Several calls time out together, which counts once.
        let condition = Condition::new(
            "attribute_exists(#pk) AND (attribute_not_exists(#held_until) OR #held_until <= :now)",
        )
        .value(":now", text(now.to_string()));
        self.note(&signing.endpoint, change, condition).await
    }

    async fn note(
        &self,
        endpoint: &WebhookEndpoint,
        change: ItemChange,
        condition: Condition,
    ) -> Result<(), table::Error> {
        let key = keys::webhook_endpoint(&endpoint.tenant_id, &endpoint.id);
        // Without the endpoint, or with a newer result, there is nothing to record.
        self.table.update(&key, change, condition).await?;
        Ok(())
    }

    /// Disables an endpoint that is enabled, has the same URL and, for [`DisabledReason::Failing`], fails since the same
    /// time. Records the event with the system as the actor. Returns whether it is disabled now.
    pub async fn disable_webhook_endpoint(
        &self,
        endpoint: &WebhookEndpoint,
        reason: DisabledReason,
        request_id: &str,
    ) -> Result<bool, Error> {
        let (tenant, id) = (&endpoint.tenant_id, &endpoint.id);
        let origin = Origin::new(
            Actor::system(),
            EventContext {
                request_id: request_id.to_owned(),
                operation: "deliverWebhook".to_owned(),
                ..EventContext::default()
            },
        );
        let origin = &origin;
        let disabled = self.until_settled("disable_webhook_endpoint", |now| async move {
            let before = self.existing_webhook_endpoint(tenant, id).await?;
            let recovered =
                reason == DisabledReason::Failing && before.failing_since != endpoint.failing_since;
            if before.status == WebhookStatus::Disabled {
                return Ok(true);
            }
            // What another server answered says nothing about the new one.
            if recovered || before.url != endpoint.url {
                return Ok(false);
            }
            let after = before.disabled(reason, now);
            let changed = Transition::Changed(&before, &after);
            let event = event(EventType::WebhookEndpointDisabled, changed);
            let mut transaction = self.transaction(origin, [event])?;
            let mut condition = in_version(before.version);
            if let Some(since) = before.failing_since {
                let same = Condition::new("#failing_since = :since");
                condition = condition.and(same.value(":since", text(since.to_string())));
            }
            transaction.update(
                WebhookEndpointAction::Endpoint,
                &keys::webhook_endpoint(tenant, id),
                to_change(&after)?,
                condition,
            );
            match transaction.commit().await? {
                Ok(()) => Ok(true),
                Err(unmet) => Err::<bool, Unsettled>(not_changed(&unmet)),
            }
        });
        match disabled.await {
            Err(Error::Refused(Refusal::NotFound)) => Ok(false),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_again_after_exactly_a_minute() {
        let at = Timestamp::EPOCH;
        assert!(is_stale(None, at));
        assert!(!is_stale(Some(at), at.after(Duration::from_secs(59))));
        assert!(is_stale(Some(at), at.after(RESOLUTION)));
    }
}
