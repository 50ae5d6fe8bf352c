//! How a handler is run: behind Lambda's Runtime API in its binary, and by the local stack.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lambda_runtime::{Context, LambdaEvent, Service, service_fn};
use muster::config::SettingError;
use muster::domain::Timestamp;
use muster::http::{Answer, ApiRequest, Code, HttpEvent, Problem, uri_path};
use muster::store::{Measure, metered};
use muster::telemetry::milliseconds;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use crate::App;
use crate::records::RequestLine;

pub use lambda_runtime::Error;

/// Most time for a handler; API Gateway itself waits 30 s.
const LONGEST: Duration = Duration::from_secs(25);
/// Left of the invocation's time for the answer to get back.
const RESERVE: Duration = Duration::from_millis(500);

/// A handler's future.
pub type Handling = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;
/// An endpoint: what it makes of a request.
pub type HttpHandler = fn(Arc<App>, ApiRequest) -> Handling;

/// A trigger's future.
pub type Answering = Pin<Box<dyn Future<Output = Value> + Send>>;
/// A trigger: the event it gives back for an event. It has no way to fail, for that would fail the login.
pub type Trigger = fn(Arc<App>, Value, Context) -> Answering;

/// What an endpoint makes of a request, in a process that has one thread.
type Endpoint = Rc<dyn Fn(Arc<App>, ApiRequest) -> LocalFuture<Result<Answer, Problem>>>;
/// The event that a trigger gives back for an event, in such a process.
type Answerer = Rc<dyn Fn(Arc<App>, Value, Context) -> LocalFuture<Value>>;
type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// The `main` of a trigger: makes the [`App`] from the environment, `complete`s it, and answers
/// events until Lambda ends the process.
pub fn serve_trigger<H, F>(
    trigger: H,
    complete: fn(App) -> Result<App, SettingError>,
) -> Result<(), Error>
where
    H: Fn(Arc<App>, Value, Context) -> F + 'static,
    F: Future<Output = Value> + 'static,
{
    let trigger = Rc::new(move |app, event, context| -> LocalFuture<Value> {
        Box::pin(trigger(app, event, context))
    });
    run_trigger(trigger, complete)
}

/// The `main` of an HTTP function: makes the [`App`] from the environment, and answers events until
/// Lambda ends the process.
pub fn serve<H, F>(handler: H) -> Result<(), Error>
where
    H: Fn(Arc<App>, ApiRequest) -> F + 'static,
    F: Future<Output = Result<Answer, Problem>> + 'static,
{
    let handler =
        Rc::new(move |app, request| -> LocalFuture<_> { Box::pin(handler(app, request)) });
    run_endpoint(handler)
}

// The two below are not generic: what they instantiate, the whole of `lambda_runtime`, is compiled once
// in this library and not once in each binary.

fn run_trigger(
    trigger: Answerer,
    complete: fn(App) -> Result<App, SettingError>,
) -> Result<(), Error> {
    run(complete, |app| {
        service_fn(
            move |LambdaEvent { payload, context }: LambdaEvent<Box<RawValue>>| {
                let app = Arc::clone(&app);
                let trigger = Rc::clone(&trigger);
                async move {
                    let Ok(event) = serde_json::from_str::<Value>(payload.get()) else {
                        // JSON that we cannot hold is no reason to fail a login.
                        return Ok::<_, Error>(payload);
                    };
                    let answer = trigger(app, event.clone(), context).await;
                    if answer == event {
                        // To the byte, whatever our reading of it may have lost.
                        return Ok(payload);
                    }
                    Ok(changed(&payload, &event, &answer)?)
                }
            },
        )
    })
}

/// The event with the members that the trigger changed. The others are what they were to the byte: a number
/// that we cannot hold is not altered on its way back.
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

fn run_endpoint(handler: Endpoint) -> Result<(), Error> {
    run(Ok, |app| {
        service_fn(
            move |LambdaEvent { payload, context }: LambdaEvent<HttpEvent>| {
                let app = Arc::clone(&app);
                let handler = Rc::clone(&handler);
                async move {
                    let handler = |app, request| handler(app, request);
                    // Boxed: the type of all that a handler waits for, inside that of the loop that
                    // polls Lambda, is deeper than the compiler goes.
                    Ok::<_, Error>(Box::pin(answer(app, handler, payload, &context)).await)
                }
            },
        )
    })
}

