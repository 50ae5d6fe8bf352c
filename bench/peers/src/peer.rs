//! The common interface of the three services: how each is started and filled.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use futures::stream::{self, TryStreamExt as _};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::process::{Server, free_port};

/// The users of the benchmark. The last one is the admin of the tenant, if the service has one.
pub(crate) const PEOPLE: [&str; 4] = ["ada", "bob", "cy", "root"];
/// Members of the listed organization: a page, including the owner.
pub(crate) const PAGE: usize = 50;
/// Organizations that get invitations in turn, so that none grows large.
const CROWDS: usize = 200;
/// Users who create organizations in turn, so that none has many.
pub(crate) const MAKERS: usize = 200;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PeerKind {
    Muster,
    FastApi,
    BetterAuth,
}

/// The load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PeerOperation {
    Create,
    Get,
    AddMember,
    ListMembers,
}

impl PeerKind {
    pub(crate) const ALL: [Self; 3] = [Self::Muster, Self::FastApi, Self::BetterAuth];

    fn health(self) -> &'static str {
        match self {
            Self::Muster => "/_local/health",
            Self::FastApi | Self::BetterAuth => "/health",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Muster => "Muster, local stack",
            Self::FastApi => "FastAPI + SQLAlchemy",
            Self::BetterAuth => "better-auth",
        }
    }
}

impl PeerOperation {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Get, Self::AddMember, Self::ListMembers];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create organization",
            Self::Get => "get organization",
            Self::AddMember => "invite a member",
            Self::ListMembers => "list 50 members",
        }
    }
}

/// The paths of the programs.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The checkout.
    pub(crate) root: PathBuf,
    /// The local stack, optimised.
    pub(crate) stack: PathBuf,
    /// The virtual environment of Python.
    pub(crate) python: PathBuf,
    /// The folder with the packages of Node.
    pub(crate) node: PathBuf,
    /// The folder of tables and logs.
    pub(crate) scratch: PathBuf,
    /// The number of processes of a service with single-threaded workers.
    pub(crate) workers: usize,
}

/// A running service.
pub(crate) struct Peer {
    pub(crate) kind: PeerKind,
    pub(crate) server: Server,
    /// The authentication header of each user.
    pub(crate) headers: BTreeMap<String, (&'static str, String)>,
    /// Ids of users, if they are not their names.
    pub(crate) ids: BTreeMap<String, String>,
    /// Organizations of ada: without other members, with a page of members, and those that grow.
    pub(crate) alone: String,
    pub(crate) page: String,
    pub(crate) crowds: Vec<String>,
}

impl Peer {
    /// The health check, which does no work.
    pub(crate) fn health(&self) -> String {
        format!("{}{}", self.server.url, self.kind.health())
    }

