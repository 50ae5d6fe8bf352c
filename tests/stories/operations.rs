//! The documents for operators: a section for each alarm, queries of logged fields, existing
//! metrics.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use muster::domain::{TenantId, Timestamp, UserId};
use muster::store::{Measure, Profile};
use muster::telemetry::Telemetry;
use muster_directory::{Counts, SyncLine, SyncOutcome, SyncReport};
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
use support::root;

use crate::readme::{blocks, documents, read, section};

/// The alarms of the template, each with its lines.
fn alarms(template: &str) -> Vec<(&str, &str)> {
    let resources = template.split("\n\n  ").filter_map(|part| {
        let (head, rest) = part.split_once("    Type: AWS::CloudWatch::Alarm\n")?;
        let name = head.trim().lines().last()?.trim().strip_suffix(':')?;
        Some((name, rest))
    });
    resources.collect()
}

#[test]
fn every_alarm_names_its_section_of_the_runbook() {
    let (template, runbook) = (read("template.yaml"), read("docs/RUNBOOK.md"));
    let alarms = alarms(&template);
    assert!(alarms.len() > 8, "the alarms are found");
    let names: Vec<_> = alarms.iter().map(|(name, _)| *name).collect();
    let headings = runbook.lines().filter_map(|line| line.strip_prefix("## "));
    assert_eq!(
        headings.collect::<Vec<_>>(),
        names,
        "each, in the same order"
    );
    for (name, alarm) in alarms {
        let link = format!("(docs/RUNBOOK.md#{})", name.to_lowercase());
        let described = alarm
            .lines()
            .find(|line| line.trim_start().starts_with("AlarmDescription:"));
        assert!(described.unwrap().ends_with(&link), "{name}");
        let section = section(&runbook, name);
        let mut at = 0;
        for part in ["\n**Means.** ", "\n**Look.**", "\n**Do.**", "\n**Wake.** "] {
            let found = section[at..].find(part);
            at += found.unwrap_or_else(|| panic!("{name} has no {part} in its section"));
        }
    }
}

/// The fields of a line, including nested ones: `record.status`.
fn fields(line: &Value) -> BTreeSet<String> {
    let fields = line.as_object().into_iter().flatten();
    fields.map(|(name, _)| name.clone()).collect()
}

fn write_run<T: RunCounts>(telemetry: &Telemetry, counts: T) {
    telemetry.write(&RunLine {
        now: Timestamp::from_millisecond(1_800_000_000_000).unwrap(),
        request_id: "r",
        counts,
        duration: Duration::ZERO,
        measure: Some(Measure::default()),
    });
}

