use lambda_http::{Body, Request, RequestExt as _};
use serde_json::json;

use super::*;

/// Returns the request in an event, or `None` if it is not an event of API Gateway.
fn request(event: &Value) -> Option<Request> {
    read_event(&event.to_string()).ok().map(Request::from)
}

fn v2(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({
        "version": "2.0", "routeKey": "GET /organizations", "rawPath": "/organizations", "rawQueryString": "limit=5",
        "headers": {"host": "api.example.com", "x-forwarded-proto": "https", "if-match": "\"1\""},
        "queryStringParameters": {"limit": "5"}, "isBase64Encoded": false,
        "requestContext": {
            "routeKey": "GET /organizations", "stage": "$default", "requestId": "r1", "timeEpoch": 1,
            "domainName": "api.example.com", "http": {"method": "GET", "path": "/organizations"},
            "authorizer": {"jwt": {"claims": {"sub": "ada"}, "scopes": null}},
        },
    });
    change(&mut event);
    event
}

fn v1(change: impl FnOnce(&mut Value)) -> Value {
    let mut event = json!({
        "resource": "/organizations", "path": "/organizations", "httpMethod": "GET",
        "headers": {"Host": "api.example.com", "X-Forwarded-Proto": "https", "If-Match": "\"2\""},
        "multiValueHeaders": {"Host": ["api.example.com"], "If-Match": ["\"1\"", "\"2\""]},
        "queryStringParameters": {"limit": "6"}, "multiValueQueryStringParameters": {"limit": ["5", "6"]},
        "pathParameters": null, "stageVariables": null, "body": null, "isBase64Encoded": false,
        "requestContext": {
            "resourcePath": "/organizations", "httpMethod": "GET", "path": "/prod/organizations", "stage": "prod",
            "requestId": "r1", "requestTimeEpoch": 1, "domainName": "api.example.com", "identity": {},
            "authorizer": {"claims": {"sub": "ada"}},
        },
    });
    change(&mut event);
    event
}

const ODD: [&str; 16] = [
    "",
    " ",
    "a b",
    ":99999",
    "@",
    "//",
    "[",
    "]:1",
    "a:b:c",
    "%zz",
    "?#",
    "\u{0}",
    "\n",
    "é",
    "\\",
    "^`{|}<>\"'",
];

#[test]
fn invalid_host_and_scheme_do_not_panic() {
    for odd in ODD {
        for name in ["host", "x-forwarded-proto"] {
            let event = v2(|it| it["headers"][name] = odd.into());
            assert_eq!(
                request(&event).unwrap().headers()["if-match"],
                "\"1\"",
                "{odd:?}"
            );
            let event = v1(|it| {
                it["headers"][name] = odd.into();
                it["multiValueHeaders"][name] = json!([odd]);
            });
            assert!(request(&event).is_some(), "{odd:?}");
        }
        let event = v2(|it| {
            it["headers"] = json!({});
            it["requestContext"]["domainName"] = odd.into();
            it["requestContext"]["stage"] = odd.into();
        });
        assert!(request(&event).is_some(), "{odd:?}");
    }
}

#[test]
fn invalid_path_does_not_panic() {
    for odd in ODD {
        for path in [odd.to_owned(), format!("/{odd}")] {
            let kept = if path.starts_with('/') {
                path.clone()
            } else {
                format!("/{path}")
            };
            let event = v2(|it| it["rawPath"] = path.clone().into());
            assert_eq!(request(&event).unwrap().raw_http_path(), kept);
            let event = v1(|it| it["path"] = path.clone().into());
            assert_eq!(request(&event).unwrap().raw_http_path(), kept);
        }
    }
    // In a URI, it is three times as long.
    let longest = |bytes| v2(|it| it["rawPath"] = format!("/{}", "é".repeat(bytes / 2)).into());
    assert!(request(&longest(MAX_PATH_BYTES - 1)).is_some());
    assert!(request(&longest(MAX_PATH_BYTES + 1)).is_none());
}

#[test]
fn invalid_query_does_not_panic() {
    for odd in ODD {
        let event = v2(|it| it["rawQueryString"] = format!("limit=5&a={odd}").into());
        let query = request(&event).unwrap().query_string_parameters();
        assert_eq!(query.first("limit"), Some("5"), "{odd:?}");
        let event = v1(|it| it["multiValueQueryStringParameters"][odd] = json!([odd]));
        let query = request(&event).unwrap().query_string_parameters();
        assert_eq!(query.first(odd), Some(odd));
    }
    let long = "é".repeat(MAX_QUERY_BYTES / 2 + 1);
    let event = v2(|it| it["rawQueryString"] = format!("a={long}").into());
    assert!(
        request(&event).is_some(),
        "it does not become part of a URI"
    );
    let event = v1(|it| it["multiValueQueryStringParameters"] = json!({"a": [long]}));
    assert!(request(&event).is_none());
    let longest_path = "é".repeat(MAX_PATH_BYTES / 2 - 1);
    let longest_query = "é".repeat(MAX_QUERY_BYTES / 2 - 2);
    let event = v1(|it| {
        it["path"] = format!("/{longest_path}").into();
        it["multiValueQueryStringParameters"] = json!({"a": [longest_query]});
    });
    assert!(request(&event).is_some());
}

