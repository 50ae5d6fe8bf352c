//! Tests the deployed binaries with an emulated Runtime API and the local DynamoDB: they start,
//! respond, reject invalid input, and connect to nothing else.

mod built;
mod runtime_api;

use std::path::Path;
use std::process::Stdio;

use memchr::memmem;
use serde_json::{Value, json};
use support::{ACME, World};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

pub(crate) use built::{built, given};
use runtime_api::{INVOCATION_ID, InvocationOutcome, RuntimeApi};

const CREATE: &str = include_str!("../../events/create-organization.json");
const GET: &str = include_str!("../../events/get-organization.json");
const POST_LOGIN: &str = include_str!("../../events/post-login.json");

/// Starts a function with only the environment variables of Lambda and the template.
async fn start(name: &str, world: &World, api: &RuntimeApi, without: &str) -> Child {
    start_with(name, world, api, without, &[]).await
}

/// The same, with these variables in addition.
async fn start_with(
    name: &str,
    world: &World,
    api: &RuntimeApi,
    without: &str,
    more: &[(&str, &str)],
) -> Child {
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", api.address.as_str()),
        ("AWS_LAMBDA_FUNCTION_NAME", name),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "stream"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "group"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDHUSH"),
        ("AWS_SECRET_ACCESS_KEY", "hush-secret"),
        ("AWS_SESSION_TOKEN", "hush-session"),
        ("TABLE_NAME", world.stack.table_name()),
        ("AWS_ENDPOINT_URL_DYNAMODB", world.stack.dynamodb_url()),
    ];
    Command::new(built().await.join(name))
        .env_clear()
        .envs(variables.into_iter().filter(|(name, _)| *name != without))
        .envs(more.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// The complete output of the ended process.
async fn written(mut function: Child) -> (String, String) {
    let (mut out, mut err) = (String::new(), String::new());
    let (stdout, stderr) = (function.stdout.take(), function.stderr.take());
    let _ = function.start_kill();
    stdout.unwrap().read_to_string(&mut out).await.unwrap();
    stderr.unwrap().read_to_string(&mut err).await.unwrap();
    (out, err)
}

fn answer(outcome: InvocationOutcome) -> (u64, Value) {
    let InvocationOutcome::Response(answer) = outcome else {
        panic!("{outcome:?}");
    };
    let body = answer["body"].as_str().unwrap();
    let body = serde_json::from_str(body).unwrap_or(Value::Null);
    (answer["statusCode"].as_u64().unwrap(), body)
}

#[tokio::test]
async fn every_function_of_the_template_has_a_binary() {
    let world = World::start().await;
    let shown = world
        .bearer("", None)
        .get("/_local/routes")
        .await
        .expect(200);
    let functions = shown.body["functions"].as_array().unwrap().clone();
    assert!(functions.len() > 20);
    let built = built().await;
    for function in functions {
        let binary = built.join(function["binary"].as_str().unwrap());
        assert!(binary.is_file(), "{}", binary.display());
    }
}

/// Whether a program has this text in it.
fn carries(path: &Path, text: &str) -> bool {
    let program = std::fs::read(path).unwrap();
    memmem::find(&program, text.as_bytes()).is_some()
}

#[tokio::test]
async fn no_binary_carries_the_openapi_document() {
    let own = std::env::current_exe().unwrap();
    assert!(carries(&own, "operationId"), "as this one does");
    let built = built().await;
    for function in muster_functions::functions() {
        let binary = built.join(function.name);
        assert!(!carries(&binary, "operationId"), "{}", function.name);
    }
}

#[tokio::test]
async fn only_functions_that_call_entra_carry_its_client() {
    let built = built().await;
    for function in muster_functions::functions() {
        let binary = built.join(function.name);
        let has_it = carries(&binary, "graph.microsoft.com");
        let calls = [
            "post-login",
            "create-directory",
            "reconcile-directory",
            "sync-directory",
        ]
        .contains(&function.name);
        assert_eq!(has_it, calls, "{}", function.name);
    }
}

#[tokio::test]
async fn one_process_creates_what_another_reads() {
    let world = World::start().await;
    let create: Value = serde_json::from_str(CREATE).unwrap();
    let mut api = RuntimeApi::start().await;
    let function = start("create-organization", &world, &api, "").await;
    api.polled().await;
    talks_to(&function, &[&api.address]);
    let (status, made) = answer(api.invoke(&create).await);
    assert_eq!((status, &made["name"]), (201, &json!("Sales EMEA")));
    talks_to(&function, &[&api.address, world.stack.dynamodb_url()]);
    let key = format!("TENANT#{ACME}#ORG#{}", made["id"].as_str().unwrap());
    assert!(world.items().await.iter().any(|item| item["pk"] == key));
    // The same process returns the response stored for the key of the event.
    let (status, again) = answer(api.invoke(&create).await);
    assert_eq!((status, &again), (201, &made));
    assert_eq!(api.strange(), Vec::<String>::new());
    is_a_log(&written(function).await.0, 2);

    let mut get: Value = serde_json::from_str(GET).unwrap();
    get["requestContext"]["authorizer"] = create["requestContext"]["authorizer"].clone();
    get["pathParameters"]["organization_id"] = made["id"].clone();
    let mut api = RuntimeApi::start().await;
    let function = start("get-organization", &world, &api, "").await;
    let (status, mut shown) = answer(api.invoke(&get).await);
    // Only reading it shows the number of its members.
    assert!(shown["member_count"].is_number(), "{shown}");
    shown.as_object_mut().unwrap().remove("member_count");
    assert_eq!((status, shown), (200, made));
    is_a_log(&written(function).await.0, 1);
}

#[tokio::test]
async fn dynamodb_is_called_at_the_configured_endpoint() {
    const OWN: &str = "AWS_ENDPOINT_URL_DYNAMODB";
    const ANY: &str = "AWS_ENDPOINT_URL";
    let world = World::start().await;
    let (here, nowhere) = (world.stack.dynamodb_url(), "http://127.0.0.1:1");
    let create: Value = serde_json::from_str(CREATE).unwrap();
    for (set, status) in [
        ([(OWN, ""), (ANY, here)], 201),
        ([(OWN, here), (ANY, nowhere)], 201),
        ([(OWN, nowhere), (ANY, here)], 503),
    ] {
        let mut api = RuntimeApi::start().await;
        let function = start_with("create-organization", &world, &api, "", &set).await;
        assert_eq!(answer(api.invoke(&create).await).0, status, "{set:?}");
        drop(function);
    }
}

/// Fails unless the function wrote a line of JSON for each request, without request data or
/// secrets.
fn is_a_log(out: &str, requests: usize) {
    let lines: Vec<Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).expect(line))
        .collect();
    let of_requests = lines.iter().filter(|line| line["message"] == "request");
    assert_eq!(of_requests.count(), requests, "{out}");
    for secret in [
        "hush",
        "header.payload.signature",
        "billing@acme.example",
        "4711",
    ] {
        assert!(!out.to_lowercase().contains(secret), "{secret} in {out}");
    }
}

