//! Tests alarms and the dashboard: every metric they use exists, and every alarm links to the page
//! that says what to do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::document::{branches, of_type, resource, texts};
use crate::functions::functions;
use crate::monitoring_metrics::{ALL, Metric, OWN, values};

fn text(node: &Value) -> &str {
    node.as_str()
        .unwrap_or_else(|| panic!("{node} is not a string"))
}

/// Checks that the metric of a query or of an alarm exists.
fn metric(about: &str, node: &Value) -> Metric {
    let namespace = node["Namespace"]["Fn::Sub"]
        .as_str()
        .unwrap_or_else(|| text(&node["Namespace"]));
    let dimensions = node["Dimensions"].as_array().into_iter().flatten();
    let names = dimensions.clone().map(|one| text(&one["Name"]));
    let metric = Metric::new(namespace, text(&node["MetricName"]), names);
    assert!(
        ALL.contains(&metric),
        "{about}: the code does not write {metric:?}"
    );
    for dimension in dimensions.filter(|_| namespace == OWN) {
        let value = text(&dimension["Value"]);
        assert!(
            values(text(&dimension["Name"])).contains(value),
            "{about}: {value}"
        );
    }
    metric
}

#[test]
fn alarms_use_existing_metrics() {
    for (name, alarm) in of_type("AWS::CloudWatch::Alarm") {
        let alarm = &alarm["Properties"];
        let Some(queries) = alarm["Metrics"].as_array() else {
            metric(&name, alarm);
            assert!(alarm["Statistic"].is_string() && alarm["Period"].is_number());
            continue;
        };
        let (mut ids, mut expressions) = (BTreeSet::new(), Vec::new());
        for query in queries {
            if let Some(expression) = query["Expression"].as_str() {
                expressions.push(expression);
                continue;
            }
            assert_eq!(query["ReturnData"], false, "{name}");
            metric(&name, &query["MetricStat"]["Metric"]);
            assert!(ids.insert(text(&query["Id"])), "{name}: an id twice");
        }
        // CloudWatch allows up to ten metrics in one alarm, and one expression that returns data.
        assert!(ids.len() <= 10, "{name}");
        let [expression] = expressions[..] else {
            panic!("{name} has {} expressions", expressions.len());
        };
        let words = expression.split(|c: char| !c.is_alphanumeric() && c != '_');
        let named: BTreeSet<_> = words
            .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
            .collect();
        if expression.contains("METRICS()") {
            assert!(named.is_empty(), "{name}: {expression}");
        } else {
            assert_eq!(named, ids, "{name}: {expression}");
        }
    }
}

#[test]
fn every_alarm_notifies_the_topic_and_ignores_missing_data() {
    for (name, alarm) in of_type("AWS::CloudWatch::Alarm") {
        assert_eq!(alarm["Condition"], "HasMonitoring", "{name}");
        let alarm = &alarm["Properties"];
        assert_eq!(alarm["TreatMissingData"], "notBreaching", "{name}");
        for actions in ["AlarmActions", "OKActions"] {
            let notified = branches(&alarm[actions]);
            let either = [
                json!([{"Ref": "AlarmTopic"}]),
                json!([{"Ref": "AlarmTopicArn"}]),
            ];
            assert_eq!(notified, either.iter().collect::<Vec<_>>(), "{name}");
        }
        let full = json!({"Fn::Sub": format!("${{AWS::StackName}}-{name}")});
        assert_eq!(alarm["AlarmName"], full);
        let points = alarm["DatapointsToAlarm"].as_u64().unwrap();
        assert!(
            points <= alarm["EvaluationPeriods"].as_u64().unwrap(),
            "{name}"
        );
    }
}

#[test]
fn table_errors_are_counted_for_each_operation() {
    let mut called = BTreeSet::from(["TransactWriteItems".to_owned()]);
    for function in functions() {
        for statement in function.statements() {
            let actions = texts(&statement["Action"]).into_iter();
            let operations = actions.filter_map(|action| action.strip_prefix("dynamodb:"));
            // Lambda reads the stream, not the code.
            let of_table = operations.filter(|it| !it.contains("Stream") && !it.contains("Shard"));
            called.extend(of_table.filter(|it| *it != "GetRecords").map(str::to_owned));
        }
    }
    // The permission to check a condition is for transactions; no operation has its name.
    assert!(called.remove("ConditionCheckItem"));
    let alarm = resource("TableErrors");
    let queries = alarm["Properties"]["Metrics"].as_array().unwrap();
    let counted = queries
        .iter()
        .filter(|query| query["MetricStat"].is_object())
        .map(|query| text(&query["MetricStat"]["Metric"]["Dimensions"][1]["Value"]).to_owned());
    assert_eq!(counted.collect::<BTreeSet<_>>(), called);
}

