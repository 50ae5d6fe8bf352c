//! The logs of a run: a line for each request, another one for each failure, and no secrets or
//! personal data.

use aws_sdk_dynamodb::types::AttributeValue;
use muster_local::Options;
use reqwest::Method;
use serde_json::{Value, json};
use support::{ACME, Fault, Faults, Lines, Reply, World};

/// Part of every text that a caller sends or the table stores.
const SECRET: &str = "hush";

/// Sends requests of all kinds, valid and invalid, and returns the functions' responses.
async fn run(world: &World, faults: &Faults) -> Vec<Reply> {
    let mut replies = Vec::new();
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let full = json!({
        "name": format!("{SECRET} name"),
        "domain": format!("{SECRET}.example"),
        "billing_email": format!("{SECRET}@acme.example"),
        "billing_address": format!("{SECRET} street"),
        "stripe_customer_id": format!("cus_{SECRET}"),
        "metadata": {SECRET: SECRET},
        "limits": {"models": [SECRET]},
    });
    let made = ada
        .post_once("/organizations", SECRET, full.clone())
        .await
        .expect(201);
    let organization = made.headers["location"].clone();
    replies.push(made);
    replies.push(
        ada.post_once("/organizations", SECRET, full.clone())
            .await
            .expect(201),
    );
    replies.push(ada.post("/organizations", full.clone()).await.expect(409));
    let wrong = json!({"name": format!("{SECRET}\n"), SECRET: 1, "billing_email": SECRET});
    replies.push(ada.post("/organizations", wrong).await.expect(400));
    replies.push(
        ada.text("POST", "/organizations", &format!("{{{SECRET}"))
            .await
            .expect(400),
    );
    replies.push(
        ada.patch(&organization, json!({"metadata": {"a": SECRET}}))
            .await
            .expect(200),
    );
    let profile = json!({"email": format!("{SECRET}@acme.example"), "display_name": SECRET});
    replies.push(root.put("/users/bob", profile).await.expect(201));
    for path in [
        "/organizations".to_owned(),
        format!("/organizations?name_prefix={SECRET}"),
        format!("/organizations?cursor={SECRET}"),
        format!("{organization}?{SECRET}={SECRET}"),
        "/users/bob".to_owned(),
        format!("/users/me/organizations?status={SECRET}"),
        "/users/no%20id".to_owned(),
    ] {
        replies.push(root.get(&path).await);
    }
    let members = format!("{organization}/members");
    replies.push(
        ada.post(&members, json!({"user_id": "bob"}))
            .await
            .expect(201),
    );
    replies.push(
        ada.post(&members, json!({"user_id": SECRET}))
            .await
            .expect(422),
    );
    replies.push(world.user("eve").get(&members).await.expect(404));
    let claims = json!({"sub": "ada", "email": format!("{SECRET}@acme.example")});
    let token = world
        .stack
        .token_with(claims.as_object().unwrap().clone())
        .unwrap();
    let nobody = world.bearer("ada", Some(token));
    let request = nobody
        .request(Method::GET, "/organizations")
        .header("x-secret", SECRET);
    replies.push(nobody.send(request).await.expect(403));
    replies.extend(failures(world, faults, &organization).await);
    replies
}