#[tokio::test]
async fn an_invalid_event_fails_only_its_own_invocation() {
    let world = World::start().await;
    let mut api = RuntimeApi::start().await;
    let mut function = start("create-organization", &world, &api, "").await;
    for event in [
        json!({"hello": 1}),
        json!(null),
        json!([]),
        json!({"routeKey": 1}),
    ] {
        let InvocationOutcome::Error(error) = api.invoke(&event).await else {
            panic!("{event} got a response");
        };
        assert!(
            error["errorType"].is_string() && error["errorMessage"].is_string(),
            "{error}"
        );
    }
    let create = serde_json::from_str(CREATE).unwrap();
    assert_eq!(answer(api.invoke(&create).await).0, 201);
    assert!(function.try_wait().unwrap().is_none(), "it ended");
}

/// Events that would make `lambda_http` alone panic: `Host` and `X-Forwarded-Proto` that form no
/// URL, a path, a raw query, a body that is not valid Base64, and headers that are not ASCII.
#[tokio::test]
async fn events_without_a_valid_url_get_a_response() {
    let world = World::start().await;
    let mut api = RuntimeApi::start().await;
    let mut function = start("create-organization", &world, &api, "").await;
    let create: Value = serde_json::from_str(CREATE).unwrap();
    let odd = [
        "", "a b", ":99999", "[", "?#", "\u{0}", "\n", "é", "^`{|}<>",
    ];
    for odd in odd {
        let mut events = Vec::new();
        for header in ["host", "x-forwarded-proto", "user-agent"] {
            let mut event = create.clone();
            event["headers"][header] = odd.into();
            events.push(event);
        }
        for field in ["rawPath", "rawQueryString"] {
            let mut event = create.clone();
            event[field] = odd.into();
            events.push(event);
        }
        let mut event = create.clone();
        event["isBase64Encoded"] = true.into();
        events.push(event);
        for event in events {
            let (status, body) = answer(api.invoke(&event).await);
            // Unknown query parameters are rejected.
            let expected = if event["rawQueryString"] == odd && !odd.is_empty() {
                400
            } else {
                201
            };
            assert_eq!(status, expected, "{odd:?} {body}");
        }
    }
    let mut event = create.clone();
    event["isBase64Encoded"] = true.into();
    event["body"] = "!".into();
    assert_eq!(answer(api.invoke(&event).await).0, 400);
    assert_eq!(answer(api.invoke(&create).await).0, 201);
    assert!(function.try_wait().unwrap().is_none(), "it ended");
}

