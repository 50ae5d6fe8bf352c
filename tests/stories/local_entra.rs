//! The local Entra directory: its file, and logins through it.

mod answers;

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use muster_local::{Handler, Options, Stack};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use support::World;

const SAMPLE: &str = include_str!("../../local/directory.sample.json");
const ALAN: &str = "5f0a7c0e-3b1d-4c57-9b52-1a1de0a10002";
const COMPILERS: &str = "cdb555e3-b33e-4fd5-a427-17fadacb0001";
const APPLICATION: &str = "8e881353-1735-45af-af21-ee1344582a4d";

fn sample() -> Value {
    serde_json::from_str(SAMPLE).unwrap()
}

/// A file that is deleted with the test.
struct File(PathBuf);

impl File {
    fn new(directory: &Value) -> Self {
        let name = format!("directory-{:016x}.json", fastrand::u64(..));
        let file = Self(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        file.write(&directory.to_string());
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }

    fn options(&self) -> Options {
        Options {
            directory: Some(self.0.clone()),
            ..Options::default()
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn refusal(options: Options) -> String {
    match Stack::start(options).await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

/// Sends a request to the stack outside the API.
async fn send(world: &World, method: Method, path: &str, body: &Value) -> Response {
    let url = format!("{}{path}", world.stack.url());
    let request = reqwest::Client::new().request(method, url);
    request.body(body.to_string()).send().await.unwrap()
}

async fn replace(world: &World, directory: &Value) {
    let answer = send(world, Method::PUT, "/_local/entra/directory", directory).await;
    assert_eq!(answer.status(), 204, "{:?}", answer.text().await);
}

/// Signs in a user of the directory and returns the log line of the login sync.
async fn sign_in(world: &World, user_id: &str) -> Value {
    let shown = send(world, Method::GET, "/_local/entra/directory", &Value::Null).await;
    let shown: Value = match shown.status().as_u16() {
        200 => shown.json().await.unwrap(),
        _ => sample(),
    };
    let users = shown["users"].as_array().unwrap();
    let user = users
        .iter()
        .find(|user| user["user_id"] == user_id)
        .unwrap();
    let event = json!({
        "triggerSource": "PostLogin", "tenantId": "acme", "userId": user_id,
        "email": user["email"], "entraObjectId": user["id"],
    });
    let url = format!(
        "{}/2015-03-31/functions/post-login/invocations",
        world.stack.url()
    );
    let request = reqwest::Client::new().post(url).body(event.to_string());
    let answer = request
        .header("x-amz-log-type", "Tail")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let log = answer.headers()["x-amz-log-result"].as_bytes();
    let log = STANDARD.decode(log).unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), event);
    let lines = log
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let lines = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    let mut lines = lines.filter(|line| line["message"] == "login sync");
    lines.next().expect("a line of the login sync")
}

/// A token of the local issuer over HTTP, with the claims of the pre-token trigger.
async fn claims(world: &World, user_id: &str) -> (String, Value) {
    let body = json!({"user_id": user_id, "tenant_id": "acme"});
    let answer = send(world, Method::POST, "/_local/token", &body).await;
    let answer: Value = answer.json().await.unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    let claims = token.split('.').nth(1).unwrap();
    let claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    (token, claims)
}

/// The names of a user's organizations.
async fn organizations(world: &World, user_id: &str) -> Vec<String> {
    let user = world.bearer(user_id, Some(claims(world, user_id).await.0));
    let mut names: Vec<String> = user
        .all("/users/me/organizations")
        .await
        .iter()
        .map(|item| item["organization"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_invalid_directory_file_stops_the_start() {
    let mut wrong = sample();
    wrong["groups"][1]["memebrs"] = json!([]);
    let file = File::new(&wrong);
    let error = refusal(file.options()).await;
    assert!(
        error.contains("groups[1]") && error.contains("memebrs"),
        "{error}"
    );
    assert!(error.contains(file.0.to_str().unwrap()), "{error}");

    let missing = Options {
        directory: Some("no-such-directory.json".into()),
        ..Options::default()
    };
    let error = refusal(missing).await;
    assert!(error.starts_with("no-such-directory.json: "), "{error}");
}

#[tokio::test]
async fn conflicting_directory_settings_stop_the_start() {
    for name in ["MICROSOFT_GRAPH_ENDPOINT", "MICROSOFT_TOKEN_ENDPOINT"] {
        let variables = [(name.to_owned(), "http://127.0.0.1:9/x".to_owned())].into();
        let error = refusal(Options {
            variables,
            ..Options::default()
        })
        .await;
        assert!(error.contains("set both, or neither"), "{error}");
    }
    let file = File::new(&sample());
    let mut options = file.options();
    options
        .variables
        .insert("MICROSOFT_CLIENT_ID".to_owned(), String::new());
    let error = refusal(options).await;
    assert!(error.contains("--directory has no use"), "{error}");
}

#[tokio::test]
async fn signing_in_joins_the_groups_until_the_user_leaves() {
    let file = File::new(&sample());
    let world = World::with(file.options()).await;
    let report = sign_in(&world, "alan").await;
    assert_eq!(report["outcome"], "synced", "{report}");
    assert_eq!(
        organizations(&world, "alan").await,
        ["Compilers", "Research"]
    );
    assert_eq!(sign_in(&world, "alan").await["outcome"], "unchanged");
    sign_in(&world, "edsger").await;
    assert_eq!(
        organizations(&world, "edsger").await,
        [""; 0],
        "only nested, or not assigned"
    );

    let (_, with) = claims(&world, "alan").await;
    assert_eq!(with["tenant_id"], "acme");
    assert_eq!(with["organizations"][COMPILERS], "internal_user");
    assert_eq!(with["organizations"].as_object().unwrap().len(), 2);

    // A temporarily broken file removes nothing.
    file.write(&SAMPLE.replace("members", "memebrs"));
    assert_eq!(sign_in(&world, "alan").await["outcome"], "failed");
    assert_eq!(organizations(&world, "alan").await.len(), 2);

    let mut without = sample();
    without["groups"][0]["members"] = json!(["grace"]);
    file.write(&without.to_string());
    assert_eq!(
        sign_in(&world, "alan").await["MembershipsRemoved"],
        2,
        "organization and team"
    );
    assert_eq!(organizations(&world, "alan").await, ["Research"]);
    let (_, with) = claims(&world, "alan").await;
    assert!(with["organizations"].get(COMPILERS).is_none());
}

#[tokio::test]
async fn app_roles_and_nested_groups_count_if_enabled() {
    let mut options = Options::default();
    for (name, value) in [
        ("ENTRA_ROLE_MAP", r#"{"org_admin": "org_admin"}"#),
        ("ENTRA_NESTED_GROUPS", "true"),
    ] {
        options.variables.insert(name.to_owned(), value.to_owned());
    }
    let world = World::with(options).await;
    sign_in(&world, "grace").await;
    let (_, grace) = claims(&world, "grace").await;
    assert_eq!(grace["organizations"], json!({COMPILERS: "org_admin"}));
    sign_in(&world, "edsger").await;
    assert_eq!(organizations(&world, "edsger").await, ["Research"]);
}

#[tokio::test]
async fn faults_of_the_file_remove_no_access() {
    let world = World::start().await;
    sign_in(&world, "alan").await;
    let mut directory = sample();
    // All groups are empty, but no response that says so arrives.
    for group in directory["groups"].as_array_mut().unwrap() {
        group["members"] = json!([]);
    }
    directory["page_size"] = json!(1);
    for faults in [
        json!([{"on": "user-groups", "status": 403}]),
        json!([{"on": "user-groups", "status": 429, "retry_after": 30}]),
        json!([{"on": "user-groups", "body": "<html>"}]),
        json!([{"on": "user-groups", "body": {"value": null}}]),
        json!([{"on": "user-groups", "cut_off": true}]),
        json!([{"on": "user-groups", "user": "alan", "status": 404}]),
    ] {
        directory["faults"] = faults;
        replace(&world, &directory).await;
        let report = sign_in(&world, "alan").await;
        assert_eq!(
            report["outcome"], "failed",
            "{} {report}",
            directory["faults"]
        );
        assert_eq!(organizations(&world, "alan").await.len(), 2);
    }

    // Transient faults are retried, and then the table matches the directory.
    directory["faults"] =
        json!([{"on": "user-groups", "calls": [1], "status": 503, "retry_after": 0}]);
    replace(&world, &directory).await;
    assert_eq!(sign_in(&world, "alan").await["MembershipsRemoved"], 4);
    assert_eq!(organizations(&world, "alan").await, [""; 0]);
}

#[tokio::test]
async fn a_replacement_directory_is_validated() {
    let world = World::start().await;
    let mut wrong = sample();
    wrong["assignments"][0]["to"] = json!("nobody");
    let answer = send(&world, Method::PUT, "/_local/entra/directory", &wrong).await;
    assert_eq!(answer.status(), 400);
    let problem: Value = answer.json().await.unwrap();
    assert_eq!(problem["code"], "validation-failed");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .starts_with("assignments[0].to: nobody")
    );
    let shown = send(&world, Method::GET, "/_local/entra/directory", &Value::Null).await;
    let shown: Value = shown.json().await.unwrap();
    assert_eq!(shown["assignments"][0]["to"], COMPILERS);
}

#[tokio::test]
async fn a_login_succeeds_without_sync_or_with_a_wrong_secret() {
    for (name, value, outcome) in [
        ("MICROSOFT_CLIENT_ID", "", "skipped"),
        ("MICROSOFT_CLIENT_SECRET", "wrong", "failed"),
    ] {
        let world = World::with_variable(name, value).await;
        assert_eq!(sign_in(&world, "alan").await["outcome"], outcome);
        assert_eq!(organizations(&world, "alan").await, [""; 0]);
        assert!(
            claims(&world, "alan").await.1["organizations"]
                .as_object()
                .unwrap()
                .is_empty()
        );
    }
}

#[tokio::test]
async fn configured_entra_endpoints_are_used() {
    let other = World::start().await;
    let root = format!("{}/_local/entra", other.stack.url());
    let application = &sample()["application"];
    let mut options = Options::default();
    for (name, value) in [
        ("MICROSOFT_GRAPH_ENDPOINT", format!("{root}/v1.0").as_str()),
        (
            "MICROSOFT_TOKEN_ENDPOINT",
            &format!("{root}/{{tenant}}/oauth2/v2.0/token"),
        ),
        ("MICROSOFT_TENANT", application["tenant"].as_str().unwrap()),
        (
            "MICROSOFT_CLIENT_ID",
            application["client_id"].as_str().unwrap(),
        ),
        (
            "MICROSOFT_CLIENT_SECRET",
            application["client_secret"].as_str().unwrap(),
        ),
        ("MICROSOFT_SERVICE_PRINCIPAL_ID", APPLICATION),
    ] {
        options.variables.insert(name.to_owned(), value.to_owned());
    }
    let world = World::with(options).await;
    let here = send(&world, Method::GET, "/_local/entra/directory", &Value::Null).await;
    assert_eq!(here.status(), 404);
    assert_eq!(sign_in(&world, "alan").await["outcome"], "synced");
    let alan = world.user("alan");
    assert_eq!(alan.all("/users/me/teams").await.len(), 2);
    assert_eq!(
        alan.all("/users/me/organizations").await.len(),
        0,
        "as it is by default"
    );
}

#[tokio::test]
async fn a_failing_trigger_still_issues_a_token() {
    let mut options = Options::default();
    let failing = Handler::new(|_, _| async { Err("no".into()) });
    options.handlers.insert("pre-token".to_owned(), failing);
    let world = World::with(options).await;
    let (token, claims) = claims(&world, "alan").await;
    assert_eq!(claims["tenant_id"], "acme");
    assert!(claims.get("organizations").is_none());
    let alan = world.bearer("alan", Some(token));
    assert_eq!(alan.all("/users/me/organizations").await.len(), 0);
}
