mod pages;

use std::path::PathBuf;
use std::sync::Mutex;

use muster::domain::Clock;
use reqwest::{Client as Http, Response};
use serde_json::json;

use super::*;
use crate::Handler;

const EXAMPLE: &str = include_str!("../template/example.yaml");

fn options() -> Options {
    let trigger = Handler::new(|event, _| async move {
        match event.get("fail") {
            Some(why) => Err(why.to_string().into()),
            None => Ok(event),
        }
    });
    Options {
        template: EXAMPLE.to_owned(),
        handlers: [("trigger".to_owned(), trigger)].into(),
        ..Options::default()
    }
}

async fn start(options: Options) -> Stack {
    Stack::start(options).await.unwrap()
}

async fn problem(options: Options) -> String {
    match Stack::start(options).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

/// A directory that is deleted with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("muster-{}", Clock::system().new_id())))
    }

    fn options(&self) -> Options {
        Options {
            data: Some(self.0.clone()),
            ..options()
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn invoke(stack: &Stack, name: &str, kind: &str, payload: &str) -> Response {
    let url = format!("{}/2015-03-31/functions/{name}/invocations", stack.url());
    let request = Http::new().post(url).header("x-amz-invocation-type", kind);
    request.body(payload.to_owned()).send().await.unwrap()
}

#[tokio::test]
async fn the_table_matches_the_template() {
    let stack = start(options()).await;
    let table = stack
        .client()
        .describe_table()
        .table_name("muster")
        .send()
        .await
        .unwrap();
    let table = table.table.unwrap();
    assert_eq!(table.global_secondary_indexes().len(), 1);
    assert!(table.stream_specification.is_some());
    let ttl = stack
        .client()
        .describe_time_to_live()
        .table_name("muster")
        .send()
        .await
        .unwrap();
    let ttl = ttl.time_to_live_description.unwrap();
    assert_eq!(ttl.attribute_name.as_deref(), Some("expires_at"));
    stack.stop().await;
}

#[tokio::test]
async fn the_product_starts_with_its_own_template() {
    let stack = start(Options::default()).await;
    assert_eq!(
        stack.warnings(),
        [""; 0],
        "every function of the template is linked"
    );
    let health = reqwest::get(format!("{}/_local/health", stack.url()))
        .await
        .unwrap();
    assert_eq!(health.status(), 200);
    let routes = reqwest::get(format!("{}/_local/routes", stack.url()))
        .await
        .unwrap();
    let routes: Value = routes.json().await.unwrap();
    assert!(routes["routes"].as_array().unwrap().len() > 10);
    stack.stop().await;
}

#[tokio::test]
async fn a_token_over_http_is_signed_by_the_issuer() {
    let stack = start(options()).await;
    let url = format!("{}/_local/token", stack.url());
    let body =
        json!({"user_id": "ada", "tenant_id": "acme", "groups": ["x"], "email": "a@b.example"});
    let answer = Http::new().post(&url).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(
        (&answer["token_type"], &answer["expires_in"]),
        (&json!("Bearer"), &json!(3600))
    );

    // Verifies it as a client would: with the documents of the issuer.
    let about = format!("{}/_local/.well-known/openid-configuration", stack.url());
    let about: Value = reqwest::get(about).await.unwrap().json().await.unwrap();
    let keys = reqwest::get(about["jwks_uri"].as_str().unwrap())
        .await
        .unwrap();
    let keys: jsonwebtoken::jwk::JwkSet = keys.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap();
    let head = jsonwebtoken::decode_header(token).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(keys.find(&head.kid.unwrap()).unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(head.alg);
    validation.set_audience(&[issuer::AUDIENCE]);
    let claims: Value = jsonwebtoken::decode(token, &key, &validation)
        .unwrap()
        .claims;
    assert_eq!(claims["cognito:groups"], json!(["x"]));
    assert_eq!(
        (&claims["email"], &claims["iss"]),
        (&body["email"], &about["issuer"])
    );

    let wrong = Http::new()
        .post(&url)
        .json(&json!({"user": "ada"}))
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), 400);
    let wrong: Value = wrong.json().await.unwrap();
    assert_eq!(wrong["code"], "validation-failed");
    assert_eq!(wrong["errors"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn functions_are_invoked_by_either_name() {
    let stack = start(options()).await;
    let arn = "arn%3Aaws%3Alambda%3Alocal%3A000000000000%3Afunction%3ATrigger?Qualifier=1";
    for name in ["Trigger", "trigger", arn] {
        let (url, payload) = (stack.url(), json!({"a": 1}));
        let (name, query) = name.split_once('?').unwrap_or((name, ""));
        let url = format!("{url}/2015-03-31/functions/{name}/invocations?{query}");
        let answer = Http::new().post(url).json(&payload).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(!answer.headers().contains_key("x-amz-function-error"));
        assert_eq!(answer.json::<Value>().await.unwrap(), payload);
    }
    let failed = invoke(&stack, "Trigger", "RequestResponse", r#"{"fail": "no"}"#).await;
    assert_eq!(failed.status(), 200);
    assert_eq!(failed.headers()["x-amz-function-error"], "Unhandled");
    let failed: Value = failed.json().await.unwrap();
    assert_eq!(failed["errorMessage"], "\"no\"");
    assert!(failed["errorType"].is_string());
    assert_eq!(invoke(&stack, "Trigger", "Event", "{}").await.status(), 202);
    assert_eq!(
        invoke(&stack, "Trigger", "DryRun", "{}").await.status(),
        204
    );
}

#[tokio::test]
async fn invalid_invocations_return_lambda_errors() {
    let stack = start(options()).await;
    for (name, kind, payload, status, error) in [
        (
            "Nobody",
            "RequestResponse",
            "{}",
            404,
            "ResourceNotFoundException",
        ),
        (
            "Trigger",
            "RequestResponse",
            "{",
            400,
            "InvalidRequestContentException",
        ),
        (
            "Trigger",
            "Later",
            "{}",
            400,
            "InvalidParameterValueException",
        ),
    ] {
        let answer = invoke(&stack, name, kind, payload).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["x-amzn-errortype"], error);
        assert_eq!(answer.json::<Value>().await.unwrap()["Type"], "User");
    }
}

#[tokio::test]
async fn a_taken_port_is_named_with_the_option() {
    let stack = start(options()).await;
    let port = |url: &str| url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let (api, table) = (port(stack.url()), port(stack.dynamodb_url()));
    let error = problem(Options {
        port: api,
        ..options()
    })
    .await;
    assert!(
        error.contains(&format!("port {api} is taken")) && error.contains("--port"),
        "{error}"
    );
    let error = problem(Options {
        dynamodb_port: table,
        ..options()
    })
    .await;
    assert!(error.contains(&format!("port {table} is taken")), "{error}");
    assert!(error.contains("--dynamodb-port"), "{error}");
}

#[tokio::test]
async fn data_and_tokens_survive_a_restart() {
    let directory = Directory::new();
    let stack = start(directory.options()).await;
    let put = stack.client().put_item().table_name("muster");
    let key = |text: &str| aws_sdk_dynamodb::types::AttributeValue::S(text.to_owned());
    put.item("pk", key("a"))
        .item("sk", key("b"))
        .send()
        .await
        .unwrap();
    let before = serde_json::to_value(stack.issuer().key_set()).unwrap();
    stack.stop().await;

    let stack = start(directory.options()).await;
    let found = stack.client().get_item().table_name("muster");
    let found = found
        .key("pk", key("a"))
        .key("sk", key("b"))
        .send()
        .await
        .unwrap();
    assert!(found.item.is_some());
    assert_eq!(
        serde_json::to_value(stack.issuer().key_set()).unwrap(),
        before
    );
    stack.stop().await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = fs::metadata(directory.0.join("issuer-key.pem")).unwrap();
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn a_stored_table_that_differs_stops_the_start() {
    let directory = Directory::new();
    start(directory.options()).await.stop().await;
    let template = EXAMPLE.replace("{ProjectionType: ALL}", "{ProjectionType: KEYS_ONLY}");
    let error = problem(Options {
        template,
        ..directory.options()
    })
    .await;
    assert!(error.contains("--data"), "{error}");
    assert!(error.contains("gsi1sk S RANGE) ALL"), "{error}");
    assert!(error.contains("gsi1sk S RANGE) KEYS_ONLY"), "{error}");
}

#[tokio::test]
async fn a_configured_dynamodb_is_used() {
    const NOWHERE: &str = "http://127.0.0.1:1";
    let (own, any) = ("AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL");
    let first = start(options()).await;
    let there = first.dynamodb_url();
    let mut expected = vec!["muster".to_owned()];
    for (n, set) in [
        vec![(own, there)],
        vec![(any, there)],
        vec![(own, there), (any, NOWHERE)],
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("other-{n}");
        let set = set.into_iter().chain([("TABLE_NAME", table.as_str())]);
        let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let second = start(Options {
            variables: set.collect(),
            ..options()
        })
        .await;
        assert_eq!(second.dynamodb_url(), there);
        expected.push(table);
        let tables = first.client().list_tables().send().await.unwrap();
        assert_eq!(tables.table_names(), expected);
    }
}

#[tokio::test]
async fn a_configured_dynamodb_can_be_ignored() {
    let set = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ];
    let set = set.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let stack = start(Options {
        variables: set.into(),
        ..options()
    })
    .await;
    assert_ne!(stack.dynamodb_url(), "http://127.0.0.1:1");
}

#[tokio::test]
async fn an_invalid_setting_stops_the_start_with_its_name() {
    if muster_functions::functions().is_empty() {
        return;
    }
    let variables = [("ORGANIZATION_CREATION".to_owned(), "everyone".to_owned())].into();
    let error = problem(Options {
        variables,
        ..Options::default()
    })
    .await;
    assert!(error.contains("ORGANIZATION_CREATION"), "{error}");
}

#[tokio::test]
async fn the_state_of_functions_can_be_changed() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let settings = Arc::clone(&seen);
    let configure = move |app: muster_functions::App| {
        settings
            .lock()
            .unwrap()
            .push(app.settings.table_name.clone());
        app
    };
    let options = Options {
        configure_app: Some(Arc::new(configure)),
        ..Options::default()
    };
    start(options).await.stop().await;
    assert_eq!(
        seen.lock().unwrap().len(),
        muster_functions::functions().len()
    );
}
