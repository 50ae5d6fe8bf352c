//! Rules for all functions, and the parameters.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{read, template};
use crate::functions::functions;

#[test]
fn every_function_is_traced_and_logs_json_to_the_one_group() {
    let template = template();
    let tracing = &template["Parameters"]["Tracing"];
    assert_eq!(tracing["Default"], "Active");
    // Without "Disabled", SAM would remove the permission to write traces from each role.
    assert_eq!(tracing["AllowedValues"], json!(["Active", "PassThrough"]));
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["Tracing"], json!({"Ref": "Tracing"}));
    // At WARN, Lambda reports the invocations that fail, which the alarms count.
    let logs = json!({
        "LogFormat": "JSON",
        "SystemLogLevel": "WARN",
        "LogGroup": {"Ref": "FunctionLogs"},
    });
    assert_eq!(globals["LoggingConfig"], logs);
    assert_eq!(globals["Runtime"], "provided.al2023");
    for function in functions() {
        let own = function.properties.as_object().unwrap();
        // Everything else is global: no function has its own role, layer, address or log.
        for name in own.keys() {
            let may_differ = [
                "Environment",
                "Events",
                "Policies",
                "ReservedConcurrentExecutions",
                "Timeout",
            ];
            assert!(
                may_differ.contains(&name.as_str()),
                "{}: {name}",
                function.resource
            );
        }
    }
}

#[test]
fn no_function_has_a_secret_in_its_environment() {
    let template = template();
    let globals = &template["Globals"]["Function"]["Environment"]["Variables"];
    let functions = functions();
    let own = functions
        .iter()
        .map(|function| &function.properties["Environment"]["Variables"]);
    let mut names = 0;
    for (name, value) in own.chain([globals]).filter_map(Value::as_object).flatten() {
        names += 1;
        let secret_words = ["SECRET", "PASSWORD", "TOKEN", "KEY"];
        let is_place = name.ends_with("_ARN") || name.contains("_ENDPOINT");
        // Settings of the claims in a token, not a token, and the names of secrets.
        let settings = [
            "TOKEN_ORGANIZATIONS",
            "TOKEN_CLAIM_BYTES",
            "DIRECTORY_SECRETS",
        ];
        let is_setting = settings.contains(&name.as_str());
        assert!(
            is_place || is_setting || !secret_words.iter().any(|word| name.contains(word)),
            "{name}"
        );
        // CloudFormation would insert the secret itself.
        assert!(!value.to_string().contains("{{resolve:"), "{name}");
    }
    assert!(names > 10, "the variables are found");
}

#[test]
fn every_parameter_is_in_one_group_and_has_a_description() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let mut grouped: Vec<&str> = Vec::new();
    for group in groups.as_array().unwrap() {
        let members = group["Parameters"].as_array().unwrap();
        grouped.extend(members.iter().map(|name| name.as_str().unwrap()));
    }
    let count = grouped.len();
    let grouped: BTreeSet<_> = grouped.into_iter().collect();
    assert_eq!(grouped.len(), count, "none twice");
    let parameters = template["Parameters"].as_object().unwrap();
    let named: BTreeSet<_> = parameters.keys().map(String::as_str).collect();
    assert_eq!(grouped, named);
    for (name, parameter) in parameters {
        assert!(parameter["Description"].is_string(), "{name}");
        // A first deployment needs no parameters.
        assert!(!parameter["Default"].is_null(), "{name} has no default");
    }
}

/// An ARN with a wildcard would allow more than the one resource.
#[test]
fn arn_parameters_allow_no_wildcards() {
    let template = template();
    let parameters = template["Parameters"].as_object().unwrap();
    let arns = parameters.iter().filter(|(name, _)| name.ends_with("Arn"));
    let mut found = 0;
    for (name, parameter) in arns {
        found += 1;
        let pattern = parameter["AllowedPattern"].as_str().unwrap();
        assert!(
            pattern.starts_with("^(arn:") && pattern.ends_with(")?$"),
            "{name}"
        );
        for any in ["\\S", ".*", ".+", "[^"] {
            assert!(!pattern.contains(any), "{name}: {pattern}");
        }
        for class in pattern.split('[').skip(1) {
            let (class, _) = class.split_once(']').unwrap();
            assert!(!class.contains(['*', '?']), "{name}: [{class}]");
        }
    }
    assert_eq!(found, 7);
}

/// Each line of the scanner's configuration that exempts all functions has a reason.
#[test]
fn scanner_exceptions_have_a_reason() {
    let mut reason = false;
    let mut waived = 0;
    for line in read(".checkov.yaml").lines() {
        if line.trim_start().starts_with("- CKV") {
            assert!(reason, "{line} has no reason above it");
            waived += 1;
        }
        reason = line.trim_start().starts_with('#');
    }
    assert!(waived > 0);
    let template = template();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        let skips = &resource["Metadata"]["checkov"]["skip"];
        for skip in skips.as_array().into_iter().flatten() {
            let comment = skip["comment"].as_str().unwrap_or_default();
            assert!(comment.len() > 40, "{name}: {skip}");
        }
    }
}