    /// Starts it with a new empty table each time.
    pub(crate) async fn boot(
        kind: PeerKind,
        places: &Places,
        users: usize,
    ) -> Result<(Server, Value)> {
        let folder = places.scratch.join(format!("{kind:?}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let (port, log) = (free_port()?, folder.join("log"));
        let workers = places.workers.to_string();
        let given = port.to_string();
        match kind {
            PeerKind::Muster => {
                let mut command = Command::new(&places.stack);
                command.args(["--port", &given, "--dynamodb-port", "0"]);
                command.current_dir(&places.root);
                let server = Server::start(command, port, kind.health(), &log).await?;
                Ok((server, Value::Null))
            }
            PeerKind::FastApi => {
                let service = places.root.join("bench/peers/fastapi");
                let python = |program: &str| {
                    let mut command = Command::new(places.python.join("bin").join(program));
                    command
                        .env("DATABASE", folder.join("db"))
                        .env("PUBLIC_KEY", folder.join("key"));
                    command
                        .env("PYTHONDONTWRITEBYTECODE", "1")
                        .current_dir(&service);
                    command
                };
                let made = python("python")
                    .args(["prepare.py", &users.to_string(), &MAKERS.to_string()])
                    .output()
                    .await?;
                if !made.status.success() {
                    bail!("prepare.py: {}", String::from_utf8_lossy(&made.stderr));
                }
                let mut command = python("python");
                command.args([
                    "-m",
                    "uvicorn",
                    "main:app",
                    "--port",
                    &given,
                    "--workers",
                    &workers,
                ]);
                command.args(["--no-access-log", "--log-level", "warning"]);
                let server = Server::start(command, port, kind.health(), &log).await?;
                Ok((server, serde_json::from_slice(&made.stdout)?))
            }
            PeerKind::BetterAuth => {
                let script = places.root.join("bench/peers/better-auth/server.mjs");
                // Node looks for packages next to the script.
                fs::copy(script, places.node.join("server.mjs"))?;
                let node = || {
                    let mut command = Command::new("node");
                    command.arg("server.mjs").current_dir(&places.node);
                    command
                        .env("PORT", &given)
                        .env("WORKERS", &workers)
                        .env("NODE_ENV", "production");
                    command.env("DATABASE", folder.join("db"));
                    command
                };
                // Its tables exist before it starts, as for FastAPI.
                let made = node().arg("migrate").output().await?;
                if !made.status.success() {
                    bail!("migrate: {}", String::from_utf8_lossy(&made.stderr));
                }
                Ok((
                    Server::start(node(), port, kind.health(), &log).await?,
                    Value::Null,
                ))
            }
        }
    }

    /// Starts it, and creates users, organizations and this number of users to add.
    pub(crate) async fn start(kind: PeerKind, places: &Places, users: usize) -> Result<Self> {
        let (server, tokens) = Self::boot(kind, places, users).await?;
        let mut peer = Self {
            kind,
            server,
            headers: BTreeMap::new(),
            ids: BTreeMap::new(),
            alone: String::new(),
            page: String::new(),
            crowds: Vec::new(),
        };
        let client = Client::new();
        let known: Vec<String> = PEOPLE
            .map(str::to_owned)
            .into_iter()
            .chain((0..MAKERS).map(maker))
            .collect();
        for name in &known {
            peer.introduce(&client, name, &tokens).await?;
        }
        if kind == PeerKind::Muster {
            let all = known.into_iter().chain((0..users).map(user));
            stream::iter(all.map(Ok))
                .try_for_each_concurrent(8, |name| peer.register(&client, name))
                .await?;
        }
        peer.alone = peer.make(&client, "Alone").await?;
        peer.page = peer.make(&client, "A page").await?;
        for n in 1..PAGE {
            peer.fill(&client, n).await?;
        }
        for n in 0..CROWDS {
            peer.crowds
                .push(peer.make(&client, &format!("Crowd {n}")).await?);
        }
        peer.check(&client).await?;
        Ok(peer)
    }

    /// Checks that each load does real work, not on an empty page.
    async fn check(&self, client: &Client) -> Result<()> {
        let ask = async |operation, n| -> Result<Value> {
            let answer = self.load(client, operation, n).send().await?;
            Ok(answer.error_for_status()?.json().await?)
        };
        let found = ask(PeerOperation::Get, 0).await?;
        ensure!(text_at(&found, "/name")? == "Alone", "another one: {found}");
        let list = match self.kind {
            PeerKind::Muster => "/items",
            PeerKind::FastApi => "",
            PeerKind::BetterAuth => "/members",
        };
        let page = ask(PeerOperation::ListMembers, 0).await?;
        let members = page.pointer(list).and_then(Value::as_array).map(Vec::len);
        ensure!(members == Some(PAGE), "{members:?} members on a page");
        Ok(())
    }

    async fn introduce(&mut self, client: &Client, name: &str, tokens: &Value) -> Result<()> {
        let url = &self.server.url;
        let header = match self.kind {
            PeerKind::Muster => {
                let groups = if name == "root" {
                    json!(["tenant-admins"])
                } else {
                    json!([])
                };
                let asked = json!({"user_id": name, "tenant_id": "acme", "groups": groups});
                let answer = client
                    .post(format!("{url}/_local/token"))
                    .json(&asked)
                    .send()
                    .await?;
                let answer: Value = answer.error_for_status()?.json().await?;
                let token = text_at(&answer, "/access_token")?;
                ("authorization", format!("Bearer {token}"))
            }
            PeerKind::FastApi => {
                let token = text_at(tokens, &format!("/{name}"))?;
                ("authorization", format!("Bearer {token}"))
            }
            PeerKind::BetterAuth => {
                let (id, cookie) = self.sign_up(client, name).await?;
                self.ids.insert(name.to_owned(), id);
                ("cookie", cookie)
            }
        };
        self.headers.insert(name.to_owned(), header);
        Ok(())
    }

    /// An account of better-auth: its id and the cookie of its session.
    async fn sign_up(&self, client: &Client, name: &str) -> Result<(String, String)> {
        let url = format!("{}/api/auth/sign-up/email", self.server.url);
        let body = json!({"email": email(name), "password": "a long password", "name": name});
        let answer = client
            .post(url)
            .header("origin", &self.server.url)
            .json(&body)
            .send()
            .await?;
        let answer = answer.error_for_status()?;
        let cookie = answer
            .headers()
            .get("set-cookie")
            .context("a session")?
            .to_str()?
            .to_owned();
        let (cookie, _) = cookie.split_once(';').context("a cookie has attributes")?;
        let body: Value = answer.json().await?;
        Ok((text_at(&body, "/user/id")?, cookie.to_owned()))
    }

    async fn register(&self, client: &Client, name: String) -> Result<()> {
        let request = self.request(client, Method::PUT, &format!("/users/{name}"), "root");
        request
            .json(&json!({"email": email(&name)}))
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    /// An organization of ada: its id.
    pub(crate) async fn make(&self, client: &Client, name: &str) -> Result<String> {
        let answer = self
            .create(client, "ada", name)
            .send()
            .await?
            .error_for_status()?;
        let body: Value = answer.json().await?;
        text_at(&body, "/id")
    }

    /// Adds an active member to the page.
    async fn fill(&self, client: &Client, n: usize) -> Result<()> {
        let id = match self.kind {
            PeerKind::BetterAuth => self.sign_up(client, &format!("member{n}")).await?.0,
            PeerKind::Muster | PeerKind::FastApi => user(n),
        };
        let add = self.add(client, "ada", &self.page, &id, "member");
        add.send().await?.error_for_status()?;
        Ok(())
    }
}

/// A string in a response.
pub(crate) fn text_at(answer: &Value, pointer: &str) -> Result<String> {
    let text = answer.pointer(pointer).and_then(Value::as_str);
    Ok(text
        .with_context(|| format!("{pointer} in {answer}"))?
        .to_owned())
}

/// The n-th user to add.
pub(crate) fn user(n: usize) -> String {
    format!("u{n}")
}

/// The n-th creator of organizations.
pub(crate) fn maker(n: usize) -> String {
    format!("maker{}", n % MAKERS)
}

pub(crate) fn email(name: &str) -> String {
    format!("{name}@acme.example")
}

/// Checks that the file exists, or says what to do.
pub(crate) fn there(path: &Path, what: &str) -> Result<()> {
    if !path.exists() {
        bail!("{} is missing: {what}", path.display());
    }
    Ok(())
}
