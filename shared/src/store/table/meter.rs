//! Measures the DynamoDB calls of one request, at the SDK.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
    FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_get_item::BatchGetItemOutput;
use aws_sdk_dynamodb::operation::batch_write_item::BatchWriteItemOutput;
use aws_sdk_dynamodb::operation::delete_item::DeleteItemOutput;
use aws_sdk_dynamodb::operation::get_item::GetItemOutput;
use aws_sdk_dynamodb::operation::put_item::PutItemOutput;
use aws_sdk_dynamodb::operation::query::QueryOutput;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsOutput;
use aws_sdk_dynamodb::operation::update_item::UpdateItemOutput;
use aws_sdk_dynamodb::types::ConsumedCapacity;
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

tokio::task_local! {
    static METER: Arc<Mutex<State>>;
}

/// The cost of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measure {
    /// Sequential calls: the length of the longest chain of calls in which each began after the previous one
    /// had ended. Concurrent calls do not add to it.
    pub round_trips: u32,
    /// All calls, including retries.
    pub calls: u32,
    /// Retries because of contention, each after a wait.
    pub repeats: u32,
    /// Time with at least one call in progress.
    pub waited: Duration,
    /// Capacity units as reported by DynamoDB, including indexes.
    pub units: f64,
}

#[derive(Debug, Default)]
struct State {
    measure: Measure,
    /// Length of the longest chain of calls that have ended.
    ended: u32,
    under_way: u32,
    since: Option<Instant>,
}

/// Length of the chain of calls that ends with this one.
#[derive(Debug)]
struct Chain(u32);

impl State {
    /// Records the start of a call.
    fn begin(&mut self) -> Chain {
        let chain = self.ended + 1;
        self.measure.calls += 1;
        self.measure.round_trips = self.measure.round_trips.max(chain);
        if self.under_way == 0 {
            self.since = Some(Instant::now());
        }
        self.under_way += 1;
        Chain(chain)
    }

    /// Records the end of a call, with success or an error.
    fn end(&mut self, chain: Option<&Chain>) {
        self.ended = self.ended.max(chain.map_or(0, |chain| chain.0));
        self.under_way = self.under_way.saturating_sub(1);
        if self.under_way == 0
            && let Some(since) = self.since.take()
        {
            self.measure.waited += since.elapsed();
        }
    }
}

impl Storable for Chain {
    type Storer = StoreReplace<Self>;
}

/// Runs `work` and measures the calls that this task makes through a client built by [`client`](super::client).
pub async fn metered<W: Future>(work: W) -> (W::Output, Measure) {
    let state = Arc::new(Mutex::new(State::default()));
    let output = METER.scope(Arc::clone(&state), work).await;
    let measure = state.lock().unwrap_or_else(PoisonError::into_inner).measure;
    (output, measure)
}

fn record(change: impl FnOnce(&mut State)) {
    // Measures nothing outside of `metered`.
    let _ = METER.try_with(|state| {
        change(&mut state.lock().unwrap_or_else(PoisonError::into_inner));
    });
}

/// Counts a retry.
pub(super) fn count_retry() {
    record(|state| state.measure.repeats += 1);
}

/// Interceptor that counts each attempt of each call.
#[derive(Debug)]
pub(super) struct Counting;

// Without this hint, the SDK calls all 19 hooks. The macro is for the SDK's own interceptors: another release may remove it.
#[dyn_dispatch_hint]
impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        record(|state| {
            let chain = state.begin();
            config.interceptor_state().store_put(chain);
        });
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Ok(output) = context.output_or_error() else {
            return Ok(());
        };
        let one = |capacity: Option<&ConsumedCapacity>| {
            capacity
                .and_then(ConsumedCapacity::capacity_units)
                .unwrap_or_default()
        };
        let all = |capacities: &[ConsumedCapacity]| -> f64 {
            capacities
                .iter()
                .filter_map(ConsumedCapacity::capacity_units)
                .sum()
        };
        let units = if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
            all(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<BatchGetItemOutput>() {
            all(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<BatchWriteItemOutput>() {
            all(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<QueryOutput>() {
            one(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<GetItemOutput>() {
            one(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
            one(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<PutItemOutput>() {
            one(output.consumed_capacity())
        } else if let Some(output) = output.downcast_ref::<DeleteItemOutput>() {
            one(output.consumed_capacity())
        } else {
            0.0
        };
        record(|state| state.measure.units += units);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        record(|state| state.end(config.load::<Chain>()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::thread::sleep;

    use super::*;

    #[test]
    fn concurrent_calls_are_one_round_trip() {
        let wait = Duration::from_millis(5);
        let mut state = State::default();
        let (one, other) = (state.begin(), state.begin());
        sleep(wait);
        state.end(Some(&one));
        assert_eq!(state.measure.waited, Duration::ZERO);
        sleep(wait);
        state.end(Some(&other));
        let both = state.measure;
        assert!(both.waited >= 2 * wait, "{both:?}");
        assert_eq!((both.round_trips, both.calls), (1, 2));

        // The time between calls does not count as waiting, the time of the next call does.
        let waited = both.waited;
        sleep(wait);
        let third = state.begin();
        assert_eq!(state.measure.waited, waited);
        sleep(wait);
        state.end(Some(&third));
        assert!(state.measure.waited >= waited + wait);
        assert_eq!((state.measure.round_trips, state.measure.calls), (2, 3));
    }
}
