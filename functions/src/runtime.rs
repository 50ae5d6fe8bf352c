//! How a handler is run: behind Lambda's Runtime API in its binary, and by the local stack.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_http::{Adapter, Body, Request, RequestExt as _, Response};
use lambda_runtime::{Context, LambdaEvent, Service as _, service_fn};
use muster::config::SettingError;
use muster::domain::{Caller, Timestamp};
use muster::http::{Answer, ApiRequest, Code, Problem, read_event, uri_path};
use muster::store::{Measure, metered};
use muster::telemetry::milliseconds;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};
use tracing::{Instrument as _, info_span};

use crate::records::RequestLine;
use crate::{App, Variables};

pub use lambda_runtime::Error;

/// Most time for a request; API Gateway itself waits 30 s.
const LONGEST: Duration = Duration::from_secs(25);
/// Time of a request reserved for returning the response.
const RESERVE: Duration = Duration::from_millis(500);

/// The answer of a handler to come.
pub(crate) type HandlerFuture = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;
/// The handler of an endpoint with what it uses. Gets the caller, or the problem with their token, and the request.
pub(crate) type HttpHandler =
    Arc<dyn Fn(Result<Caller, Problem>, ApiRequest) -> HandlerFuture + Send + Sync>;

/// An HTTP function.
#[derive(Clone, Copy, Debug)]
pub struct HttpFunction {
    /// Creates what its handler uses besides the table.
    pub(crate) handler: fn(&Arc<App>, Variables<'_>) -> Result<HttpHandler, SettingError>,
}

impl HttpFunction {
    /// Starts it. An invocation fails if its event is not one of API Gateway.
    pub(crate) fn start(
        self,
        app: App,
        variables: Variables<'_>,
    ) -> Result<StartedFunction, SettingError> {
        let app = Arc::new(app);
        let handler = (self.handler)(&app, variables)?;
        Ok(http(app, handler))
    }
}

/// One invocation.
pub type InvocationFuture = Pin<Box<dyn Future<Output = Result<Box<RawValue>, Error>> + Send>>;
/// A function with its context: takes an event, and returns the answer.
pub type StartedFunction = Arc<dyn Fn(Box<RawValue>, Context) -> InvocationFuture + Send + Sync>;
/// Starts a function: creates its context, a type of its own, from the [`App`] and its own variables.
pub type StartTrigger = fn(App, Variables<'_>) -> Result<StartedFunction, SettingError>;

/// The `main` of an HTTP function. Answers events until Lambda ends the process.
pub fn serve(function: HttpFunction) -> Result<(), Error> {
    run(|app| function.start(app, &environment))
}

/// The `main` of a trigger. Answers events until Lambda ends the process.
pub fn serve_trigger(start: StartTrigger) -> Result<(), Error> {
    run(|app| start(app, &environment))
}

fn http(app: Arc<App>, handler: HttpHandler) -> StartedFunction {
    Arc::new(move |event, context| {
        let (app, handler) = (Arc::clone(&app), Arc::clone(&handler));
        Box::pin(async move {
            let event = read_event(event.get())?;
            let answer = |request| answer(Arc::clone(&app), Arc::clone(&handler), request);
            let mut adapter = Adapter::from(service_fn(answer));
            let response = adapter.call(LambdaEvent::new(event, context)).await?;
            Ok(to_raw_value(&response)?)
        })
    })
}

/// A trigger: `handle` returns the event. It cannot fail, because an error would fail the login.
pub(crate) fn trigger<C, F>(context: C, handle: fn(Arc<C>, Value, Context) -> F) -> StartedFunction
where
    C: Send + Sync + 'static,
    F: Future<Output = Value> + Send + 'static,
{
    let own = Arc::new(context);
    Arc::new(move |payload, context| {
        let own = Arc::clone(&own);
        Box::pin(async move {
            let Ok(event) = serde_json::from_str::<Value>(payload.get()) else {
                // Unreadable JSON must not fail a login.
                return Ok(payload);
            };
            // Log lines of the libraries inherit it.
            let span = info_span!("trigger", request_id = context.request_id);
            let answer = handle(own, event.clone(), context).instrument(span).await;
            if answer == event {
                // Returned byte for byte: `Value` may have changed a number.
                return Ok(payload);
            }
            Ok(changed(&payload, &event, &answer)?)
        })
    })
}

/// A function behind an event source mapping: `handle` takes a batch of records and returns those that failed. An error
/// fails the whole batch.
pub(crate) fn event_source<C, F>(
    context: C,
    handle: fn(Arc<C>, Value, Context) -> F,
) -> StartedFunction
where
    C: Send + Sync + 'static,
    F: Future<Output = Result<Value, Error>> + Send + 'static,
{
    let own = Arc::new(context);
    Arc::new(move |payload, context| {
        let own = Arc::clone(&own);
        Box::pin(async move {
            let batch = serde_json::from_str(payload.get())?;
            // Log lines of the libraries inherit it.
            let span = info_span!("batch", request_id = context.request_id);
            let failed = handle(own, batch, context).instrument(span).await?;
            Ok(to_raw_value(&failed)?)
        })
    })
}

/// The event with the members that the trigger changed. The others are returned byte for byte: a number that
/// `Value` cannot hold is not altered.
fn changed(
    payload: &RawValue,
    event: &Value,
    answer: &Value,
) -> Result<Box<RawValue>, serde_json::Error> {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(payload.get())?;
    for (name, value) in answer.as_object().into_iter().flatten() {
        if event.get(name) != Some(value) {
            members.insert(name.clone(), to_raw_value(value)?);
        }
    }
    to_raw_value(&members)
}

/// Looks up an environment variable.
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn run(start: impl FnOnce(App) -> Result<StartedFunction, SettingError>) -> Result<(), Error> {
    tracing_subscriber::fmt().json().with_target(false).init();
    poll(start(App::read(&environment)?)?)
}

fn poll(function: StartedFunction) -> Result<(), Error> {
    // One invocation at a time needs no second thread.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let service = |LambdaEvent { payload, context }: LambdaEvent<_>| function(payload, context);
    runtime.block_on(lambda_runtime::run(service_fn(service)))
}

/// When the work has to end: after the `budget`, or before the end of the invocation, with a `reserve` for the answer
/// to get back.
pub(crate) fn deadline(
    context: &Context,
    now: Timestamp,
    budget: Duration,
    reserve: Duration,
) -> tokio::time::Instant {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let left = match context.deadline.saturating_sub(now) {
        // Not Lambda's own context, or one by another clock.
        0 => budget,
        left => budget.min(Duration::from_millis(left).saturating_sub(reserve)),
    };
    tokio::time::Instant::now() + left
}

/// The start of the paths whose errors have the form of SCIM.
const SCIM: &str = "/scim/v2/";
/// The end of a path whose last part is a token.
const TOKEN_IN_PATH: &str = "/{token}";

/// The response to a request, a log line, and for a failure another.
async fn answer(
    app: Arc<App>,
    handler: HttpHandler,
    request: Request,
) -> Result<Response<Body>, Error> {
    let arrived = Instant::now();
    let context = request.lambda_context();
    let request = ApiRequest::new(request, &app.settings.tenant_admin_group);
    let route = request.route().to_owned();
    // The answer does not repeat a token in the path.
    let path = match route.split_once(' ') {
        Some((_, path)) if path.ends_with(TOKEN_IN_PATH) => path.to_owned(),
        _ => request.path().to_owned(),
    };
    let request_id = match request.id() {
        id if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic()) => id.to_owned(),
        _ => context.request_id.clone(),
    };
    let caller = request.caller();
    let caller_of_line = caller.as_ref().ok().cloned();
    let held_tags = request.held_tags().map(Cow::into_owned);
    let deadline = deadline(&context, app.clock.now(), LONGEST, RESERVE);
    // Log lines of the libraries inherit it.
    let span = info_span!(
        "request",
        request_id,
        route,
        tenant = caller_of_line.as_ref().map(|it| it.tenant_id.as_str())
    );
    let handling = handler(caller, request).instrument(span);
    let handling = tokio::time::timeout_at(deadline, handling);
    let (outcome, measure) = metered(handling).await;
    let outcome = outcome.unwrap_or_else(|elapsed| {
        Err(Problem {
            source: Some(elapsed.into()),
            ..Problem::new(
                Code::Unavailable,
                "The request timed out, and may or may not have been applied. Retry it; with an Idempotency-Key, a retry applies the change only once.",
            )
        })
    });

    let outcome = outcome.map(|answer| match &held_tags {
        Some(tags) => answer.unless_held(tags),
        None => answer,
    });

    let now = app.clock.now();
    if let Err(Problem {
        code,
        source: Some(source),
        ..
    }) = &outcome
    {
        app.telemetry
            .failure(now, &request_id, code.as_str(), source.as_ref());
    }
    app.telemetry.write(&RequestLine {
        now,
        request_id: &request_id,
        route: &route,
        caller: caller_of_line.as_ref(),
        status: outcome
            .as_ref()
            .map_or_else(|problem| problem.code.status(), |answer| answer.status),
        code: outcome.as_ref().map_or_else(
            |problem| problem.code.as_str(),
            |answer| answer.raw.as_ref().map_or("ok", |raw| raw.code),
        ),
        duration: arrived.elapsed(),
        measure,
    });
    render(outcome, &path, &request_id, &measure)
}

fn render(
    outcome: Result<Answer, Problem>,
    path: &str,
    request_id: &str,
    measure: &Measure,
) -> Result<Response<Body>, Error> {
    let timing = format!(
        "db;dur={};desc=\"{} rt\"",
        milliseconds(measure.waited),
        measure.round_trips
    );
    let varies = match &outcome {
        Ok(answer) if answer.varies_by_accept => "Authorization, Accept",
        _ => "Authorization",
    };
    let response = Response::builder()
        .header("x-request-id", request_id)
        .header("server-timing", timing)
        // Answers differ by caller: only the caller's own cache may keep one, and it asks each time.
        .header("cache-control", "private, no-cache")
        .header("vary", varies);
    let response = match outcome {
        Ok(answer) => {
            let mut response = response.status(answer.status);
            if let Some(location) = &answer.location {
                response = response.header("location", uri_path(location));
            }
            if let Some(entity_tag) = answer.entity_tag() {
                response = response.header("etag", entity_tag);
            }
            if answer.is_repeat {
                response = response.header("idempotency-replayed", "true");
            }
            if let Some(raw) = answer.raw {
                for (name, value) in raw.headers {
                    response = response.header(name, value);
                }
                return Ok(match raw.body {
                    Some(body) => response
                        .header("content-type", raw.media_type)
                        .body(body.into()),
                    None => response.body(Body::Empty),
                }?);
            }
            if let Some(export) = answer.export {
                if let Some(next) = export.next {
                    response = response.header("link", format!("<{next}>; rel=\"next\""));
                }
                let media_type = export.media_type.name();
                let response = response.header("content-type", media_type);
                return Ok(response.body(export.text.into())?);
            }
            match answer.body {
                Some(body) => response
                    .header("content-type", "application/json")
                    .body(String::from(Box::<str>::from(body)).into()),
                None => response.body(Body::Empty),
            }
        }
        Err(problem) => {
            let mut response = response.status(problem.code.status());
            if let Some(seconds) = problem.code.retry_after() {
                response = response.header("retry-after", i32::from(seconds));
            }
            if path.starts_with(SCIM) {
                let error = muster_scim::Error::status(problem.code.status(), problem.detail);
                return Ok(response
                    .header("content-type", muster_scim::MEDIA_TYPE)
                    .body(error.to_json().to_string().into())?);
            }
            response
                .header("content-type", "application/problem+json")
                .body(problem.to_json(path, request_id).to_string().into())
        }
    };
    Ok(response?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_trigger_leaves_what_it_does_not_change_to_the_byte() {
        let sent = r#"{"n":12345678901234567890123,"request":{"x":1.10,"y":null},"response":{}}"#;
        let payload = RawValue::from_string(sent.to_owned()).unwrap();
        let event: Value = serde_json::from_str(sent).unwrap();
        let mut answer = event.clone();
        answer["response"] = json!({"claims": {"a": 1}});
        let back = changed(&payload, &event, &answer).unwrap();
        assert_eq!(
            back.get(),
            r#"{"n":12345678901234567890123,"request":{"x":1.10,"y":null},"response":{"claims":{"a":1}}}"#
        );
    }
}
