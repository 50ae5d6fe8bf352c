//! The existing metrics: those that the code writes, and the metrics of AWS used here.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use muster::domain::{TenantId, Timestamp, UserId};
use muster::http::Code;
use muster::store::{Measure, Profile};
use muster::telemetry::Telemetry;
use muster_directory::{SyncLine, SyncOutcome, SyncReport};
use muster_functions::delivery::deliver_webhook::DeliverCounts;
use muster_functions::delivery::publish_events::PublishCounts;
use muster_functions::delivery::send_invitation::SendCounts;
use muster_functions::directories::reconcile::ReconcileCounts;
use muster_functions::directories::schedule::ScheduleCounts;
use muster_functions::domains::recheck::RecheckCounts;
use muster_functions::members::track::TrackCounts;
use muster_functions::records::{RequestLine, TriggerLine};
use muster_functions::runs::{RunCounts, RunLine};
use serde_json::Value;
use strum::VariantArray as _;

use crate::document::of_type;

/// The namespace of the product's metrics in this template.
pub(crate) const OWN: &str = "Muster/${AWS::StackName}";

/// A metric by its namespace, its name, and the names of its dimensions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Metric {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) dimensions: BTreeSet<String>,
}

impl Metric {
    pub(crate) fn new<'a>(
        namespace: &str,
        name: &str,
        dimensions: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            dimensions: dimensions.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// Sets of dimensions.
type Dimensions = &'static [&'static [&'static str]];

/// Metrics of AWS with their dimensions, from the documentation of each service.
const OF_AWS: [(&str, &[&str], Dimensions); 7] = [
    (
        "AWS/ApiGateway",
        &["Count", "4xx", "5xx", "Latency", "IntegrationLatency"],
        &[&["ApiId"]],
    ),
    (
        "AWS/Lambda",
        &["Errors", "Throttles", "Duration", "ConcurrentExecutions"],
        &[&[], &["FunctionName"]],
    ),
    (
        "AWS/DynamoDB",
        &[
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "WriteThrottleEvents",
        ],
        &[&["TableName"], &["TableName", "GlobalSecondaryIndexName"]],
    ),
    ("AWS/DynamoDB", &["TransactionConflict"], &[&["TableName"]]),
    ("AWS/Lambda", &["IteratorAge"], &[&["FunctionName"]]),
    (
        "AWS/SQS",
        &[
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesDelayed",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesVisible",
        ],
        &[&["QueueName"]],
    ),
    (
        "AWS/DynamoDB",
        &["SystemErrors"],
        &[&["TableName", "Operation"]],
    ),
];

/// All existing metrics.
pub(crate) static ALL: LazyLock<BTreeSet<Metric>> = LazyLock::new(all);

fn all() -> BTreeSet<Metric> {
    let mut all = written();
    for filter in of_type("AWS::Logs::MetricFilter").values() {
        for made in filter["Properties"]["MetricTransformations"]
            .as_array()
            .unwrap()
        {
            let namespace = made["MetricNamespace"]["Fn::Sub"].as_str().unwrap();
            all.insert(Metric::new(
                namespace,
                made["MetricName"].as_str().unwrap(),
                [],
            ));
        }
    }
    for (namespace, names, dimensions) in OF_AWS {
        for name in names {
            for dimensions in dimensions {
                all.insert(Metric::new(namespace, name, dimensions.iter().copied()));
            }
        }
    }
    all
}

/// The possible values of a dimension of the product. Routes are too many to list.
pub(crate) fn values(dimension: &str) -> BTreeSet<&'static str> {
    match dimension {
        "code" => Code::VARIANTS
            .iter()
            .map(|code| code.as_str())
            .chain(["ok"])
            .collect(),
        "outcome" => [
            SyncOutcome::Synced,
            SyncOutcome::Unchanged,
            SyncOutcome::Partial,
            SyncOutcome::Failed,
            SyncOutcome::Skipped,
            SyncOutcome::TimedOut,
        ]
        .map(SyncOutcome::as_str)
        .into(),
        "trigger" => [
            "deliver-webhook",
            "pre-token",
            "publish-events",
            "recheck-domains",
            "reconcile-directory",
            "schedule-reconciles",
            "send-invitation",
            "track-members",
        ]
        .into(),
        other => panic!("no values of {other} are known"),
    }
}

/// The metrics that the code writes: one line of each kind, read as CloudWatch reads it.
fn written() -> BTreeSet<Metric> {
    let lines = Arc::new(Mutex::new(Vec::<Value>::new()));
    let kept = Arc::clone(&lines);
    let telemetry = Telemetry::to(move |line| {
        kept.lock()
            .unwrap()
            .push(serde_json::from_str(line).unwrap());
    });
    let telemetry = telemetry.in_namespace(OWN);
    write_one_of_each(&telemetry);

    let mut written = BTreeSet::new();
    let lines: Vec<Value> = lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 10);
    for line in lines {
        for directive in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
            let namespace = directive["Namespace"].as_str().unwrap();
            for dimensions in directive["Dimensions"].as_array().unwrap() {
                let dimensions = dimensions.as_array().unwrap();
                for metric in directive["Metrics"].as_array().unwrap() {
                    let name = metric["Name"].as_str().unwrap();
                    assert!(line[name].is_number(), "{name} in {line}");
                    let dimensions = dimensions.iter().map(|name| name.as_str().unwrap());
                    written.insert(Metric::new(namespace, name, dimensions));
                }
            }
        }
    }
    written
}

fn write_one_of_each(telemetry: &Telemetry) {
    let now = Timestamp::from_millisecond(1_800_000_000_000).unwrap();
    let (duration, measure) = (Duration::from_millis(5), Measure::default());
    let tenant = TenantId::parse("acme").unwrap();
    let user = UserId::parse("ada").unwrap();
    telemetry.write(&RequestLine {
        now,
        request_id: "r",
        route: "GET /organizations",
        caller: None,
        status: 200,
        code: "ok",
        duration,
        measure,
    });
    let line = SyncLine {
        now,
        request_id: "r",
        profile: Some(&Profile {
            tenant_id: tenant.clone(),
            user_id: user.clone(),
            email: None,
            email_verified: false,
            display_name: None,
            entra_object_id: None,
            request_id: String::new(),
        }),
        report: &SyncReport {
            outcome: SyncOutcome::Synced,
            reason: None,
            counts: muster_directory::Counts::default(),
            reading: duration,
            failures: Vec::new(),
        },
        duration,
        measure,
    };
    line.write(telemetry);
    write_run::<PublishCounts>(telemetry);
    write_run::<TrackCounts>(telemetry);
    write_run::<DeliverCounts>(telemetry);
    write_run::<RecheckCounts>(telemetry);
    write_run::<ReconcileCounts>(telemetry);
    write_run::<ScheduleCounts>(telemetry);
    write_run::<SendCounts>(telemetry);
    telemetry.write(&TriggerLine {
        now,
        request_id: "r",
        trigger: "pre-token",
        tenant: Some(&tenant),
        user: Some(&user),
        outcome: "added",
        reason: None,
        duration,
        measure,
    });
}

fn write_run<T: RunCounts + Default>(telemetry: &Telemetry) {
    telemetry.write(&RunLine {
        now: Timestamp::from_millisecond(1_800_000_000_000).unwrap(),
        request_id: "r",
        counts: T::default(),
        duration: Duration::from_millis(5),
        measure: Some(Measure::default()),
    });
}
