//! Runs the functions of timers when the developer asks.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use muster::domain::Clock;
use serde_json::json;

use crate::aws::{ACCOUNT, REGION};
use crate::lambda::{Deployed, Lambda};
use crate::services::Services;

/// How long a run may take.
const LIMIT: Duration = Duration::from_mins(5);

/// How often the queues are looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// The context of the timers.
#[derive(Clone)]
pub(crate) struct Timers {
    pub(crate) lambda: Arc<Lambda>,
    /// The services whose queues are read; `None` if no function reads a queue.
    pub(crate) read: Option<Arc<Services>>,
}

impl Timers {
    pub(crate) fn new(lambda: &Arc<Lambda>, read: Option<&Arc<Services>>) -> Self {
        Self {
            lambda: Arc::clone(lambda),
            read: read.cloned(),
        }
    }

    /// Waits until the queues that a function fills are empty, and what they held is done.
    async fn drained(&self, deployed: &Deployed) {
        let Some(services) = &self.read else {
            return;
        };
        let actions = deployed.function.actions.iter();
        let filled = actions.filter(|action| action.name == "sqs:SendMessage");
        for queue in filled.filter_map(|action| services.queue(&action.resource)) {
            while !queue.is_empty() {
                tokio::time::sleep(GLANCE).await;
            }
        }
    }
}

/// Runs the function with this logical id or binary as its timer does. Returns when it is done, and the queue that it
/// fills is empty.
pub(crate) async fn run(State(timers): State<Timers>, Path(name): Path<String>) -> Response {
    let lambda = &timers.lambda;
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
    let invoked = async {
        let answer = lambda.invoke(&deployed, event, &id).await?;
        timers.drained(&deployed).await;
        Ok::<_, lambda_runtime::Diagnostic>(answer)
    };
    match tokio::time::timeout(LIMIT, invoked).await {
        Ok(Ok(answer)) => Json(json!({"result": answer})).into_response(),
        Ok(Err(failed)) => (StatusCode::BAD_GATEWAY, Json(json!(failed))).into_response(),
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}
