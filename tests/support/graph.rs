//! A fake of Graph and of Entra's token endpoint over real HTTP: a small directory that a story
//! fills and changes, with faults on request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::Response;
use muster_local::Options;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::ACME;

/// The secret of the application. It must not appear in any output.
pub const CLIENT_SECRET: &str = "s3cret-of-the-client";
/// The prefix of every token.
pub const TOKEN: &str = "t0ken-";
const APPLICATION: &str = "8e881353-1735-45af-af21-ee1344582a4d";
/// The app role of principals without one.
const DEFAULT_ACCESS: &str = "00000000-0000-0000-0000-000000000000";

/// The kind of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Requests an application token.
    Token,
    /// Lists the groups assigned to the enterprise application.
    Assigned,
    /// Lists the app roles of the enterprise application.
    AppRoles,
    /// Lists the groups of a user.
    UserGroups,
}

/// A fault in place of the real response.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status with an error in Graph's JSON.
    Error(u16, &'static str),
    /// The same with `Retry-After`.
    RetryAfter(u16, &'static str),
    /// 200 with any text.
    Text(&'static str),
    /// 200 with an empty page that links to this URL.
    Link(&'static str),
    /// No response.
    Silence,
    /// The real response after a delay.
    Late(Duration),
    /// The start of the real response, then a broken connection.
    CutOff,
    /// A page without one row, and with a link to a page that does not exist.
    Partial,
}

#[derive(Clone, Debug)]
struct Fault {
    asked: Asked,
    /// The page of a list; `None`: any.
    page: Option<usize>,
    /// The number of real responses before the fault.
    spared: usize,
    /// The number of faults left.
    times: usize,
    answer: Answer,
}

#[derive(Debug)]
struct Group {
    name: Option<String>,
    /// The app roles that it is assigned with; `None`: not assigned.
    assigned: Option<BTreeSet<String>>,
    members: BTreeSet<String>,
    groups: BTreeSet<String>,
}

#[derive(Debug)]
struct Directory {
    root: String,
    groups: BTreeMap<String, Group>,
    /// Ids by values.
    app_roles: BTreeMap<String, String>,
    page_size: usize,
    /// Whether it accepts `$count=true` for the assigned groups.
    counts: bool,
    faults: Vec<Fault>,
    calls: Vec<Asked>,
    /// The lifetime of a token.
    token_seconds: u32,
    /// The number of issued tokens.
    tokens: usize,
}

/// The directory. Each story starts its own.
#[derive(Clone, Debug)]
pub struct Graph(Arc<Mutex<Directory>>);

/// The object id of a user in Entra. It must not appear in any log.
pub fn object_id(user: &str) -> String {
    format!("object-of-{user}")
}

/// The event of a user who signed in through Entra, with unknown members.
pub fn login_event(user: &str) -> Value {
    json!({
        "version": "1", "region": "eu-central-1", "userPoolId": "eu-central-1_abc",
        "userName": format!("entra_{user}"),
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": "xxx"},
        "triggerSource": "PostAuthentication_Authentication",
        "request": {
            "userAttributes": {
                "sub": user, "cognito:user_status": "EXTERNAL_PROVIDER", "email_verified": "false",
                "email": format!("{user}@acme.example"), "name": format!("{user} of Acme"),
                "custom:tenant_id": ACME, "custom:entra_object_id": object_id(user),
                "custom:odd": 7, "phone_number": null, "custom:list": [1, -2.5, true, {"x": "ü\u{0}"}],
            },
            "newDeviceUsed": false,
        },
        "response": {}, "unknown": {"deep": [[], {}, "", 18_446_744_073_709_551_615_u64]},
    })
}

impl Graph {
    /// An empty directory.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let directory = Directory {
            root: format!("http://{}", listener.local_addr().unwrap()),
            groups: BTreeMap::new(),
            app_roles: BTreeMap::new(),
            page_size: 100,
            counts: true,
            faults: Vec::new(),
            calls: Vec::new(),
            token_seconds: 86_400,
            tokens: 0,
        };
        let graph = Self(Arc::new(Mutex::new(directory)));
        let router = Router::new().fallback(serve).with_state(graph.clone());
        tokio::spawn(async { axum::serve(listener, router).await });
        graph
    }

    /// Options of a stack whose sync uses this directory, with these variables over the defaults.
    pub fn options(&self, more: &[(&str, &str)]) -> Options {
        let root = self.0.lock().unwrap().root.clone();
        let (graph, token) = (format!("{root}/v1.0"), format!("{root}/{{tenant}}/token"));
        let usual = [
            ("MICROSOFT_CLIENT_ID", "c1"),
            ("MICROSOFT_TENANT", "contoso.example"),
            ("MICROSOFT_CLIENT_SECRET", CLIENT_SECRET),
            ("MICROSOFT_SERVICE_PRINCIPAL_ID", APPLICATION),
            ("MICROSOFT_GRAPH_ENDPOINT", &graph),
            ("MICROSOFT_TOKEN_ENDPOINT", &token),
        ];
        let mut options = Options::default();
        for (name, value) in usual.iter().chain(more) {
            let (name, value) = ((*name).to_owned(), (*value).to_owned());
            options.variables.insert(name, value);
        }
        options
    }

    /// A group assigned to the enterprise application.
    pub fn assign(&self, id: &str, name: &str) {
        self.with(id, |group| {
            group.name = Some(name.to_owned());
            group.assigned.get_or_insert_default();
        });
    }

    /// Like [`Graph::assign`], without a name in the response.
    pub fn assign_nameless(&self, id: &str) {
        self.with(id, |group| {
            group.name = None;
            group.assigned.get_or_insert_default();
        });
    }

    /// Assigns the group with this app role, in addition to others.
    pub fn assign_with(&self, id: &str, app_role: &str) {
        let role = format!("id-of-{app_role}");
        let mut directory = self.0.lock().unwrap();
        directory.app_roles.insert(app_role.to_owned(), role);
        drop(directory);
        self.with(id, |group| {
            let app_role = app_role.to_owned();
            group.assigned.get_or_insert_default().insert(app_role);
        });
    }

    /// Removes an app role from the group's assignment.
    pub fn take_role(&self, id: &str, app_role: &str) {
        self.with(id, |group| {
            if let Some(assigned) = &mut group.assigned {
                assigned.remove(app_role);
            }
        });
    }

    /// Adds an app role to the enterprise application, assigned to no group.
    pub fn app_role(&self, app_role: &str) {
        let role = format!("id-of-{app_role}");
        let mut directory = self.0.lock().unwrap();
        directory.app_roles.insert(app_role.to_owned(), role);
    }

    /// Whether a group is assigned with an app role.
    pub fn has_role(&self, id: &str, app_role: &str) -> bool {
        let directory = self.0.lock().unwrap();
        let assigned = directory.groups.get(id).and_then(|it| it.assigned.as_ref());
        assigned.is_some_and(|roles| roles.contains(app_role))
    }

    /// Removes the assignment of a group.
    pub fn unassign(&self, id: &str) {
        self.with(id, |group| group.assigned = None);
    }

    /// Adds a user to a group.
    pub fn join(&self, user: &str, id: &str) {
        self.with(id, |group| group.members.insert(object_id(user)));
    }

    /// Removes a user from a group.
    pub fn leave(&self, user: &str, id: &str) {
        self.with(id, |group| group.members.remove(&object_id(user)));
    }

    /// Adds a group to a group.
    pub fn nest(&self, inner: &str, id: &str) {
        self.with(id, |group| group.groups.insert(inner.to_owned()));
    }

    /// Rows of a page.
    pub fn page_size(&self, rows: usize) {
        self.0.lock().unwrap().page_size = rows;
    }

    /// Rejects the count of assigned groups.
    pub fn refuse_to_count(&self) {
        self.0.lock().unwrap().counts = false;
    }

    /// The lifetime of the next tokens.
    pub fn token_seconds(&self, seconds: u32) {
        self.0.lock().unwrap().token_seconds = seconds;
    }

    /// Answers a kind of call with this fault, on this page or any, until [`Graph::heal`].
    pub fn fail(&self, asked: Asked, page: Option<usize>, answer: Answer) {
        self.fail_times(usize::MAX, asked, page, answer);
    }

    /// Answers a kind of call with this fault a number of times.
    pub fn fail_times(&self, times: usize, asked: Asked, page: Option<usize>, answer: Answer) {
        self.0.lock().unwrap().faults.push(Fault {
            asked,
            page,
            spared: 0,
            times,
            answer,
        });
    }

    /// Answers a kind of call with this fault, after a number of real responses, until
    /// [`Graph::heal`].
    pub fn fail_after(&self, spared: usize, asked: Asked, answer: Answer) {
        self.0.lock().unwrap().faults.push(Fault {
            asked,
            page: None,
            spared,
            times: usize::MAX,
            answer,
        });
    }

    /// Stops all faults.
    pub fn heal(&self) {
        self.0.lock().unwrap().faults.clear();
    }

    /// The calls since the last time.
    pub fn calls(&self) -> Vec<Asked> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    /// Whether a user is in an assigned group.
    pub fn holds(&self, user: &str, id: &str) -> bool {
        let directory = self.0.lock().unwrap();
        let group = directory.groups.get(id);
        group.is_some_and(|group| {
            group.assigned.is_some() && group.members.contains(&object_id(user))
        })
    }

    /// Whether the calls since the last [`Graph::calls`] read both the assigned groups and those of
    /// a user.
    pub fn is_read(&self) -> bool {
        let calls = &self.0.lock().unwrap().calls;
        [Asked::Assigned, Asked::UserGroups]
            .iter()
            .all(|asked| calls.contains(asked))
    }

    fn with<T>(&self, id: &str, change: impl FnOnce(&mut Group) -> T) {
        let mut directory = self.0.lock().unwrap();
        let group = directory.groups.entry(id.to_owned()).or_insert(Group {
            name: None,
            assigned: None,
            members: BTreeSet::new(),
            groups: BTreeSet::new(),
        });
        change(group);
    }
}

impl Directory {
    /// All groups of a user, including the groups that contain these, transitively.
    fn groups_of(&self, object: &str, nested: bool) -> BTreeSet<&String> {
        let direct = self.groups.iter();
        let mut found: BTreeSet<&String> = direct
            .filter(|(_, group)| group.members.contains(object))
            .map(|(id, _)| id)
            .collect();
        loop {
            let before = found.len();
            for (id, group) in self.groups.iter().filter(|_| nested) {
                if group.groups.iter().any(|inner| found.contains(inner)) {
                    found.insert(id);
                }
            }
            if found.len() == before {
                return found;
            }
        }
    }

    fn rows(&self, asked: Asked, path: &str) -> Vec<Value> {
        if asked == Asked::UserGroups {
            let object = path.split('/').nth(3).unwrap();
            let groups = self.groups_of(object, path.contains("/transitiveMemberOf/"));
            return groups.iter().map(|id| json!({ "id": id })).collect();
        }
        let mut rows = Vec::new();
        for (id, group) in &self.groups {
            let Some(roles) = &group.assigned else {
                continue;
            };
            let default = DEFAULT_ACCESS.to_owned();
            let mut roles: Vec<_> = roles.iter().map(|role| &self.app_roles[role]).collect();
            if roles.is_empty() {
                roles.push(&default);
            }
            rows.extend(roles.into_iter().map(|role| {
                json!({"principalId": id, "principalType": "Group", "appRoleId": role,
                       "principalDisplayName": group.name, "resourceId": APPLICATION})
            }));
        }
        // Users can be assigned too. They are not groups.
        rows.push(
            json!({"principalId": object_id("ada"), "principalType": "User",
                         "principalDisplayName": "Ada", "appRoleId": DEFAULT_ACCESS}),
        );
        rows
    }

    fn page(&self, asked: Asked, path: &str, page: usize, is_counted: bool) -> Value {
        let rows = self.rows(asked, path);
        let start = page * self.page_size;
        let shown: Vec<_> = rows.iter().skip(start).take(self.page_size).collect();
        let mut answer = json!({"value": shown});
        if is_counted {
            answer["@odata.count"] = rows.len().into();
        }
        if rows.len() > start + self.page_size {
            let link = format!("{}{path}?$skiptoken={}", self.root, page + 1);
            answer["@odata.nextLink"] = link.into();
        }
        answer
    }

    fn truth(&mut self, asked: Asked, path: &str, page: usize, is_counted: bool) -> Value {
        match asked {
            Asked::Token => {
                self.tokens += 1;
                json!({"token_type": "Bearer", "expires_in": self.token_seconds,
                       "access_token": format!("{TOKEN}{}", self.tokens)})
            }
            Asked::AppRoles => {
                let roles = self.app_roles.iter();
                let roles = roles.map(|(value, id)| json!({"id": id, "value": value}));
                json!({"appRoles": roles.collect::<Vec<_>>()})
            }
            Asked::Assigned | Asked::UserGroups => self.page(asked, path, page, is_counted),
        }
    }

    fn fault(&mut self, asked: Asked, page: usize) -> Option<Answer> {
        let fault = self.faults.iter_mut().find(|fault| {
            fault.asked == asked && fault.page.is_none_or(|at| at == page) && fault.times > 0
        })?;
        if fault.spared > 0 {
            fault.spared -= 1;
            return None;
        }
        fault.times -= 1;
        Some(fault.answer.clone())
    }
}

async fn serve(State(graph): State<Graph>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default();
    let page = query
        .rsplit_once("$skiptoken=")
        .map_or(0, |(_, page)| page.parse().unwrap());
    let asked = match path.as_str() {
        path if path.ends_with("/token") => Asked::Token,
        path if path.ends_with("/appRoleAssignedTo") => Asked::Assigned,
        path if path.ends_with("emberOf/microsoft.graph.group") => Asked::UserGroups,
        path if path.ends_with(APPLICATION) => Asked::AppRoles,
        path => panic!("unexpected call of {path}"),
    };
    let bearer = parts.headers.get("authorization").cloned();
    let form = to_bytes(body, 64 * 1024).await.unwrap();
    let (fault, truth) = {
        let mut directory = graph.0.lock().unwrap();
        directory.calls.push(asked);
        let known = if asked == Asked::Token {
            let secret = format!("client_secret={CLIENT_SECRET}");
            std::str::from_utf8(&form).unwrap().contains(&secret)
        } else {
            let begins = format!("Bearer {TOKEN}");
            bearer.is_some_and(|bearer| bearer.to_str().unwrap().starts_with(&begins))
        };
        assert!(known, "call {asked:?} without the permission");
        // On the first page only, like Graph: the links to the next pages have no `$count`.
        let is_counted = query.contains("$count=true");
        if !directory.counts && is_counted && asked == Asked::Assigned {
            let refused = Answer::Error(400, "Request_UnsupportedQuery");
            (Some(refused), Value::Null)
        } else {
            let fault = directory.fault(asked, page);
            (fault, directory.truth(asked, &path, page, is_counted))
        }
    };
    answer(fault, truth).await
}

async fn answer(fault: Option<Answer>, truth: Value) -> Response<Body> {
    let response = Response::builder().header("request-id", "7c1f-request");
    let error = |code: &str| {
        let message = format!("ada@acme.example ({}) may not", object_id("ada"));
        Body::from(json!({"error": {"code": code, "message": message}}).to_string())
    };
    match fault {
        None => response.body(truth.to_string().into()),
        Some(Answer::Error(status, code)) => response.status(status).body(error(code)),
        Some(Answer::RetryAfter(status, wait)) => response
            .status(status)
            .header("retry-after", wait)
            .body(error("TooManyRequests")),
        Some(Answer::Text(text)) => response.body(text.into()),
        Some(Answer::Link(link)) => {
            let page = json!({"value": [], "@odata.nextLink": link});
            response.body(page.to_string().into())
        }
        Some(Answer::Silence) => std::future::pending().await,
        Some(Answer::Late(time)) => {
            sleep(time).await;
            response.body(truth.to_string().into())
        }
        Some(Answer::CutOff) => {
            let start = truth.to_string().chars().take(10).collect::<String>();
            let parts = [Ok(start), Err("cut off")];
            response.body(Body::from_stream(futures::stream::iter(parts)))
        }
        Some(Answer::Partial) => {
            let mut page = truth;
            if let Some(rows) = page["value"].as_array_mut() {
                rows.pop();
            }
            page["@odata.nextLink"] = "nowhere".into();
            response.body(page.to_string().into())
        }
    }
    .unwrap()
}
