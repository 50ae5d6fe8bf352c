//! Whole events of API Gateway, through every HTTP function.

use muster_functions::functions;
use serde_json::{Value, json};

use crate::Property;
use crate::function::{TENANT, assert_in_the_contract, invoke};
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "events",
    check,
    seeds: &[
        b"b\xfflimit=5&cursor=AAAA&status=deleted&name_prefix=a&domain=b.c\xffo1\xff\"1\"",
        b"c\xff\xffme\xff*",
        b"j\xffforce=true\xff%6De\xff",
        b"c\xffa=%zz&\x00=^`\xff:99999\xff[",
        b"c\xff?#\xff\xff@:x",
        br#"{"routeKey":"GET /x","requestContext":{},"isBase64Encoded":true,"body":"!"}"#,
    ],
};

/// Distinguishes a function of one fixed route from a function that gets any event.
const WHOLE: u8 = b'{';

fn check(data: &[u8]) {
    if data.first() == Some(&WHOLE) {
        let Ok(mut event) = serde_json::from_slice::<Value>(data) else {
            return;
        };
        // The caller is of the tenant, or unauthenticated.
        if let Some(context) = event
            .get_mut("requestContext")
            .and_then(Value::as_object_mut)
            && context.contains_key("authorizer")
        {
            context.insert("authorizer".to_owned(), authorizer());
        }
        for function in functions()
            .iter()
            .filter(|function| has_caller(function.name))
        {
            assert_in_the_contract(&invoke(function.name, event.clone()));
        }
        return;
    }
    let [which, query, id, header] = texts(data);
    let all: Vec<_> = functions().iter().map(|function| function.name).collect();
    let which = usize::from(which.bytes().next().unwrap_or_default());
    let name = all[which % all.len()];
    if !has_caller(name) {
        return;
    }
    let raw_query = query.clone();
    let query: serde_json::Map<String, Value> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.into()))
        .collect();
    // Host, scheme, path and raw query would form a URL.
    let headers = json!({
        "if-match": header, "if-none-match": header, "idempotency-key": header, "content-type": header,
        "host": header, "x-forwarded-proto": id, "user-agent": header,
    });
    let ids = json!({"organization_id": id, "team_id": id, "user_id": id});
    let of_an_http_api = json!({
        "routeKey": name, "rawPath": id, "rawQueryString": raw_query, "queryStringParameters": query,
        "pathParameters": ids, "headers": headers,
        "requestContext": {"requestId": header, "domainName": header, "stage": id, "authorizer": authorizer()},
    });
    let mut whole = of_an_http_api.clone();
    whole["requestContext"]["http"] = json!({"method": "GET"});
    let of_a_rest_api = json!({
        "httpMethod": "GET", "resource": name, "path": id, "queryStringParameters": query,
        "multiValueQueryStringParameters": {&raw_query: [], &id: [&header, &id]},
        "pathParameters": ids, "headers": headers, "isBase64Encoded": true, "body": header,
        "requestContext": {
            "httpMethod": "GET", "requestId": header, "domainName": header, "stage": id,
            "authorizer": authorizer()["jwt"],
        },
    });
    for event in [of_an_http_api, whole, of_a_rest_api] {
        assert_in_the_contract(&invoke(name, event));
    }
}

/// Whether it is an HTTP function that requires a token. One that does not reads its own secret first, and nothing here
/// answers for Secrets Manager.
fn has_caller(name: &str) -> bool {
    let mut all = functions().iter();
    all.any(|function| {
        let endpoint = function.endpoint();
        function.name == name && endpoint.is_some_and(|endpoint| !endpoint.is_public)
    })
}

fn authorizer() -> Value {
    json!({"jwt": {"claims": {"sub": "ada", "tenant_id": TENANT, "cognito:groups": "[tenant-admins]"}}})
}
