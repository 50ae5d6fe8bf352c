//! Graph, Entra's token endpoint, Secrets Manager and STS in one server.

use std::fmt::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use muster::domain::{Clock, EntraObjectId, Timestamp};
use muster_directory::{Directory, DirectorySnapshot, EntraSettings, ReadError, http_client};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// The user who signs in.
pub(crate) const USER: &str = "5f0a7c0e-0000-4000-8000-00000000beef";
pub(crate) const APPLICATION: &str = "8e881353-1735-45af-af21-ee1344582a4d";
pub(crate) const SECRET: &str = "s3cret-of-the-client";
/// 2026-11-20T10:00:00Z.
pub(crate) const NOW: i64 = 1_795_168_800_000;

/// Which of the questions a call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Token,
    Assigned,
    AppRoles,
    UserGroups,
    AwsSecret,
    AwsIdentity,
}

/// A call as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) asked: Asked,
    /// Counts from 0; of a list.
    pub(crate) page: usize,
    /// How many of the same question and page came before.
    pub(crate) before: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(Value),
    Text(u16, &'static str),
    Error(u16, &'static str),
    ErrorWith(u16, (&'static str, String)),
    /// Nothing, ever.
    Silence,
    /// The same as without a fault, but late.
    Late(Duration),
    /// The beginning of an answer, then a broken connection.
    CutOff,
    /// That many bytes.
    Huge(usize),
}

type Fault = Arc<dyn Fn(&Call) -> Option<Reply> + Send + Sync>;

/// What the directory has.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) assigned: Vec<Value>,
    pub(crate) user_groups: Vec<Value>,
    pub(crate) app_roles: Vec<Value>,
    pub(crate) page_size: usize,
    pub(crate) token_seconds: Value,
    pub(crate) fault: Fault,
}

impl Default for World {
    /// Three assigned groups, of which the user is in two and in one that is not assigned.
    fn default() -> Self {
        Self {
            assigned: ["g1", "g2", "g3"].map(assigned).to_vec(),
            user_groups: ["g1", "g3", "g9"].map(|id| json!({ "id": id })).to_vec(),
            app_roles: Vec::new(),
            page_size: 2,
            token_seconds: json!(3599),
            fault: Arc::new(|_| None),
        }
    }
}

impl World {
    pub(crate) fn failing(fault: impl Fn(&Call) -> Option<Reply> + Send + Sync + 'static) -> Self {
        Self {
            fault: Arc::new(fault),
            ..Self::default()
        }
    }
}

/// A row of `appRoleAssignedTo` for a group.
pub(crate) fn assigned(id: &str) -> Value {
    json!({
        "id": format!("assignment of {id}"),
        "deletedDateTime": null,
        "appRoleId": "00000000-0000-0000-0000-000000000000",
        "principalDisplayName": format!("Group {id}"),
        "principalId": id,
        "principalType": "Group",
        "resourceDisplayName": "Muster",
        "resourceId": APPLICATION,
    })
}

struct Server {
    world: Mutex<World>,
    calls: Mutex<Vec<Call>>,
    root: String,
}

/// The server and a clock, with a directory that asks it.
pub(crate) struct Graph {
    server: Arc<Server>,
    time: Arc<AtomicI64>,
}

impl Graph {
    pub(crate) async fn start(world: World) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let server = Arc::new(Server {
            world: Mutex::new(world),
            calls: Mutex::default(),
            root,
        });
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        Self {
            server,
            time: Arc::new(AtomicI64::new(NOW)),
        }
    }

    pub(crate) fn root(&self) -> &str {
        &self.server.root
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.server.world.lock().unwrap());
    }

    pub(crate) fn pass(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).unwrap();
        self.time.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.server.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, asked: Asked) -> usize {
        self.calls().iter().filter(|it| it.asked == asked).count()
    }

    pub(crate) fn forget_calls(&self) {
        self.server.calls.lock().unwrap().clear();
    }

    /// A directory with these variables set beside those that it needs.
    pub(crate) fn directory(&self, more: &[(&str, &str)]) -> Directory {
        let root = self.root();
        let graph = format!("{root}/v1.0");
        let token = format!("{root}/{{tenant}}/oauth2/v2.0/token");
        let set = [
            &[
                ("MICROSOFT_CLIENT_ID", "c1"),
                ("MICROSOFT_TENANT", "contoso.example"),
                ("MICROSOFT_CLIENT_SECRET", SECRET),
                ("MICROSOFT_SERVICE_PRINCIPAL_ID", APPLICATION),
                ("MICROSOFT_GRAPH_ENDPOINT", &graph),
                ("MICROSOFT_TOKEN_ENDPOINT", &token),
                ("AWS_ENDPOINT_URL_SECRETS_MANAGER", root),
                ("AWS_ENDPOINT_URL_STS", root),
            ],
            more,
        ]
        .concat();
        let settings = EntraSettings::read(|name| {
            let found = set.iter().rev().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        let time = self.time.clone();
        let clock = Clock::from_fn(move || {
            let now = Timestamp::from_millisecond(time.load(Ordering::Relaxed)).unwrap();
            (now, uuid::Uuid::nil())
        });
        let settings = settings.unwrap().directory.unwrap();
        Directory::new(settings, http_client(|_| None).unwrap(), clock)
    }
}

/// Reads with as much time as a login has.
pub(crate) async fn read(directory: &Directory) -> Result<DirectorySnapshot, ReadError> {
    read_within(directory, Duration::from_millis(3_500)).await
}

pub(crate) async fn read_within(
    directory: &Directory,
    time: Duration,
) -> Result<DirectorySnapshot, ReadError> {
    let user = EntraObjectId::parse(USER).unwrap();
    directory.read(&user, Instant::now() + time).await
}

pub(crate) fn held(reading: &DirectorySnapshot) -> Vec<&str> {
    reading.held().map(|(id, _)| id.as_str()).collect()
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.unwrap();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let body = String::from_utf8(body.to_vec()).unwrap();
    let asked = if path.ends_with("/token") {
        Asked::Token
    } else if path.ends_with("/appRoleAssignedTo") {
        Asked::Assigned
    } else if path.contains("emberOf") {
        Asked::UserGroups
    } else if path.starts_with("/v1.0/servicePrincipals/") {
        Asked::AppRoles
    } else if body.starts_with("Action=") {
        Asked::AwsIdentity
    } else {
        Asked::AwsSecret
    };
    let page = query
        .rsplit_once("$skiptoken=")
        .map_or(0, |(_, page)| page.parse().unwrap());
    let world = server.world.lock().unwrap().clone();
    let call = {
        let mut calls = server.calls.lock().unwrap();
        let same = calls
            .iter()
            .filter(|it| (it.asked, it.page) == (asked, page));
        let call = Call {
            asked,
            page,
            before: same.count(),
            method: parts.method.to_string(),
            path,
            query,
            headers: parts.headers,
            body,
        };
        calls.push(call.clone());
        call
    };
    let reply = match (world.fault)(&call) {
        Some(Reply::Late(time)) => {
            sleep(time).await;
            truth(&world, &server.root, &call)
        }
        Some(reply) => reply,
        None => truth(&world, &server.root, &call),
    };
    respond(reply).await
}

/// The answer without any fault.
fn truth(world: &World, root: &str, call: &Call) -> Reply {
    match call.asked {
        Asked::Token => Reply::Json(json!({
            "token_type": "Bearer",
            "expires_in": world.token_seconds,
            "access_token": format!("t0ken-{}", call.before),
        })),
        Asked::Assigned => list(&world.assigned, world.page_size, root, call),
        Asked::UserGroups => list(&world.user_groups, world.page_size, root, call),
        Asked::AppRoles => Reply::Json(json!({ "appRoles": world.app_roles })),
        Asked::AwsSecret => Reply::Json(json!({ "Name": "entra", "SecretString": SECRET })),
        Asked::AwsIdentity => Reply::Text(
            200,
            "<GetWebIdentityTokenResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetWebIdentityTokenResult><Expiration>2026-11-20T10:05:00Z</Expiration>\
             <WebIdentityToken>aGVhZA.Ym9keQ.c2ln</WebIdentityToken>\
             </GetWebIdentityTokenResult></GetWebIdentityTokenResponse>",
        ),
    }
}

fn list(rows: &[Value], page_size: usize, root: &str, call: &Call) -> Reply {
    let rows: Vec<&Value> = rows
        .iter()
        .skip(call.page * page_size)
        .take(page_size + 1)
        .collect();
    let mut page = json!({ "@odata.context": "…", "value": rows[..rows.len().min(page_size)] });
    if rows.len() > page_size {
        let next = format!("{root}{}?$skiptoken={}", call.path, call.page + 1);
        page["@odata.nextLink"] = next.into();
    }
    Reply::Json(page)
}

async fn respond(reply: Reply) -> Response {
    let response = Response::builder().header("request-id", "7c1f-request");
    match reply {
        Reply::Json(body) => response
            .header("content-type", "application/json")
            .body(body.to_string().into()),
        Reply::Text(status, text) => response.status(status).body(text.into()),
        Reply::Error(status, code) => response.status(status).body(error_body(code)),
        Reply::ErrorWith(status, (name, value)) => response
            .status(status)
            .header(name, value)
            .body(error_body("Some_Code")),
        Reply::Huge(bytes) => response.body("x".repeat(bytes).into()),
        Reply::CutOff => {
            let parts = [Ok("{\"value\": ["), Err("cut off")];
            response.body(Body::from_stream(futures::stream::iter(parts)))
        }
        Reply::Silence | Reply::Late(_) => std::future::pending().await,
    }
    .unwrap()
}

/// As Graph words it, with a message that names people.
fn error_body(code: &str) -> Body {
    let message = format!("ada@acme.example ({USER}) may not");
    json!({ "error": { "code": code, "message": message } })
        .to_string()
        .into()
}

/// All that is said of an error, its causes included, in both ways of saying it.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = format!("{error:?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, " | {error}").unwrap();
        next = error.source();
    }
    text
}
