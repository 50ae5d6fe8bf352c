//! Tests the calculation of the year, and that the document is up to date.

use std::collections::BTreeMap;
use std::fs;

use muster_cost::{Data, Price, Step, Template, documents, root};

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
fn memory_alarms_and_dashboards_are_read_from_the_template() {
    let text = "
    MemorySize: 512
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
";
    let template = Template::parse(text).unwrap();
    assert_eq!(
        template,
        Template {
            memory: 512.0,
            alarm_metrics: 3.0,
            dashboards: 0.0
        }
    );
    assert!(Template::parse("MemorySize: 1\nMemorySize: 2\n").is_err());
    assert!(Template::parse("").is_err());
}

/// One operation, done once by one user, calculated manually.
#[test]
fn a_single_request_costs_what_its_parts_cost() {
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
    near(line("lambda_request").usd, 0.2);
    let seconds = 1e6 * (2.0 + 8.0 * measured.round_trips.unwrap()) / 1000.0;
    near(
        line("lambda_time").amount,
        seconds * data.template.memory / 1024.0,
    );
    near(line("read_unit").usd, measured.read_units * 0.125);
    near(line("write_unit").usd, measured.write_units * 0.625);
    near(bill.requests, 1e6);
    near(bill.triggers, 0.0);
    near(
        bill.year(),
        12.0 * bill.lines.iter().map(|line| line.usd).sum::<f64>(),
    );
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
            // Each stack samples the first request of each second.
            "trace" => {
                assert!(five.line("trace").unwrap().amount > line.amount);
                continue;
            }
            _ => 1.0,
        };
        near(five.line(line.price).unwrap().amount, line.amount * times);
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
            let stays = ["storage", "pitr", "alarm", "dashboard", "secret"].contains(&line.price);
            assert!(stays || line.usd == 0.0, "{line:?}");
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
