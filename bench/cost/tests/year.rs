//! Tests the calculation of the year, and that the document is up to date.

use std::collections::BTreeMap;
use std::fs;

use muster_cost::{Cause, Data, Line, Price, Step, Template, documents, root};

fn price(steps: &[(Option<f64>, f64)]) -> Price {
    let step = |(up_to, usd): &(Option<f64>, f64)| Step {
        up_to: *up_to,
        usd: *usd,
    };
    let text = String::new;
    Price {
        name: text(),
        steps: steps.iter().map(step).collect(),
        per: 10.0,
        unit: text(),
        page: text(),
        seen: text(),
        date: text(),
        read: toml::value::Datetime {
            date: None,
            time: None,
            offset: None,
        },
        confirmed: true,
    }
}

fn near(one: f64, other: f64) {
    assert!(
        (one - other).abs() <= 1e-9 * one.abs().max(1.0),
        "{one} is not {other}"
    );
}

/// US dollars of a line without what timers start, which does not depend on requests.
fn without_timers(line: &Line) -> f64 {
    line.usd - line.causes.get(&Cause::Timers).copied().unwrap_or_default()
}

/// The amount of a line without what timers start. All parts of a line have one price.
fn amount(line: &Line) -> f64 {
    line.amount * without_timers(line) / line.usd
}

#[test]
fn the_cost_document_is_up_to_date() {
    for (path, text) in documents(&root()).unwrap() {
        let written = fs::read_to_string(root().join(path)).unwrap_or_default();
        assert!(written == text, "{path} is stale: run `cargo xtask cost`");
    }
}

#[test]
fn a_price_goes_down_in_steps() {
    let price = price(&[(Some(100.0), 1.0), (Some(200.0), 0.5), (None, 0.25)]);
    near(price.of(0.0), 0.0);
    near(price.of(50.0), 5.0);
    near(price.of(100.0), 10.0);
    near(price.of(150.0), 12.5);
    near(price.of(400.0), 10.0 + 5.0 + 5.0);
}

#[test]
fn priced_resources_are_read_from_the_template() {
    let text = "
  ReconcileMinutes:
    Type: Number
    Default: 15
    MemorySize: 512
    SystemLogLevel: WARN
  OfOneMetric:
    Type: AWS::CloudWatch::Alarm
    Properties:
      MetricName: Throttles
  OfTwoMetrics:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Metrics:
        - Expression: SUM(METRICS())
        - MetricStat: {Stat: Sum}
        - Id: other
          MetricStat:
            Stat: Sum
  Detector:
    Type: AWS::CloudWatch::AnomalyDetector
    Properties:
      MetricStat: {Stat: Sum}
  OfStream:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !If [IsOld, !Ref OldArn, !GetAtt Table.StreamArn]
  OfQueue:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: !GetAtt Work.Arn
";
    let template = Template::parse(text).unwrap();
    assert_eq!(
        template,
        Template {
            memory: 512.0,
            alarm_metrics: 3.0,
            dashboards: 0.0,
            reconcile_minutes: 15.0,
            platform_lines: false,
            queues: vec!["Work".to_owned()],
        }
    );
    assert!(Template::parse("MemorySize: 1\nMemorySize: 2\n").is_err());
    assert!(Template::parse("").is_err());
    // Lambda's own default.
    let text = "\n  ReconcileMinutes:\n    Default: 5\n    MemorySize: 1\n";
    let other = Template::parse(text).unwrap();
    assert!(other.platform_lines);
}

/// One operation, done once by one user, calculated manually.
#[test]
fn a_request_costs_the_sum_of_its_parts() {
    let data = Data::read(&root()).unwrap();
    let mut shape = data.habits.shapes[0].clone();
    shape.users = 1e6;
    shape.monthly = BTreeMap::from([("get organization".to_owned(), 1.0)]);
    let set = [
        ("trip_ms", 8.0),
        ("own_ms", 2.0),
        ("cold_share", 0.0),
        ("requests", 1.0),
    ];
    let set = set.map(|(key, value)| (key.to_owned(), value));
    let bill = data
        .bill(&shape, &data.assumed(&BTreeMap::from(set)))
        .unwrap();
    let measured = data.measured.operations["get organization"];
    let line = |price: &str| bill.line(price).unwrap();
    near(line("api_request").amount, 1e6);
    near(line("api_request").usd, 1.0);
    near(without_timers(line("lambda_request")), 0.2);
    let seconds = 1e6 * (2.0 + 8.0 * measured.round_trips.unwrap()) / 1000.0;
    near(
        amount(line("lambda_time")),
        seconds * data.template.memory / 1024.0,
    );
    let units = |price: &str| without_timers(line(price));
    near(units("read_unit"), measured.read_units * 0.125);
    near(units("write_unit"), measured.write_units * 0.625);
    near(bill.requests, 1e6);
    near(bill.triggers, 0.0);
    near(
        bill.year(),
        12.0 * bill.lines.iter().map(|line| line.usd).sum::<f64>(),
    );
}

