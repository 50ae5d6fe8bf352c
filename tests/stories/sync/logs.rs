//! One countable log line for each sync, without personal data.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::Fault;
use support::graph::{GraphEndpoint, GraphFault};

use super::setup::{ORGANIZATIONS, Setup, event, no_secrets};

/// Checks a line against the embedded metric format.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
fn is_emf(line: &Value) {
    assert!(line["_aws"]["Timestamp"].is_u64(), "{line}");
    for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(directive["Namespace"], "Muster");
        for dimensions in directive["Dimensions"].as_array().unwrap() {
            let names = dimensions.as_array().unwrap();
            assert!(names.len() <= 30);
            for name in names {
                assert!(line[name.as_str().unwrap()].is_string(), "{name} in {line}");
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        let mut names = BTreeSet::new();
        for metric in metrics {
            let name = metric["Name"].as_str().unwrap();
            assert!(line[name].is_number(), "{name} in {line}");
            assert!(names.insert(name), "{name} twice in {line}");
            let unit = name.ends_with("Duration").then_some("Milliseconds");
            assert_eq!(metric["Unit"].as_str(), unit, "{metric}");
        }
    }
}

#[tokio::test]
async fn the_log_line_has_the_result_of_the_sync() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    for id in ["g-1", "g-2", "g-3"] {
        setup.graph.assign(id, id);
    }
    for id in ["g-1", "g-2", "g-unassigned"] {
        setup.graph.join("ada", id);
    }
    let figures = |line: &Value| {
        let numbers = [
            "GroupsRead",
            "groups_of_user",
            "groups_held",
            "OrganizationsMade",
            "TeamsMade",
            "MembershipsMade",
            "MembershipsKept",
            "MembershipsRemoved",
            "WritesFailed",
        ];
        numbers.map(|name| line[name].as_u64().unwrap())
    };
    let first = setup.expect("ada", "synced").await;
    assert_eq!(figures(&first), [3, 3, 2, 3, 3, 4, 0, 0, 0]);
    setup.graph.leave("ada", "g-2");
    setup.graph.join("ada", "g-3");
    let second = setup.expect("ada", "synced").await;
    assert_eq!(figures(&second), [3, 3, 2, 0, 0, 2, 2, 2, 0]);
    let third = setup.expect("ada", "unchanged").await;
    assert_eq!(figures(&third), [3, 3, 2, 0, 0, 0, 4, 0, 0]);
    for line in [first, second, third] {
        is_emf(&line);
        assert_eq!(
            (&line["tenant"], &line["user"]),
            (&json!("acme"), &json!("ada"))
        );
        assert!(line["SyncDuration"].as_f64() >= line["DirectoryDuration"].as_f64());
        assert!(line["DirectoryDuration"].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test]
async fn no_log_line_has_personal_data() {
    let settings = [ORGANIZATIONS, ("SYNC_BUDGET_MS", "1000")];
    let (setup, faults) = Setup::with_faults(&settings).await;
    setup.graph.assign("g-1", "One");
    setup.graph.token_seconds(400);
    for user in ["ada", "bob"] {
        setup.graph.join(user, "g-1");
    }
    let login = async |user: &str| {
        setup.pass_ten_minutes();
        setup.sign_in(event(user)).await;
        let mut event = event(user);
        event["version"] = "2".into();
        setup.invoke("pre-token", &event).await;
    };
    login("ada").await;
    for endpoint in [
        GraphEndpoint::Token,
        GraphEndpoint::AssignedGroups,
        GraphEndpoint::UserGroups,
    ] {
        for fault in [
            GraphFault::Error(403, "Authorization_RequestDenied"),
            GraphFault::Error(404, "Request_ResourceNotFound"),
            GraphFault::RetryAfter(429, "60"),
            GraphFault::CutOff,
            GraphFault::NoResponse,
            GraphFault::Text("ada@acme.example object-of-ada"),
            GraphFault::Link("http://object-of-ada@127.0.0.1:1/"),
        ] {
            setup.graph.fail(endpoint, None, fault);
            login("ada").await;
            setup.graph.heal();
        }
    }
    for operation in [
        "Query",
        "UpdateItem",
        "GetItem",
        "BatchGetItem",
        "TransactWriteItems",
    ] {
        for fault in [Fault::Throttle, Fault::Failure(500), Fault::CutWithin] {
            faults.always(operation, fault);
            login("bob").await;
            faults.stop();
        }
    }
    login("bob").await;
    // An email address as id, and an event without a tenant.
    let mut odd = event("ada");
    odd["request"]["userAttributes"]["sub"] = "ada@acme.example".into();
    setup.sign_in(odd).await;
    setup
        .sign_in(json!({"userId": "ada@acme.example", "email": "ada@acme.example"}))
        .await;

    let lines = setup.lines.take();
    no_secrets(&lines);
    let syncs = lines.iter().filter(|line| line["message"] == "login sync");
    assert_eq!(syncs.clone().count(), 1 + 21 + 15 + 1 + 1 + 1);
    let outcomes: BTreeSet<_> = syncs
        .map(|line| line["outcome"].as_str().unwrap())
        .collect();
    for outcome in ["synced", "failed", "partial", "timed-out"] {
        assert!(outcomes.contains(outcome), "{outcomes:?}");
    }
    for line in &lines {
        assert!(
            line["time"].is_string() && line["level"].is_string(),
            "{line}"
        );
        if line["message"] != "failure" {
            is_emf(line);
        }
    }
}