/// Requests that fail because of internal errors.
async fn failures(world: &World, faults: &Faults, organization: &str) -> Vec<Reply> {
    let (ada, root) = (world.user("ada"), world.tenant_admin());
    let mut replies = Vec::new();
    for fault in [Fault::Throttle, Fault::Failure(500), Fault::CutBefore] {
        faults.always("BatchGetItem", fault);
        let reply = ada.get(organization).await;
        assert!([429, 503].contains(&reply.status), "{reply:?}");
        replies.push(reply);
    }
    faults.stop();
    faults.always("TransactWriteItems", Fault::Failure(503));
    replies.push(
        ada.patch(organization, json!({"billing_address": SECRET}))
            .await
            .expect(503),
    );
    faults.stop();

    // Unreadable rows with personal data.
    let pk = format!(
        "TENANT#{ACME}#ORG#{}",
        organization.trim_start_matches("/organizations/")
    );
    for (pk, sk, attribute, value, path) in [
        (
            &*pk,
            "ORG",
            "metadata",
            text(&format!("\"{SECRET}\"")),
            organization,
        ),
        (
            &*pk,
            "ORG",
            "name",
            text(&format!("{SECRET}\n")),
            organization,
        ),
        (&*pk, "ORG", "source", text(SECRET), organization),
        (
            "TENANT#acme#USER#bob",
            "USER",
            "email",
            text(SECRET),
            "/users/bob",
        ),
        (
            "TENANT#acme#USER#bob",
            "USER",
            "version",
            text(SECRET),
            "/users/bob",
        ),
    ] {
        world.tamper(pk, sk, attribute, value).await;
        replies.push(root.get(path).await.expect(500));
    }
    replies
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

#[tokio::test]
async fn log_lines_per_request_and_failure_have_no_secrets() {
    let (options, lines) = Lines::collect(Options::default());
    let (world, faults) = Faults::world(options).await;
    let replies = run(&world, &faults).await;
    let lines = lines.take();
    let of = |message: &str| -> Vec<&Value> {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .collect()
    };
    let (requests, failures) = (of("request"), of("failure"));
    assert_eq!(requests.len() + failures.len(), lines.len());

    assert_eq!(requests.len(), replies.len());
    for (line, reply) in requests.iter().zip(&replies) {
        assert_eq!(line["request_id"], reply.headers["x-request-id"]);
        assert_eq!(line["status"], reply.status);
        assert_eq!(line["RoundTrips"], reply.round_trips());
        let code = if reply.status < 400 {
            "ok"
        } else {
            reply.body["code"].as_str().unwrap()
        };
        assert_eq!(line["code"], code);
        assert_eq!(line["Failures"], u8::from(reply.status >= 500), "{line}");
        is_a_request(line, code == "no-tenant");
    }
    // An internal error: logged once, with its causes.
    let failed: Vec<_> = replies
        .iter()
        .filter(|reply| reply.status >= 500 || reply.status == 429)
        .map(|reply| reply.headers["x-request-id"].clone())
        .collect();
    assert!(failed.len() >= 9);
    let logged: Vec<_> = failures
        .iter()
        .map(|line| line["request_id"].as_str().unwrap())
        .collect();
    assert_eq!(logged, failed);
    for line in failures {
        assert_eq!(line["level"], "ERROR");
        assert!(
            line["error"].as_str().unwrap().contains(": "),
            "without a cause: {line}"
        );
        assert!(
            line["code"].is_string() && line["time"].is_string(),
            "{line}"
        );
    }
    for line in &lines {
        let line = line.to_string();
        for secret in [SECRET, "Bearer", "eyJ", "authorization"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
    }
}

/// Fails unless the line has the fields of a request and valid CloudWatch metrics: every metric is
/// a number at the root, every dimension a string.
fn is_a_request(line: &Value, nobody: bool) {
    for field in ["request_id", "route", "code", "level", "time"] {
        assert!(
            line[field].as_str().is_some_and(|text| !text.is_empty()),
            "{field} in {line}"
        );
    }
    let (method, path) = line["route"].as_str().unwrap().split_once(' ').unwrap();
    assert!(
        method.parse::<Method>().is_ok() && path.starts_with('/'),
        "{line}"
    );
    for field in ["tenant", "caller"] {
        assert_eq!(line[field].is_null(), nobody, "{field} in {line}");
    }
    let about = &line["_aws"];
    assert!(
        about["Timestamp"]
            .as_u64()
            .is_some_and(|time| time > 1_700_000_000_000),
        "{line}"
    );
    for directive in about["CloudWatchMetrics"].as_array().unwrap() {
        assert!(
            directive["Namespace"]
                .as_str()
                .is_some_and(|name| !name.is_empty())
        );
        for set in directive["Dimensions"].as_array().unwrap() {
            let set = set.as_array().unwrap();
            assert!(set.len() <= 30);
            for dimension in set {
                let value = &line[dimension.as_str().unwrap()];
                assert!(
                    value
                        .as_str()
                        .is_some_and(|text| (1..=1_024).contains(&text.len())),
                    "{line}"
                );
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            assert!(
                line[metric["Name"].as_str().unwrap()].is_number(),
                "{metric} in {line}"
            );
            let is_duration = metric["Name"] == "Duration";
            let unit = is_duration.then_some("Milliseconds");
            assert_eq!(metric["Unit"].as_str(), unit, "{metric}");
        }
    }
    for metric in ["Requests", "Failures", "Duration", "RoundTrips", "Repeats"] {
        assert!(
            about.to_string().contains(&format!("\"{metric}\"")),
            "{metric}"
        );
    }
}
