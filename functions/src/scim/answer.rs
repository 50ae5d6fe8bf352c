//! Responses in the form of SCIM.

use muster::http::{Answer, RawAnswer};
use muster_scim::{Error, MEDIA_TYPE, Meta};
use serde_json::Value;

/// A response without a body.
pub(super) fn no_content() -> Answer {
    raw(204, None, Vec::new(), "ok")
}

/// A response with a document that has no version.
pub(super) fn document(body: &Value) -> Answer {
    raw(200, Some(body), Vec::new(), "ok")
}

/// A response with a user or group. 201 names where it is.
pub(super) fn resource(status: u16, body: &Value, version: u64) -> Answer {
    let mut headers = vec![("etag", Meta::etag(version))];
    let location = body.pointer("/meta/location").and_then(Value::as_str);
    if status == 201
        && let Some(location) = location
    {
        headers.push(("location", location.to_owned()));
    }
    raw(status, Some(body), headers, "ok")
}

/// 304: the client has this version.
pub(super) fn not_modified(version: u64) -> Answer {
    raw(304, None, vec![("etag", Meta::etag(version))], "ok")
}

/// The response to a request that is refused.
pub(super) fn refused(error: &Error) -> Answer {
    let headers = match error.status {
        401 => vec![("www-authenticate", "Bearer".to_owned())],
        _ => Vec::new(),
    };
    let code = match error.status {
        401 => "unauthenticated",
        403 => "forbidden",
        404 => "not-found",
        409 => "name-taken",
        412 => "version-mismatch",
        413 => "body-too-large",
        415 => "unsupported-media-type",
        _ => "validation-failed",
    };
    raw(error.status, Some(&error.to_json()), headers, code)
}

fn raw(
    status: u16,
    body: Option<&Value>,
    headers: Vec<(&'static str, String)>,
    code: &'static str,
) -> Answer {
    Answer::raw(
        status,
        RawAnswer {
            media_type: MEDIA_TYPE,
            body: body.map(Value::to_string),
            headers,
            code,
        },
    )
}