/// A change, done once by each user, and what follows it, calculated manually.
#[test]
fn a_change_costs_its_event_and_what_follows_it() {
    let data = Data::read(&root()).unwrap();
    let mut shape = data.habits.shapes[0].clone();
    (shape.users, shape.items) = (1e6, BTreeMap::new());
    shape.monthly = BTreeMap::from([("create invitation by email".to_owned(), 1.0)]);
    let given = [
        ("trip_ms", 8.0),
        ("own_ms", 2.0),
        ("service_ms", 10.0),
        ("webhook_ms", 100.0),
        ("webhook_endpoints", 2.0),
        ("webhook_failures", 0.5),
        ("pollers", 0.0),
        ("cold_share", 0.0),
        ("requests", 1.0),
    ];
    let given = given.map(|(key, value)| (key.to_owned(), value));
    let bill = data
        .bill(&shape, &data.assumed(&BTreeMap::from(given)))
        .unwrap();
    let operation = data.measured.operations["create invitation by email"];
    let events = operation.events.unwrap();
    near(events.count, 1.0);
    near(bill.events, 1e6);
    let batch = |name: &str| data.measured.batches[name];
    let plain = batch("publish-events, 1 event");
    let (matching, mailing) = (
        batch("publish-events, 1 event with a webhook"),
        batch("publish-events, 1 event with a mail"),
    );
    let (webhook, failing) = (
        batch("deliver-webhook, 1 webhook"),
        batch("deliver-webhook, 1 webhook that fails"),
    );
    let mail = batch("send-invitation, 1 mail");
    let line = |price: &str| bill.line(price).unwrap();
    let part = |price: &str, cause: Cause| {
        let causes = &line(price).causes;
        causes.get(&cause).copied().unwrap_or_default()
    };

    // One for the request, one for the stream, three for the webhooks of which one fails, one for the mail.
    near(amount(line("lambda_request")), 6e6);
    near(part("lambda_request", Cause::Publishing), 0.2);
    near(part("lambda_request", Cause::Counting), 0.0);
    near(part("lambda_request", Cause::Webhooks), 0.6);
    near(part("lambda_request", Cause::Mails), 0.2);
    near(line("bus_event").usd, 1.0);
    near(line("mail").usd, 100.0);
    near(
        part("write_unit", Cause::Events),
        events.write_units * 0.625,
    );
    let rest = operation.write_units - events.write_units;
    near(part("write_unit", Cause::Requests), rest * 0.625);
    let units = 2.0 * webhook.write_units + failing.write_units;
    near(part("write_unit", Cause::Webhooks), units * 0.625);
    // A request puts the messages of both endpoints on the queue. Each is received and deleted, and one is sent again.
    let sent = matching.queue_requests - plain.queue_requests + failing.queue_requests;
    near(part("queue_request", Cause::Webhooks), (sent + 6.0) * 0.4);
    let sent = mailing.queue_requests - plain.queue_requests;
    near(part("queue_request", Cause::Mails), (sent + 2.0) * 0.4);
    let bytes = 2.0 * webhook.webhook_bytes + failing.webhook_bytes;
    let gb = 1024.0 * 1024.0 * 1024.0;
    near(
        line("transfer").amount,
        1e6 * (bytes + operation.answer_bytes.unwrap()) / gb,
    );
    let ms = |batch: muster_cost::Batch| {
        2.0 + batch.table_calls * 8.0 + batch.service_calls * 10.0 + batch.webhooks * 100.0
    };
    let of_webhooks = ms(matching) - ms(plain) + 2.0 * ms(webhook) + ms(failing);
    let of_mails = ms(mailing) - ms(plain) + ms(mail);
    let own = 2.0 + operation.round_trips.unwrap() * 8.0;
    let seconds = 1e6 * (own + ms(plain) + of_webhooks + of_mails) / 1000.0;
    near(
        amount(line("lambda_time")),
        seconds * data.template.memory / 1024.0,
    );
    let months = 400.0 / (365.25 / 12.0);
    near(
        line("pitr").amount - part("pitr", Cause::Webhooks) / 0.2,
        1e6 * months * (events.bytes + 100.0) / gb,
    );
}