#[test]
fn parameter_without_values_does_not_panic() {
    let event = v2(|it| {
        it["rawQueryString"] = Value::Null;
        it["queryStringParameters"] = json!({"a": [], "limit": "5"});
    });
    let names = |request: Request| {
        let query = request.query_string_parameters();
        query
            .iter()
            .map(|(name, _)| name.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(request(&event).unwrap()), ["limit"]);
    for place in ["multiValueQueryStringParameters", "queryStringParameters"] {
        let event = v1(|it| it[place]["a"] = json!([]));
        assert_eq!(names(request(&event).unwrap()), ["limit", "limit"]);
    }
}

#[test]
fn base64_body_is_decoded_only_if_valid() {
    for (flag, body, bytes) in [
        (json!(true), json!("e30="), "{}"),
        (json!(true), json!("{}"), "{}"),
        (json!(false), json!("e30="), "e30="),
        (json!(null), json!("{}"), "{}"),
        (json!(true), json!(null), ""),
        (json!(true), json!(7), ""),
    ] {
        for event in [v1(|_| ()), v2(|_| ())] {
            let mut event = event;
            event["isBase64Encoded"] = flag.clone();
            event["body"] = body.clone();
            let request = request(&event).unwrap();
            assert_eq!(request.body().as_ref(), bytes.as_bytes(), "{event}");
        }
    }
}

#[test]
fn null_or_missing_field_counts_as_absent() {
    let null = json!({
        "routeKey": "GET /organizations", "rawPath": null, "rawQueryString": null, "headers": null,
        "queryStringParameters": null, "pathParameters": null, "body": null, "isBase64Encoded": null,
        "requestContext": {"requestId": null, "authorizer": null, "http": null, "timeEpoch": null},
    });
    let read = request(&null).unwrap();
    assert!(read.headers().is_empty() && read.path_parameters().is_empty());
    assert!(read.query_string_parameters().is_empty() && matches!(read.body(), Body::Empty));
    for context in [
        json!({"routeKey": "GET /"}),
        json!({"routeKey": "GET /", "requestContext": null}),
        json!({"routeKey": "GET /", "requestContext": {"authorizer": {"jwt": null}}}),
        json!({"routeKey": "GET /", "requestContext": {"authorizer": {"jwt": {"claims": null}}}}),
        json!({"httpMethod": "GET", "resource": "/", "requestContext": null}),
        json!({"httpMethod": "GET", "resource": "/", "requestContext": {"authorizer": null, "identity": null}}),
    ] {
        assert!(request(&context).is_some(), "{context}");
    }
    let odd = v2(|it| {
        it["headers"] = json!({"a": null, "b": 7, "c c": "d", "if-match": "\"1\"", "e": "ü"});
    });
    let headers = request(&odd).unwrap().headers().clone();
    let names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(headers["e"].as_bytes(), "ü".as_bytes());
}

#[test]
fn control_character_in_header_is_replaced() {
    let odd = v2(|it| it["headers"]["idempotency-key"] = "a\nb".into());
    let headers = request(&odd).unwrap().headers().clone();
    assert_eq!(
        headers["idempotency-key"].as_bytes(),
        "a\u{fffd}b".as_bytes()
    );
}

#[test]
fn rest_api_header_keeps_all_values() {
    let request = request(&v1(|_| ())).unwrap();
    let values: Vec<_> = request.headers().get_all("if-match").iter().collect();
    assert_eq!(values, ["\"1\"", "\"2\""]);
    let alone = v1(|it| it["multiValueHeaders"] = Value::Null);
    assert_eq!(
        super::tests::request(&alone).unwrap().headers()["if-match"],
        "\"2\""
    );
}

#[test]
fn other_events_are_refused() {
    for event in [
        json!({"hello": 1}),
        json!(null),
        json!([]),
        json!({"routeKey": 1}),
        json!({"httpMethod": "GET"}),
        json!({"httpMethod": "a b", "resource": "/"}),
        json!({"Records": []}),
    ] {
        assert!(request(&event).is_none(), "{event}");
    }
}

#[test]
fn fields_of_lambda_authorizer_are_not_claims() {
    let event = v2(|it| {
        it["requestContext"]["authorizer"] =
            json!({"lambda": {"claims": {"sub": "eve", "tenant_id": "t"}}});
    });
    let request = crate::http::ApiRequest::of_event(&event.to_string(), "admins").unwrap();
    assert!(request.caller().is_err());
}
