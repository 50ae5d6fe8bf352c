//! Tests that the template rejects parameters with which a function would not start, and every
//! login would fail.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use muster::config::Settings;
use muster_directory::EntraSettings;
use regex::Regex;
use serde_json::Value;

use crate::document::{each, template};

static TEMPLATE: LazyLock<Value> = LazyLock::new(template);

type Values = BTreeMap<String, String>;

fn text(node: &Value) -> &str {
    node.as_str()
        .unwrap_or_else(|| panic!("{node} is not a string"))
}

/// The default parameters with these changes.
fn with(set: &[(&str, &str)]) -> Values {
    let parameters = TEMPLATE["Parameters"].as_object().unwrap().iter();
    let mut values: Values = parameters
        .map(|(name, parameter)| {
            let default = &parameter["Default"];
            let default = default.as_str().map(str::to_owned);
            (
                name.clone(),
                default.unwrap_or_else(|| parameter["Default"].to_string()),
            )
        })
        .collect();
    for (name, value) in set {
        let before = values.insert((*name).to_owned(), (*value).to_owned());
        assert!(before.is_some(), "no parameter {name}");
    }
    values
}

/// The errors of CloudFormation: the parameter or the rule that is violated.
fn refused(values: &Values) -> Option<String> {
    for (name, parameter) in TEMPLATE["Parameters"].as_object().unwrap() {
        if let Some(pattern) = parameter["AllowedPattern"].as_str()
            && !Regex::new(pattern).unwrap().is_match(&values[name])
        {
            assert!(parameter["ConstraintDescription"].is_string(), "{name}");
            return Some(name.clone());
        }
    }
    for (name, rule) in TEMPLATE["Rules"].as_object().unwrap() {
        let condition = &rule["RuleCondition"];
        if !condition.is_null() && !holds(condition, values) {
            continue;
        }
        for assertion in rule["Assertions"].as_array().unwrap() {
            assert!(assertion["AssertDescription"].is_string(), "{name}");
            if !holds(&assertion["Assert"], values) {
                return Some(name.clone());
            }
        }
    }
    None
}

fn holds(expression: &Value, values: &Values) -> bool {
    let (function, arguments) = expression.as_object().unwrap().iter().next().unwrap();
    let arguments = each(arguments);
    let value = |node: &Value| match node["Ref"].as_str() {
        Some(name) => values[name].clone(),
        None => text(node).to_owned(),
    };
    match (function.as_str(), &arguments[..]) {
        ("Fn::Equals", [one, other]) => value(one) == value(other),
        // A list parameter is text with commas.
        ("Fn::Contains", [list, one]) if list["Ref"].is_string() => {
            value(list).split(',').any(|entry| entry == value(one))
        }
        ("Fn::Contains", [list, one]) => each(list)
            .into_iter()
            .any(|entry| value(entry) == value(one)),
        ("Fn::Not", [one]) => !holds(one, values),
        ("Fn::And", all) => all.iter().all(|one| holds(one, values)),
        ("Fn::Or", all) => all.iter().any(|one| holds(one, values)),
        _ => panic!("{expression}"),
    }
}

/// Whether post-login starts with them.
fn starts(values: &Values) -> bool {
    let post_login = &TEMPLATE["Resources"]["PostLogin"];
    let variables = &post_login["Properties"]["Environment"]["Variables"];
    let variable = |name: &str| match name {
        "TABLE_NAME" | "AWS_REGION" | "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => {
            Some("local".to_owned())
        }
        _ => Some(values[variables[name]["Ref"].as_str()?].clone()),
    };
    Settings::read(variable).is_ok() && EntraSettings::read(variable).is_ok()
}

