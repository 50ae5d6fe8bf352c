use std::net::Ipv4Addr;

use axum::http::Request;

use super::*;
use crate::template::Route;

fn made(request: Request<()>, body: &[u8], parameters: &[(&str, &str)]) -> Value {
    let route = Route {
        method: "GET".to_owned(),
        path: "/echo/{id}".to_owned(),
        function: "Echo".to_owned(),
        authorized: true,
    };
    let parameters = parameters
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let found = FoundRoute {
        route: &route,
        parameters: parameters.collect(),
    };
    let claims = json!({"sub": "ada"}).as_object().cloned();
    let about = Circumstances {
        found: &found,
        claims,
        request_id: "r-1",
        time: "2026-11-20T23:51:36.042Z".parse().unwrap(),
        source: Ipv4Addr::LOCALHOST.into(),
    };
    event(&request.into_parts().0, body, about)
}

#[test]
fn an_event_has_all_fields_of_api_gateway() {
    let request = Request::get("/echo/a%20b?x=1&y=%C3%A9+f&x=2&z")
        .header("Host", "127.0.0.1:3000")
        .header("User-Agent", "curl/8")
        .header("X-Trace", "a")
        .header("x-trace", "b")
        .header("Cookie", "a=1; b=2")
        .header("Cookie", "c=3")
        .body(())
        .unwrap();
    assert_eq!(
        made(request, b"", &[("id", "a b")]),
        json!({
            "version": "2.0",
            "routeKey": "GET /echo/{id}",
            "rawPath": "/echo/a b",
            "rawQueryString": "x=1&y=%C3%A9+f&x=2&z",
            "cookies": ["a=1", "b=2", "c=3"],
            "headers": {
                "content-length": "0",
                "host": "127.0.0.1:3000",
                "user-agent": "curl/8",
                "x-forwarded-for": "127.0.0.1",
                "x-forwarded-port": "3000",
                "x-forwarded-proto": "http",
                "x-trace": "a,b",
            },
            "queryStringParameters": {"x": "1,2", "y": "é f", "z": ""},
            "pathParameters": {"id": "a b"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "authorizer": {"jwt": {"claims": {"sub": "ada"}, "scopes": null}},
                "domainName": "127.0.0.1",
                "domainPrefix": "127",
                "http": {
                    "method": "GET",
                    "path": "/echo/a b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl/8",
                },
                "requestId": "r-1",
                "routeKey": "GET /echo/{id}",
                "stage": "$default",
                "time": "20/Nov/2026:23:51:36 +0000",
                "timeEpoch": 1_795_218_696_042_i64,
            },
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn missing_parts_of_a_request_are_absent() {
    let event = made(Request::get("/open").body(()).unwrap(), b"", &[]);
    for absent in ["body", "cookies", "pathParameters", "queryStringParameters"] {
        assert!(event.get(absent).is_none(), "{absent}");
    }
    assert_eq!(event["rawQueryString"], "");
}

#[test]
fn text_bodies_are_not_encoded() {
    for (content_type, body, text, encoded) in [
        ("application/json", &b"{}"[..], "{}", false),
        (
            "application/merge-patch+json; charset=utf-8",
            b"{}",
            "{}",
            false,
        ),
        ("text/plain", b"a", "a", false),
        ("application/json", b"\xff", "/w==", true),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
        ("image/png", b"a", "YQ==", true),
    ] {
        let request = Request::get("/")
            .header("content-type", content_type)
            .body(())
            .unwrap();
        let event = made(request, body, &[]);
        assert_eq!(
            (&event["body"], &event["isBase64Encoded"]),
            (&json!(text), &json!(encoded))
        );
    }
    let event = made(Request::get("/").body(()).unwrap(), b"{}", &[]);
    assert_eq!(event["body"], "{}", "without a type");
}
