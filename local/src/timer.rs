//! Runs the functions of timers when the developer asks.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use muster::domain::Clock;
use serde_json::json;

use crate::lambda::{ACCOUNT, Lambda, REGION};

/// How long a run may take.
const LIMIT: Duration = Duration::from_mins(5);

/// Runs the function with this logical id or binary as its timer does, and returns when it is done.
pub(crate) async fn run(State(lambda): State<Arc<Lambda>>, Path(name): Path<String>) -> Response {
    let Some(deployed) = lambda.find(&name).cloned() else {
        let message = format!("there is no function {name}");
        return (StatusCode::NOT_FOUND, Json(json!({"message": message}))).into_response();
    };
    let clock = Clock::system();
    let id = clock.new_id().to_string();
    let event = json!({
        "version": "0",
        "id": id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": clock.now().to_string(),
        "region": REGION,
        "resources": [],
        "detail": {},
    });
    let invoked = lambda.invoke(&deployed, event, &id);
    match tokio::time::timeout(LIMIT, invoked).await {
        Ok(Ok(answer)) => Json(json!({"result": answer})).into_response(),
        Ok(Err(failed)) => (StatusCode::BAD_GATEWAY, Json(json!(failed))).into_response(),
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}
