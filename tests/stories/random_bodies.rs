//! Sends any JSON to any route that writes: it is applied, or rejected with a problem document.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use support::{Reply, World, filled};

/// A value that looks like a key of the table. Accepted metadata repeats it.
const INJECTED: &str = "TENANT#acme";

/// The response without the values that a request injected.
fn without_injected(reply: Reply) -> Reply {
    let body = reply.body.to_string();
    let body = body.replace(&json!(INJECTED).to_string(), "null");
    Reply {
        body: serde_json::from_str(&body).unwrap(),
        ..reply
    }
}

/// Names of known fields, so that random bodies get past the first validation.
const FIELDS: [&str; 26] = [
    "name",
    "domain",
    "billing_email",
    "billing_address",
    "stripe_customer_id",
    "metadata",
    "limits",
    "models",
    "max_budget",
    "budget_duration",
    "tpm_limit",
    "rpm_limit",
    "user_id",
    "role",
    "status",
    "email",
    "display_name",
    "entra_object_id",
    "description",
    "is_default",
    "organization_id",
    "url",
    "event_types",
    "from",
    "to",
    "x",
];

/// Values that are valid for some field, or nearly.
fn likely() -> impl Strategy<Value = Value> {
    let texts = [
        "Acme",
        "ada",
        "bob",
        "root",
        "owner",
        "readonly",
        "member",
        "leader",
        "active",
        "invited",
        "suspended",
        "acme.example",
        "ada@acme.example",
        "cus_1",
        "30d",
        "1mo",
        "all-org-models",
        INJECTED,
        "",
        " ",
        "\0",
        "me",
    ];
    prop_oneof![
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
        prop::sample::select(vec![
            json!(null),
            json!({}),
            json!([]),
            json!(0),
            json!(-0.0),
            json!("https://hooks.acme.example/muster"),
            json!("https://10.0.0.1/"),
            json!(["*"]),
            json!(["team.*", "user.updated"]),
            json!(["team*"]),
            json!("2026-01-01T00:00:00Z"),
            json!("2026-01-02T00:00:00Z"),
        ]),
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        "\\PC{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ]
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![likely(), scalar()];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        8 => prop::sample::select(FIELDS.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec((name, value), 0..6)
        .prop_map(|fields| Value::Object(fields.into_iter().collect::<Map<_, _>>()))
}

/// Mostly objects with known fields, so that many are accepted.
fn body() -> impl Strategy<Value = Value> {
    prop_oneof![4 => object(likely()), 4 => object(json_value()), 1 => json_value()]
}

#[test]
fn random_json_is_accepted_or_rejected_with_a_problem() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (world, id, team, hook) = runtime.block_on(async {
        let (world, _, id) = World::acme().await;
        let teams = format!("/organizations/{id}/teams");
        let made = world
            .tenant_admin()
            .post(&teams, json!({"name": "Team"}))
            .await;
        let team = made.expect(201).body["id"].as_str().unwrap().to_owned();
        let hook = json!({"url": "https://hooks.acme.example/", "event_types": ["team.*"]});
        let made = world.tenant_admin().post("/webhook-endpoints", hook).await;
        let hook = made.expect(201).body["id"].as_str().unwrap().to_owned();
        (world, id, team, hook)
    });
    let routes = runtime.block_on(world.routes());
    let mut writes: Vec<_> = routes
        .iter()
        .filter_map(|route| route.split_once(' '))
        .filter(|(method, _)| ["POST", "PUT", "PATCH"].contains(method))
        .map(|(method, path)| {
            let path = path
                .replace("{team_id}", &team)
                .replace("{endpoint_id}", &hook);
            (method, filled(&path, &id, "bob"))
        })
        .collect();
    writes.push(("PATCH", format!("/organizations/{id}/members/root")));
    let root = world.tenant_admin();
    let taken = std::cell::Cell::new(0);

    let config = Config {
        cases: 80,
        // A failing body is printed; no file of regressions.
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&body(), |body| {
        let body = body.to_string();
        for (method, path) in &writes {
            let reply = runtime.block_on(root.text(method, path, &body));
            prop_assert!(reply.status < 500, "{method} {path} {reply:?}");
            if reply.status < 300 {
                taken.set(taken.get() + 1);
                without_injected(reply).tells_nothing_internal();
            } else {
                reply.any_problem();
            }
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    // Otherwise nothing behind the first validation would be tested.
    assert!(taken.get() > 50, "only {} were accepted", taken.get());
}
