//! The code of a function.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use lambda_runtime::{Context, Error};
use serde_json::Value;

/// The result of an invocation.
type HandlerFuture = Pin<Box<dyn Future<Output = Result<Value, Error>> + Send>>;

/// The code of a function: takes event and context, returns the response.
#[derive(Clone)]
pub struct Handler(pub(crate) Arc<dyn Fn(Value, Context) -> HandlerFuture + Send + Sync>);

impl Handler {
    /// Makes a handler of an `async` function.
    pub fn new<F, A>(handle: F) -> Self
    where
        F: Fn(Value, Context) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Value, Error>> + Send + 'static,
    {
        Self(Arc::new(move |event, context| {
            Box::pin(handle(event, context))
        }))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handler")
    }
}