#[test]
fn rules_reject_invalid_parameters_of_post_login() {
    let (long, longer) = ("x".repeat(253), "x".repeat(254));
    let (id, longer_id) = ("8e881353-1735-45af-af21-ee1344582a4d", "x".repeat(65));
    let clients = ["", id, "a/b", &longer_id];
    let directories = [
        "",
        id,
        "contoso.onmicrosoft.com",
        "common",
        "organizations",
        "consumers",
        ".contoso",
        "contoso/v2.0",
        "a b",
        &long,
        &longer,
    ];
    let mut cases = Vec::new();
    for client in clients {
        for directory in directories {
            cases.push(vec![
                ("MicrosoftClientId", client),
                ("MicrosoftTenant", directory),
            ]);
        }
    }
    let (most, more) = ("x".repeat(128), "x".repeat(129));
    for (parameter, values) in [
        (
            "DefaultTenantId",
            ["acme", "a.b_c-d@e+f:g|h=1", &most, &more, "a#b", "a b"],
        ),
        (
            "MicrosoftServicePrincipalId",
            [id, "", &most, "a/b", "a.b", "a b"],
        ),
        // As SAM passes them without quotes, and the intended values.
        (
            "EntraRoleMap",
            ["{", "", "{}", r#"{"org_admin": "admin"}"#, "[]", "{\n}"],
        ),
        (
            "DefaultTeamParams",
            ["{", "", "{}", r#"{"max_budget": 100}"#, "100", "{\n}"],
        ),
    ] {
        cases.extend(values.map(|value| vec![(parameter, value)]));
    }
    let (mut good, mut bad) = (0, 0);
    for case in &cases {
        let values = with(case);
        let refused = refused(&values);
        assert_eq!(refused.is_none(), starts(&values), "{case:?}: {refused:?}");
        if refused.is_none() {
            good += 1;
        } else {
            bad += 1;
        }
    }
    assert!(good > 15 && bad > 30, "{good} good, {bad} bad");
}

#[test]
fn rules_reject_conflicting_parameters() {
    let issuer = "https://login.microsoftonline.com/contoso/v2.0";
    let secret = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:entra-AbCdEf";
    let sign_in = [
        ("EntraSignInIssuer", issuer),
        ("MicrosoftClientId", "client"),
        ("MicrosoftTenant", "contoso"),
        ("MicrosoftClientSecretArn", secret),
        ("DefaultTenantId", "acme"),
    ];
    let existing = [
        ("UserPool", "existing"),
        ("JwtIssuer", "https://issuer.example"),
        ("JwtAudience", "one,other"),
    ];
    for complete in [&[][..], &sign_in, &existing] {
        assert_eq!(refused(&with(complete)), None, "{complete:?}");
    }
    for without in 1..sign_in.len() {
        let mut some = sign_in.to_vec();
        let (missing, _) = some.remove(without);
        let rule = refused(&with(&some));
        assert_eq!(rule.as_deref(), Some("EntraSignInIsComplete"), "{missing}");
    }
    let certificate = "arn:aws:acm:eu-central-1:000000000000:certificate/0b1c-2d3e";
    let domain = [
        ("ApiHostedZoneId", "Z2FDTNDATAQYW2"),
        ("ApiDomainName", "api.acme.example"),
        ("ApiCertificateArn", certificate),
    ];
    assert_eq!(refused(&with(&domain)), None);
    assert_eq!(refused(&with(&domain[1..])), None, "the record is optional");
    for without in 1..domain.len() {
        let mut some = domain.to_vec();
        let (missing, _) = some.remove(without);
        let rule = Some("ApiDomainIsComplete");
        assert_eq!(refused(&with(&some)).as_deref(), rule, "{missing}");
    }
    for name in [
        "https://api.acme.example",
        "API.acme.example",
        "acme",
        "*.acme.example",
        "-a.b",
    ] {
        let values = with(&[("ApiDomainName", name), domain[2]]);
        assert_eq!(refused(&values).as_deref(), Some("ApiDomainName"), "{name}");
    }
    let rule = Some("AnExistingUserPoolIsNamed");
    for without in 1..existing.len() {
        let mut some = existing.to_vec();
        let (missing, _) = some.remove(without);
        assert_eq!(refused(&with(&some)).as_deref(), rule, "{missing}");
    }
    let both = [&existing[..], &sign_in].concat();
    assert_eq!(refused(&with(&both)).as_deref(), rule);
    let unused = with(&existing[1..2]);
    assert_eq!(
        refused(&unused).as_deref(),
        Some("ANewUserPoolIsTheOnlyIssuer")
    );
}
