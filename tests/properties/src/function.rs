//! The functions on a table that rejects every call: records the calls and checks them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::interceptors::BeforeTransmitInterceptorContextMut;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use muster::config::Settings;
use muster::domain::{Clock, Timestamp};
use muster::store::Store;
use muster::telemetry::Telemetry;
use muster_functions::runtime::StartedFunction;
use muster_functions::{App, functions};
use serde_json::Value;
use serde_json::value::to_raw_value;

/// The caller's tenant.
pub(crate) const TENANT: &str = "acme";

/// The result of an invocation.
pub(crate) struct Invoked {
    /// The function's response; `None` for an event that is not its own.
    pub(crate) answer: Option<Value>,
    /// The calls to the table, all of which failed.
    pub(crate) requests: Vec<Value>,
}

const INVITATION_SECRET: &str =
    "arn:aws:secretsmanager:eu-central-1:123456789012:secret:muster-invitations-AbCdEf";

/// Invokes the function of this name.
pub(crate) fn invoke(name: &str, event: Value) -> Invoked {
    thread_local! {
        static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
    }
    STAGE.with_borrow_mut(|stage| stage.get_or_insert_with(Stage::new).invoke(name, event))
}

/// Created once: creating a client costs more than its use.
struct Stage {
    runtime: tokio::runtime::Runtime,
    functions: BTreeMap<&'static str, StartedFunction>,
    requests: SentRequests,
}

impl Stage {
    fn new() -> Self {
        let requests = SentRequests::default();
        let client = muster::store::client(|_| Some("local".to_owned())).unwrap();
        let config = client.config().to_builder().interceptor(requests.clone());
        let settings = Settings::read(|name| (name == "TABLE_NAME").then(|| "muster".to_owned()));
        let clock = || (Timestamp::from_millisecond(0).unwrap(), uuid::Uuid::nil());
        let app = App {
            store: Store::new(Client::from_conf(config.build()), "muster"),
            settings: settings.unwrap(),
            clock: Clock::from_fn(clock),
            telemetry: Telemetry::to(|_| {}),
        };
        let variables = |name: &str| {
            if name == "INVITATION_SECRET_ARN" {
                return Some(INVITATION_SECRET.to_owned());
            }
            let own = [
                "EVENT_BUS_NAME",
                "FAILURES_QUEUE_URL",
                "WEBHOOK_QUEUE_URL",
                "WEBHOOK_FAILURES_QUEUE_URL",
                "INVITATION_QUEUE_URL",
                "INVITATION_FAILURES_QUEUE_URL",
                "RECONCILE_QUEUE_URL",
            ];
            let aws = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
            let is_needed = own.iter().chain(&aws).any(|it| *it == name);
            is_needed.then(|| "local".to_owned())
        };
        let functions = functions().iter().map(|function| {
            let started = function.start(app.clone(), &variables);
            (function.name, started.unwrap())
        });
        Self {
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap(),
            functions: functions.collect(),
            requests,
        }
    }

    fn invoke(&self, name: &str, event: Value) -> Invoked {
        let context = lambda_runtime::Context::default();
        let answer = self.functions[name](to_raw_value(&event).unwrap(), context);
        let answer = self.runtime.block_on(answer).ok();
        Invoked {
            answer: answer.map(|it| serde_json::from_str(it.get()).unwrap()),
            requests: std::mem::take(&mut *self.requests.0.lock().unwrap()),
        }
    }
}

/// Records the calls to the table and answers none.
#[derive(Clone, Debug, Default)]
struct SentRequests(Arc<Mutex<Vec<Value>>>);

impl Intercept for SentRequests {
    fn name(&self) -> &'static str {
        "SentRequests"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.request().body().bytes().unwrap_or_default();
        self.0.lock().unwrap().push(serde_json::from_slice(body)?);
        Err("the table rejects all calls".into())
    }
}

/// Every partition in the calls belongs to the tenant.
pub(crate) fn assert_of_the_tenant(requests: &Value) {
    match requests {
        Value::Array(items) => items.iter().for_each(assert_of_the_tenant),
        Value::Object(members) => {
            for (name, value) in members {
                let key = value["S"].as_str();
                if let (true, Some(key)) = (name.ends_with("pk"), key) {
                    let own = format!("TENANT#{TENANT}#");
                    assert!(key.starts_with(&own), "{name}: {key}");
                }
                assert_of_the_tenant(value);
            }
        }
        _ => {}
    }
}

/// A response of the contract: an error of the caller, unless the table was called.
pub(crate) fn assert_in_the_contract(invoked: &Invoked) {
    invoked.requests.iter().for_each(assert_of_the_tenant);
    let Some(answer) = &invoked.answer else {
        return;
    };
    let status = answer["statusCode"].as_u64().unwrap();
    if invoked.requests.is_empty() {
        assert!((400..500).contains(&status), "{answer}");
    } else {
        assert_eq!(status, 503, "{answer}");
    }
    let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
    assert_eq!(body["status"], status);
    for member in ["type", "title", "detail", "code", "request_id"] {
        assert!(body[member].is_string(), "{member} in {body}");
    }
    let instance = body["instance"].as_str().unwrap();
    assert!(instance.bytes().all(|byte| byte.is_ascii_graphic()));
    let none = Vec::new();
    let errors = body["errors"].as_array().unwrap_or(&none);
    assert!(errors.len() <= 100);
    for error in errors {
        assert!(error["pointer"].as_str().unwrap().starts_with('/'));
        assert!(!error["detail"].as_str().unwrap().is_empty());
    }
    // No header of a response contains a line break.
    let single = answer["headers"].as_object().unwrap().values();
    let multiple = answer["multiValueHeaders"].as_object().unwrap().values();
    let multiple = multiple.flat_map(|values| values.as_array().unwrap());
    for header in single.chain(multiple) {
        let header = header.as_str().unwrap();
        assert!(!header.chars().any(char::is_control), "{header:?}");
    }
}