/// One line of each kind that the functions write.
fn lines() -> Vec<Value> {
    let lines = Arc::new(Mutex::new(Vec::<Value>::new()));
    let kept = Arc::clone(&lines);
    let telemetry = Telemetry::to(move |line| {
        kept.lock()
            .unwrap()
            .push(serde_json::from_str(line).unwrap());
    });
    let now = Timestamp::from_millisecond(1_800_000_000_000).unwrap();
    let (duration, measure) = (Duration::ZERO, Measure::default());
    let (tenant, user) = (TenantId::parse("t").unwrap(), UserId::parse("u").unwrap());
    telemetry.write(&RequestLine {
        now,
        request_id: "r",
        route: "GET /teams",
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
            outcome: SyncOutcome::Failed,
            reason: None,
            counts: Counts::default(),
            reading: duration,
            failures: vec!["down".into()],
        },
        duration,
        measure,
    };
    line.write(&telemetry);
    let counts = PublishCounts {
        set_aside: 1,
        ..PublishCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = TrackCounts {
        failed: 1,
        ..TrackCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = RecheckCounts {
        failed: 1,
        ..RecheckCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = ReconcileCounts {
        run_blocked: 1,
        ..ReconcileCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = ScheduleCounts {
        late: 1,
        ..ScheduleCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = DeliverCounts {
        given_up: 1,
        ..DeliverCounts::default()
    };
    write_run(&telemetry, counts);
    let counts = SendCounts {
        given_up: 1,
        ..SendCounts::default()
    };
    write_run(&telemetry, counts);
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
    let lines = lines.lock().unwrap();
    lines.clone()
}

/// The words of a query or of a part of it.
fn words(query: &str) -> Vec<&str> {
    query
        .split(|c: char| !c.is_alphanumeric() && !"_.@".contains(c))
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '@'))
        .collect()
}

/// The fields in a query: words outside of quotes and slashes that are neither numbers nor part of
/// the query language.
fn fields_of_query(query: &str) -> BTreeSet<String> {
    const WORDS: [&str; 28] = [
        "fields",
        "parse",
        "filter",
        "stats",
        "sort",
        "limit",
        "display",
        "by",
        "as",
        "and",
        "or",
        "in",
        "like",
        "desc",
        "asc",
        "count",
        "sum",
        "max",
        "min",
        "avg",
        "pct",
        "bin",
        "ispresent",
        "not",
        "1m",
        "5m",
        "15m",
        "1h",
    ];
    let unquoted: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let unquoted: String = unquoted
        .split(" /")
        .map(|part| part.rsplit_once("/ ").map_or(part, |(_, rest)| rest))
        .collect::<Vec<_>>()
        .join(" ");
    let mut named = BTreeSet::new();
    for command in unquoted.split('|') {
        let words = words(command);
        let all_at_once = words.first() == Some(&"parse");
        for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "as") {
            let behind = words[at + 1..].iter().copied();
            named.extend(behind.take(if all_at_once { usize::MAX } else { 1 }));
        }
    }
    let fields = words(&unquoted)
        .into_iter()
        .filter(|word| !WORDS.contains(word) && !named.contains(word));
    fields.map(str::to_owned).collect()
}

#[test]
fn queries_use_logged_fields() {
    let mut known: BTreeSet<String> = lines().iter().flat_map(fields).collect();
    // Fields of CloudWatch itself, and of Lambda's own lines.
    let others = [
        "@timestamp",
        "@message",
        "@logStream",
        "type",
        "record.status",
        "record.metrics.initDurationMs",
    ];
    known.extend(others.map(str::to_owned));
    // Fields of the access log.
    let template = read("template.yaml");
    let (_, format) = template.split_once("{\"requestId\"").unwrap();
    let (format, _) = format.split_once('}').unwrap();
    let names = format
        .split("\"$context.")
        .filter_map(|part| part.rsplit('"').nth(1));
    known.extend(names.map(str::to_owned));

    let mut queries = 0;
    for (path, markdown) in documents() {
        let in_blocks = blocks(&markdown);
        let in_blocks = in_blocks
            .iter()
            .filter(|block| block.language == "insights");
        let in_commands = markdown
            .split("--query-string '")
            .skip(1)
            .filter_map(|rest| rest.split_once('\'').map(|(query, _)| query));
        for query in in_blocks.map(|block| block.text).chain(in_commands) {
            queries += 1;
            for field in fields_of_query(query) {
                assert!(
                    known.contains(&field),
                    "{}: {field} in\n{query}",
                    path.display()
                );
            }
        }
    }
    assert!(queries > 10, "the queries are found");
}

#[test]
fn misspelled_fields_of_queries_are_found() {
    let query = "filter message in [\"a b\"] and @message like /x y/ | stats max(Duratoin) as longest by bin(5m)\n| sort longest desc";
    let fields = fields_of_query(query);
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    assert_eq!(fields, ["@message", "Duratoin", "message"]);
    let parsed =
        "parse @logStream \"*[*\" as function, rest | stats count(*) as lines by fuction, rest";
    let fields = fields_of_query(parsed);
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    assert_eq!(fields, ["@logStream", "fuction"]);
}

/// The names of all tests.
fn tests() -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    let mut folders: Vec<_> = [
        "delivery",
        "directory",
        "dns",
        "domain",
        "functions",
        "scim",
        "shared",
        "local",
        "tests",
        "xtask",
    ]
    .map(|top| root().join(top))
    .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let source = fs::read_to_string(path).unwrap();
                let attributes = source.split("#[").skip(1);
                for after in attributes
                    .filter(|after| after.starts_with("test]") || after.starts_with("tokio::test"))
                {
                    let name = after
                        .split_once("fn ")
                        .and_then(|(_, rest)| rest.split_once('('));
                    tests.extend(name.map(|(name, _)| name.to_owned()));
                }
            }
        }
    }
    tests
}

#[test]
fn tests_named_in_the_security_document_exist() {
    let tests = tests();
    let mut named = 0;
    for (path, markdown) in documents() {
        let prose: String = markdown.split("\n```").step_by(2).collect();
        for span in prose.split('`').skip(1).step_by(2) {
            let is_name = span
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            // Fields of the API are shorter.
            if is_name && span.matches('_').count() > 3 {
                named += 1;
                assert!(tests.contains(span), "{}: no test {span}", path.display());
            }
        }
    }
    assert!(named > 20, "the tests are found");
}
