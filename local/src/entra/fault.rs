//! Wrong or late responses configured in the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::Value;

use super::answer::{EntraRefusal, json};
use super::file::{Directory, Fault, GraphEndpoint};

/// The number of calls that matched each fault of a directory, in the order of the file.
#[derive(Clone, Debug)]
pub(super) struct Counts(Vec<Arc<AtomicU64>>);

impl Counts {
    pub(super) fn of(directory: &Directory) -> Self {
        Self(directory.faults.iter().map(|_| Arc::default()).collect())
    }

    /// Adapts to changed faults. A fault that stays in its place keeps its number.
    pub(super) fn update(&mut self, before: &[Fault], after: &[Fault]) {
        let same = before
            .iter()
            .zip(after)
            .take_while(|(one, other)| one == other);
        self.0.truncate(same.count());
        self.0.resize_with(after.len(), Arc::default);
    }
}

/// The properties of a call that faults select.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selected<'a> {
    pub(super) endpoint: GraphEndpoint,
    /// `user_id` of the user in the call.
    pub(super) user: Option<&'a str>,
    pub(super) page: usize,
    /// Has `$count=true`.
    pub(super) counted: bool,
    /// Says that others may be answered first.
    pub(super) low_priority: bool,
}

/// The first fault in the file for this call. The call counts for every matching fault.
pub(super) fn find<'a>(
    directory: &'a Directory,
    counts: &Counts,
    call: Selected<'_>,
) -> Option<&'a Fault> {
    let mut first = None;
    for (fault, count) in directory.faults.iter().zip(&counts.0) {
        let matches = fault.on == call.endpoint
            && fault.page.is_none_or(|page| page == call.page)
            && (call.counted || !fault.counted)
            && (call.low_priority || !fault.low_priority)
            && (fault.user.is_none() || fault.user.as_deref() == call.user);
        if matches {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            if first.is_none() && (fault.calls.is_empty() || fault.calls.contains(&number)) {
                first = Some(fault);
            }
        }
    }
    first
}

/// Waits for the fault's delay; then returns its response, or the normal one as the fault changes
/// it.
pub(super) async fn play(fault: &Fault, normal: Result<Value, Response>) -> Response {
    tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    if fault.cut_off {
        let parts = [Ok("{\"value\": ["), Err("the directory's file says so")];
        // A pause between the parts, or nothing at all would be sent.
        let parts = futures::stream::iter(parts).then(|part| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            part
        });
        return Response::new(Body::from_stream(parts));
    }
    let status = StatusCode::from_u16(fault.status.unwrap_or(200)).unwrap_or_default();
    let mut response = match &fault.body {
        Some(Value::String(text)) => with_status(Response::new(text.clone().into()), status),
        Some(body) => json(status, body),
        None if fault.status.is_some() => {
            let response = EntraRefusal::of_status(status).into_response(fault.on);
            with_status(response, status)
        }
        None => respond(normal.map(|body| changed(fault, body))),
    };
    let headers = response.headers_mut();
    let wait = match &fault.retry_after {
        Some(Value::String(text)) => Some(text.clone()),
        Some(seconds) => Some(seconds.to_string()),
        None => None,
    };
    if let Some(wait) = wait.and_then(|wait| HeaderValue::from_str(&wait).ok()) {
        headers.insert(header::RETRY_AFTER, wait);
    }
    for (name, value) in &fault.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            headers.insert(name, value);
        }
    }
    response
}

/// A normal response: 200 with this body, or the error.
pub(super) fn respond(normal: Result<Value, Response>) -> Response {
    normal.map_or_else(|error| error, |body| json(StatusCode::OK, &body))
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

/// The normal body with the changes of the fault.
fn changed(fault: &Fault, mut body: Value) -> Value {
    if let Some(rows) = body.get_mut("value").and_then(Value::as_array_mut) {
        let omitted = usize::try_from(fault.omit_rows).unwrap_or(usize::MAX);
        rows.truncate(rows.len().saturating_sub(omitted));
    }
    if let Some(body) = body.as_object_mut() {
        body.extend(fault.set.clone());
    }
    body
}