/// Looks up an environment variable.
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Runs what `service` makes of the [`App`], until Lambda ends the process.
fn run<S, E, A>(
    complete: fn(App) -> Result<App, SettingError>,
    service: impl FnOnce(Arc<App>) -> S,
) -> Result<(), Error>
where
    S: Service<LambdaEvent<E>, Response = A, Error = Error>,
    S::Future: Future<Output = Result<A, Error>>,
    E: DeserializeOwned,
    A: Serialize,
{
    tracing_subscriber::fmt().json().with_target(false).init();
    let app = Arc::new(complete(App::read(environment)?)?);
    // One invocation at a time needs no second thread.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(lambda_runtime::run(service(app)))
}

/// One invocation: the answer as API Gateway takes it, a log line, and for a failure another.
pub async fn answer<H, F>(
    app: Arc<App>,
    handler: H,
    event: HttpEvent,
    context: &Context,
) -> HttpAnswer
where
    H: Fn(Arc<App>, ApiRequest) -> F,
    F: Future<Output = Result<Answer, Problem>>,
{
    let arrived = Instant::now();
    let request = ApiRequest::new(event, &app.settings.tenant_admin_group);
    let route = request.route().to_owned();
    let path = request.path().to_owned();
    let request_id = match request.id() {
        "" => context.request_id.clone(),
        id => id.to_owned(),
    };
    let caller = request.caller().ok();
    let held_tags = request.held_tags().map(str::to_owned);
    let left = time_left(context, app.clock.now());
    let handling = tokio::time::timeout(left, handler(Arc::clone(&app), request));
    let (outcome, measure) = metered(handling).await;
    let outcome = outcome.unwrap_or_else(|elapsed| {
        Err(Problem {
            source: Some(elapsed.into()),
            ..Problem::new(
                Code::Unavailable,
                "The request timed out, and may or may not have been applied. Retry it; with an Idempotency-Key nothing is done twice.",
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
        caller: caller.as_ref(),
        status: outcome
            .as_ref()
            .map_or_else(|problem| problem.code.status(), |answer| answer.status),
        code: outcome
            .as_ref()
            .map_or_else(|problem| problem.code.as_str(), |_| "ok"),
        duration: arrived.elapsed(),
        measure,
    });
    render(outcome, &path, &request_id, &measure)
}

/// Time for the handler: what is left of the invocation, less what it takes to answer.
fn time_left(context: &Context, now: Timestamp) -> Duration {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    match context.deadline.saturating_sub(now) {
        // Not Lambda's own context, or one by another clock.
        0 => LONGEST,
        left => Duration::from_millis(left)
            .saturating_sub(RESERVE)
            .min(LONGEST),
    }
}

/// An answer as API Gateway takes it: its payload format 2.0.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpAnswer {
    status_code: u16,
    headers: BTreeMap<&'static str, String>,
    body: String,
    is_base64_encoded: bool,
    cookies: [&'static str; 0],
}

fn render(
    outcome: Result<Answer, Problem>,
    path: &str,
    request_id: &str,
    measure: &Measure,
) -> HttpAnswer {
    let timing = format!(
        "db;dur={};desc=\"{} rt\"",
        milliseconds(measure.waited),
        measure.round_trips
    );
    let mut headers = BTreeMap::from([
        ("x-request-id", request_id.to_owned()),
        ("server-timing", timing),
        // Answers differ by caller: none but the caller's own cache may keep one, and asks each time.
        ("cache-control", "private, no-cache".to_owned()),
        ("vary", "Authorization".to_owned()),
    ]);
    let (status_code, media_type, body) = match outcome {
        Ok(answer) => {
            if let Some(location) = &answer.location {
                headers.insert("location", uri_path(location));
            }
            if let Some(entity_tag) = answer.entity_tag() {
                headers.insert("etag", entity_tag);
            }
            if answer.is_repeat {
                headers.insert("idempotency-replayed", "true".to_owned());
            }
            let body = answer.body.map(|body| body.get().to_owned());
            (answer.status, "application/json", body)
        }
        Err(problem) => {
            if let Some(seconds) = problem.code.retry_after() {
                headers.insert("retry-after", seconds.to_string());
            }
            let body = problem.to_json(path, request_id);
            (
                problem.code.status(),
                "application/problem+json",
                Some(body.to_string()),
            )
        }
    };
    if body.is_some() {
        headers.insert("content-type", media_type.to_owned());
    }
    HttpAnswer {
        status_code,
        headers,
        body: body.unwrap_or_default(),
        is_base64_encoded: false,
        cookies: [],
    }
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
