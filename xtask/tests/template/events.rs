//! Tests the example events of the functions.

use serde_json::Value;

use crate::document::{names, read, template};
use crate::functions::{FunctionBlock, functions};

fn event(binary: &str) -> Value {
    serde_json::from_str(&read(&format!("events/{binary}.json"))).unwrap()
}

#[test]
fn every_function_has_an_example_event() {
    let mut events = names("events", ".json");
    assert!(events.remove("env"), "the variables of `sam local invoke`");
    assert!(events.remove("table"), "what the events name");
    let binaries = functions().into_iter().map(|function| function.binary);
    assert_eq!(events, binaries.collect());
}

#[test]
fn events_have_the_format_of_api_gateway() {
    let triggers = |function: &FunctionBlock| function.routes.is_empty();
    for function in functions()
        .into_iter()
        .filter(|function| !triggers(function))
    {
        let name = &function.binary;
        let event = event(name);
        assert_eq!(event["version"], "2.0", "{name}");
        let route = event["routeKey"].as_str().unwrap();
        assert!(
            function.routes.iter().any(|other| other == route),
            "{name}: {route}"
        );

        let context = &event["requestContext"];
        assert_eq!(context["routeKey"], route, "{name}");
        if function.is_public {
            assert!(context["authorizer"].is_null(), "{name}");
        } else {
            let claims = &context["authorizer"]["jwt"]["claims"];
            assert!(claims["sub"].is_string(), "{name}");
            assert!(claims["tenant_id"].is_string(), "{name}");
            for claim in claims.as_object().unwrap().values() {
                assert!(claim.is_string(), "{name}: all claims arrive as strings");
            }
        }

        let (method, pattern) = route.split_once(' ').unwrap();
        let parameters = event["pathParameters"].as_object().into_iter().flatten();
        let path = parameters.fold(pattern.to_owned(), |path, (name, value)| {
            let value = value.as_str().unwrap();
            path.replace(&format!("{{{name}}}"), value)
                .replace(&format!("{{{name}+}}"), value)
        });
        assert_eq!(event["rawPath"], path, "{name}");
        assert_eq!(context["http"]["path"], path, "{name}");
        assert!(
            method == "ANY" || context["http"]["method"] == method,
            "{name}"
        );

        let headers = &event["headers"];
        let is_json = headers["content-type"] == "application/json";
        assert_eq!(event["body"].is_string(), is_json, "{name}");
        let body = event["body"].as_str().unwrap_or_default();
        assert_eq!(headers["content-length"], body.len().to_string(), "{name}");
        if is_json {
            assert!(serde_json::from_str::<Value>(body).unwrap().is_object());
        }
        let has_key = headers["idempotency-key"].is_string();
        assert_eq!(has_key, method == "POST", "{name}");
    }
}

#[test]
fn local_invocations_set_only_variables_of_the_template() {
    let template = template();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    let env: Value = serde_json::from_str(&read("events/env.json")).unwrap();
    let parameters = env["Parameters"].as_object().unwrap();
    assert!(parameters.contains_key("TABLE_NAME"));
    for name in parameters.keys() {
        // The SAM CLI silently drops unknown ones.
        assert!(!variables[name].is_null(), "{name}");
    }
    let of_functions = env.as_object().unwrap().iter();
    for (function, own) in of_functions.filter(|(name, _)| *name != "Parameters") {
        let properties = &template["Resources"][function]["Properties"];
        let variables = &properties["Environment"]["Variables"];
        for name in own.as_object().unwrap().keys() {
            assert!(!variables[name].is_null(), "{function}: {name}");
        }
    }
}

#[test]
fn local_invocations_set_what_a_function_needs_to_start() {
    let template = template();
    let env: Value = serde_json::from_str(&read("events/env.json")).unwrap();
    let mut count = 0;
    for (function, resource) in template["Resources"].as_object().unwrap() {
        let variables = &resource["Properties"]["Environment"]["Variables"];
        for name in variables.as_object().into_iter().flatten().map(|it| it.0) {
            if name.ends_with("_QUEUE_URL") || name == "INVITATION_SECRET_ARN" {
                assert!(env[function][name].is_string(), "{function}: {name}");
                count += 1;
            }
        }
    }
    assert!(count > 10, "{count} variables");
}
