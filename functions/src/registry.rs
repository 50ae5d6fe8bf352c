use std::sync::Arc;

use lambda_runtime::{Context, Error};
use serde_json::Value;

use crate::App;

/// One Lambda function, as the local stack and the tests run it: JSON event in, JSON answer out,
/// through the same code as the deployed binary of the same name.
#[derive(Clone, Copy, Debug)]
pub struct Function {
    /// Name of the binary: `create-organization`.
    pub name: &'static str,
}

impl Function {
    /// One invocation.
    pub async fn invoke(
        &self,
        app: Arc<App>,
        event: Value,
        context: Context,
    ) -> Result<Value, Error> {
        let _ = (app, context);
        Ok(event)
    }
}

/// All functions, by the name of their binary.
pub fn functions() -> &'static [Function] {
    &[]
}
