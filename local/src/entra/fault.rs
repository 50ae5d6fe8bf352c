//! Wrong or late responses configured in the file.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use futures::StreamExt as _;
use serde_json::Value;

use super::answer::{Refusal, json};
use super::file::{Directory, Fault, Question};

/// The number of calls that matched each fault of a directory, in the order of the file.
#[derive(Debug)]
pub(super) struct Counts(Vec<AtomicU64>);

impl Counts {
    pub(super) fn of(directory: &Directory) -> Self {
        Self(directory.faults.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

/// The properties of a call that faults select.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) question: Question,
    /// `user_id` of the user in the call.
    pub(super) user: Option<&'a str>,
    pub(super) page: usize,
}

/// The first fault in the file for this call. The call counts for every matching fault.
pub(super) fn find<'a>(
    directory: &'a Directory,
    counts: &Counts,
    asked: Asked<'_>,
) -> Option<&'a Fault> {
    let mut first = None;
    for (fault, count) in directory.faults.iter().zip(&counts.0) {
        let meant = fault.on == asked.question
            && fault.page.is_none_or(|page| page == asked.page)
            && (fault.user.is_none() || fault.user.as_deref() == asked.user);
        if meant {
            let call = count.fetch_add(1, Ordering::Relaxed) + 1;
            if first.is_none() && (fault.calls.is_empty() || fault.calls.contains(&call)) {
                first = Some(fault);
            }
        }
    }
    first
}

/// Waits for the fault's delay; then returns its response, or `None` for the normal response.
pub(super) async fn play(fault: &Fault) -> Option<Response> {
    tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    if fault.cut_off {
        let parts = [Ok("{\"value\": ["), Err("the directory's file says so")];
        // A pause between the parts, or nothing at all would be sent.
        let parts = futures::stream::iter(parts).then(|part| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            part
        });
        let cut_off = Body::from_stream(parts);
        return Some(Response::new(cut_off));
    }
    if fault.status.is_none() && fault.body.is_none() {
        return None;
    }
    let status = StatusCode::from_u16(fault.status.unwrap_or(200)).unwrap_or_default();
    let mut response = match &fault.body {
        Some(Value::String(text)) => Response::new(text.clone().into()),
        Some(body) => json(status, body),
        None => Refusal::of_status(status).into_response(fault.on),
    };
    *response.status_mut() = status;
    let wait = match &fault.retry_after {
        Some(Value::String(text)) => Some(text.clone()),
        Some(seconds) => Some(seconds.to_string()),
        None => None,
    };
    if let Some(wait) = wait.and_then(|wait| HeaderValue::from_str(&wait).ok()) {
        response.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    Some(response)
}