#[test]
fn the_access_log_filter_reads_an_existing_field() {
    let api = resource("HttpApi");
    let format = text(&api["Properties"]["AccessLogSettings"]["Format"]);
    let filter = resource("ThrottledRequests");
    let pattern = text(&filter["Properties"]["FilterPattern"]);
    let (_, field) = pattern.split_once("$.").unwrap();
    let (field, value) = field.split_once(" = ").unwrap();
    assert!(format.contains(&format!("\"{field}\":\"$context.{field}\"")));
    // A log has text, so values are compared as text.
    assert!(value.starts_with("\"429\""), "{pattern}");
}

/// The dashboard as CloudWatch gets it, with references replaced by names.
fn dashboard() -> Value {
    let body = resource("Dashboard")["Properties"]["DashboardBody"]["Fn::Sub"].clone();
    let names = body[1].as_object().unwrap();
    assert_eq!(names.keys().collect::<Vec<_>>(), ["TableName"]);
    serde_json::from_str(text(&body[0])).expect("the dashboard's body is JSON")
}

fn widgets(kind: &str) -> Vec<Value> {
    let dashboard = dashboard();
    let widgets = dashboard["widgets"].as_array().unwrap().iter();
    widgets.filter(|it| it["type"] == kind).cloned().collect()
}

/// The metric that a `SEARCH('{"namespace",dimension} MetricName="name"', 'stat', 300)` finds.
fn searched(expression: &str) -> Metric {
    let schema = expression.strip_prefix("SEARCH('{").unwrap();
    // The namespace contains a brace.
    let (schema, rest) = schema.split_once("} MetricName=\"").unwrap();
    let (name, _) = rest.split_once('"').unwrap();
    let (namespace, dimensions) = schema.split_once(',').unwrap();
    // In quotes, because a stack's name may have hyphens.
    let namespace = namespace
        .strip_prefix('"')
        .and_then(|it| it.strip_suffix('"'));
    Metric::new(namespace.unwrap(), name, dimensions.split(','))
}

#[test]
fn widgets_show_existing_metrics() {
    let mut shown = 0;
    for widget in widgets("metric") {
        let properties = &widget["properties"];
        let title = text(&properties["title"]);
        assert_eq!(properties["region"], "${AWS::Region}", "{title}");
        for row in properties["metrics"].as_array().unwrap() {
            shown += 1;
            let row = row.as_array().unwrap();
            if let Some(expression) = row[0]["expression"].as_str() {
                let metric = searched(expression);
                assert!(
                    ALL.contains(&metric),
                    "{title}: the code does not write {metric:?}"
                );
                continue;
            }
            let texts: Vec<_> = row.iter().filter_map(Value::as_str).collect();
            let (namespace, name, dimensions) = (texts[0], texts[1], &texts[2..]);
            let pairs = dimensions.chunks(2);
            let metric = Metric::new(namespace, name, pairs.clone().map(|pair| pair[0]));
            assert!(
                ALL.contains(&metric),
                "{title}: the code does not write {metric:?}"
            );
            for pair in pairs.filter(|_| namespace == OWN) {
                assert!(values(pair[0]).contains(pair[1]), "{title}: {}", pair[1]);
            }
        }
    }
    assert!(shown > 50, "the metrics are found");
}

#[test]
fn the_dashboard_shows_every_alarm_and_function() {
    let shown = widgets("alarm").remove(0);
    let shown: BTreeSet<_> = texts(&shown["properties"]["alarms"])
        .into_iter()
        .map(str::to_owned)
        .collect();
    let alarms = of_type("AWS::CloudWatch::Alarm").into_keys();
    let alarms: BTreeSet<_> = alarms.map(|name| format!("${{{name}.Arn}}")).collect();
    assert_eq!(shown, alarms);

    let failed = widgets("metric")
        .into_iter()
        .find(|widget| widget["properties"]["title"] == "Failed invocations by function");
    let rows = failed.unwrap()["properties"]["metrics"].clone();
    let rows = rows.as_array().unwrap().iter();
    let shown: BTreeSet<_> = rows.map(|row| text(&row[3]).to_owned()).collect();
    let functions = functions().into_iter();
    let functions = functions.map(|function| format!("${{{}}}", function.resource));
    assert_eq!(shown, functions.collect());

    let mut taken = BTreeSet::new();
    for widget in dashboard()["widgets"].as_array().unwrap() {
        let number = |name: &str| widget[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("width") {
            assert!(x < 24, "{widget}");
            for y in number("y")..number("y") + number("height") {
                assert!(taken.insert((x, y)), "{widget}");
            }
        }
    }
}

/// Every variable of the body must exist, or CloudFormation rejects it.
#[test]
fn the_dashboard_refers_to_existing_resources() {
    let body = resource("Dashboard")["Properties"]["DashboardBody"]["Fn::Sub"].clone();
    let template = crate::document::template();
    let mut names = 0;
    for part in text(&body[0]).split("${").skip(1) {
        let (name, _) = part.split_once('}').unwrap();
        let resource = name.split('.').next().unwrap();
        let known = name.starts_with("AWS::")
            || name == "TableName"
            || template["Resources"][resource].is_object();
        assert!(known, "{name}");
        names += 1;
    }
    assert!(names > 80, "the names are found");
}
