//! Testing an endpoint.

use super::{SigningEndpoint, WebhookEndpointAction};
use crate::domain::{WebhookEndpointId, WebhookTest};
use crate::store::access;
use crate::store::idempotency;
use crate::store::rows::Recorded;
use crate::store::table::Transaction;
use crate::store::{Context, Error, IdempotentOutcome, Refusal, Store, table};

impl Recorded for WebhookTest {
    type Row = Self;

    fn to_recorded(&self) -> Self {
        self.clone()
    }

    fn from_recorded(row: Self) -> Result<Self, table::Error> {
        Ok(row)
    }
}

impl Store {
    /// Returns an endpoint with its secrets, to test it. Requires a tenant admin.
    pub async fn webhook_endpoint_to_test(
        &self,
        cx: &Context,
        id: &WebhookEndpointId,
    ) -> Result<SigningEndpoint, Error> {
        access::require_tenant_admin(&cx.caller)?;
        let tenant = &cx.caller.tenant_id;
        let found = self.signing_webhook_endpoint(tenant, id, cx.now).await?;
        Ok(found.ok_or(Refusal::NotFound)?)
    }

    /// Returns the result of the first request with the same `Idempotency-Key`.
    pub async fn first_webhook_test(
        &self,
        cx: &Context,
    ) -> Result<Option<IdempotentOutcome<WebhookTest>>, Error> {
        self.first_result(cx.record().as_ref()).await
    }

    /// Records the result of a test for requests with the same `Idempotency-Key`. Returns the result of another
    /// request that was faster.
    pub async fn record_webhook_test(
        &self,
        cx: &Context,
        test: WebhookTest,
    ) -> Result<IdempotentOutcome<WebhookTest>, Error> {
        self.record_result(cx, test).await
    }

    pub(super) async fn record_result<T: Recorded + Clone>(
        &self,
        cx: &Context,
        result: T,
    ) -> Result<IdempotentOutcome<T>, Error> {
        let record = cx.record();
        let nothing_to_hold = |_: &mut Transaction<'_, WebhookEndpointAction>| {};
        let done = idempotency::unchanged(
            self,
            record.as_ref(),
            WebhookEndpointAction::Record,
            nothing_to_hold,
            result.clone(),
        )
        .await?;
        Ok(done.unwrap_or(IdempotentOutcome::Fresh(result)))
    }
}