#[test]
fn the_causes_of_a_line_are_all_of_it() {
    let data = Data::read(&root()).unwrap();
    let assumed = data.assumed(&BTreeMap::new());
    for shape in &data.habits.shapes {
        let bill = data.bill(shape, &assumed).unwrap();
        for line in &bill.lines {
            near(line.causes.values().sum(), line.usd);
            assert!(line.causes.values().all(|usd| *usd >= 0.0), "{line:?}");
        }
        let of_requests = bill.year_of(Cause::Requests);
        let of_changes = Cause::OF_CHANGES.map(|cause| bill.year_of(cause));
        let of_timers = bill.year_of(Cause::Timers);
        let sum = of_requests + of_timers + of_changes.iter().sum::<f64>();
        near(sum, bill.year());
        assert!(of_timers > 0.0, "{}", shape.name);
        // A profile without invitations by email pays only for the polls of their queue.
        let mut of_changes = of_changes.iter();
        assert!(of_changes.all(|usd| *usd > 0.0), "{}", shape.name);
    }
}

#[test]
fn no_measured_batch_is_left_out_of_the_year() {
    let data = Data::read(&root()).unwrap();
    let assumed = data.assumed(&BTreeMap::new());
    let year = |data: &Data| -> f64 {
        let bills = data
            .habits
            .shapes
            .iter()
            .map(|shape| data.bill(shape, &assumed));
        bills.map(|bill| bill.unwrap().year()).sum()
    };
    for name in data.measured.batches.keys() {
        // Shown only to compare with a batch of one.
        if name.contains("10 events") {
            continue;
        }
        let mut other = data.clone();
        other.measured.batches.get_mut(name).unwrap().write_units += 1.0;
        assert!((year(&other) - year(&data)).abs() > 1e-6, "{name}");
    }
}

/// Fixed costs multiply with the number of stacks; usage does not.
#[test]
fn every_deployment_has_alarms_metrics_and_a_secret_of_its_own() {
    let data = Data::read(&root()).unwrap();
    let assumed = data.assumed(&BTreeMap::new());
    let of = |deployments: f64| {
        let mut shape = data.habits.shapes[2].clone();
        shape.deployments = deployments;
        data.bill(&shape, &assumed).unwrap()
    };
    let (one, five) = (of(1.0), of(5.0));
    for line in &one.lines {
        let times = match line.price {
            "alarm" | "dashboard" | "metric" | "secret" | "key_request" => 5.0,
            // Each stack polls its queues.
            "queue_request" => {
                assert!(five.line("queue_request").unwrap().amount > line.amount);
                continue;
            }
            // Each stack samples the first request of each second.
            "trace" => {
                assert!(five.line("trace").unwrap().amount > line.amount);
                continue;
            }
            _ => 1.0,
        };
        let of_five = without_timers(five.line(line.price).unwrap());
        near(of_five, without_timers(line) * times);
    }
}

#[test]
fn cost_grows_with_requests_and_storage_remains() {
    let data = Data::read(&root()).unwrap();
    for shape in &data.habits.shapes {
        let year = |requests: f64| {
            let set = BTreeMap::from([("requests".to_owned(), requests)]);
            data.bill(shape, &data.assumed(&set)).unwrap()
        };
        assert!(year(1.0).year() < year(2.0).year());
        let nothing = year(0.0);
        for line in &nothing.lines {
            let stays = [
                "storage",
                "pitr",
                "queue_request",
                "alarm",
                "dashboard",
                "secret",
            ]
            .contains(&line.price);
            assert!(stays || without_timers(line).abs() < 1e-9, "{line:?}");
        }
        assert!(nothing.line("storage").unwrap().usd > 0.0);
    }
}

#[test]
fn every_price_has_a_source_and_a_date() {
    let data = Data::read(&root()).unwrap();
    for (key, price) in data.prices.all() {
        assert!(price.page.starts_with("https://aws.amazon.com/"), "{key}");
        assert!(price.seen.starts_with("https://"), "{key}");
        assert!(!price.date.is_empty(), "{key}");
        let day = price.read;
        assert!(day.date.is_some() && day.time.is_none(), "{key}");
        assert!(price.steps.iter().all(|step| step.usd > 0.0), "{key}");
        assert!(price.steps.last().unwrap().up_to.is_none(), "{key}");
    }
}