/// For each warning while a function handles this event, its span of this name; `null` without one. The SDK warns, because
/// DynamoDB does not speak HTTP.
async fn spans_of_warnings(function: &str, event: &Value, name: &str) -> (Value, Vec<Value>) {
    let world = World::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut asked = [0; 1024];
            let _ = connection.read(&mut asked).await;
            let _ = connection.write_all(b"nonsense\r\n\r\n").await;
        }
    });
    let mut api = RuntimeApi::start().await;
    let more = [("AWS_ENDPOINT_URL_DYNAMODB", url.as_str())];
    let function = start_with(function, &world, &api, "", &more).await;
    let InvocationOutcome::Response(answer) = api.invoke(event).await else {
        panic!("it failed");
    };
    let (out, _) = written(function).await;
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    let warnings = lines.filter(|line: &Value| line["level"] == "WARN");
    let spans = warnings.map(|line| {
        let mut spans = line["spans"].as_array().into_iter().flatten();
        let span = spans.find(|span| span["name"] == name);
        span.cloned().unwrap_or_default()
    });
    let spans: Vec<Value> = spans.collect();
    assert!(!spans.is_empty(), "{out}");
    (answer, spans)
}

#[tokio::test]
async fn a_line_of_the_sdk_has_the_id_of_the_request() {
    let get: Value = serde_json::from_str(GET).unwrap();
    let (answer, spans) = spans_of_warnings("get-organization", &get, "request").await;
    assert_eq!(answer["statusCode"], 503);
    for span in spans {
        assert_eq!(span["request_id"], get["requestContext"]["requestId"]);
        assert_eq!(span["route"], get["routeKey"]);
        assert_eq!(span["tenant"], ACME);
    }
}

#[tokio::test]
async fn a_line_of_the_sdk_has_the_id_of_the_login() {
    let login: Value = serde_json::from_str(POST_LOGIN).unwrap();
    let (answer, spans) = spans_of_warnings("post-login", &login, "trigger").await;
    assert_eq!(answer, login);
    // The function's own line has no span.
    let named = spans.iter().filter(|span| !span.is_null());
    let ids: Vec<_> = named.map(|span| &span["request_id"]).collect();
    assert!(!ids.is_empty());
    assert!(ids.iter().all(|id| **id == INVOCATION_ID), "{ids:?}");
}

#[tokio::test]
async fn a_missing_setting_stops_the_process_with_its_name() {
    let world = World::start().await;
    for variable in [
        "TABLE_NAME",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        let api = RuntimeApi::start().await;
        let mut function = start("get-organization", &world, &api, variable).await;
        let ended = function.wait().await.unwrap();
        assert!(!ended.success(), "{variable}");
        let (out, err) = written(function).await;
        assert!(
            format!("{out}{err}").contains(variable),
            "{variable}: {out}{err}"
        );
        assert!(!format!("{out}{err}").contains("hush"), "{out}{err}");
    }
}

/// Fails if the process has a connection to another address, or a socket other than TCP: it must
/// not even resolve a name.
#[cfg(target_os = "linux")]
fn talks_to(function: &Child, known: &[&str]) {
    use std::fs;

    let process = format!("/proc/{}", function.id().unwrap());
    let sockets: Vec<String> = fs::read_dir(format!("{process}/fd"))
        .unwrap()
        .filter_map(|open| fs::read_link(open.ok()?.path()).ok())
        .filter_map(|link| {
            Some(
                link.to_str()?
                    .strip_prefix("socket:[")?
                    .strip_suffix(']')?
                    .to_owned(),
            )
        })
        .collect();
    let known: Vec<String> = known
        .iter()
        .map(|address| {
            let (_, port) = address.rsplit_once(':').unwrap();
            // 127.0.0.1, as the kernel writes it.
            format!("0100007F:{:04X}", port.parse::<u16>().unwrap())
        })
        .collect();
    let mut connections = 0;
    for table in ["tcp", "tcp6", "udp", "udp6"] {
        let table = fs::read_to_string(format!("{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<_> = line.split_whitespace().collect();
            if sockets.iter().any(|socket| socket == columns[9]) {
                assert!(
                    known.iter().any(|known| known == columns[2]),
                    "to {}",
                    columns[2]
                );
                connections += 1;
            }
        }
    }
    assert!(connections >= known.len(), "{connections}");
}

/// Other systems have no /proc.
#[cfg(not(target_os = "linux"))]
fn talks_to(_: &Child, _: &[&str]) {}
