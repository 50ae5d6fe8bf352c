//! What a function costs by itself: its size, its start, its first request, its work and its memory,
//! beside the smallest functions that there can be.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use support::World;
use support::graph::{Graph, object_id};

use crate::figures::{Machine, Rounds, keep, median, root};
use crate::process::Process;
use crate::tls::Tls;

/// Rounds, each of all functions.
const ROUNDS: usize = 5;
/// Starts of a function in a round. The quickest counts: what else the machine does only adds to it.
const STARTS: usize = 15;
/// Starts with a first and a second request.
const FIRSTS: usize = 7;
/// Requests before those that are counted, and those.
const WARM_UP: usize = 50;
const REQUESTS: usize = 300;
/// Requests under the profiler that counts instructions.
const PROFILED: [usize; 2] = [20, 120];
/// Groups of the user who signs in. All of them are organizations and teams, so that the login that is
/// measured has nothing to do.
const GROUPS: usize = 20;
const SIGNS_IN: &str = "ada";
/// Logins until nothing is left to be made.
const LOGINS: usize = 5;

/// What the figures of the functions as they are deployed are kept under.
pub(crate) const RELEASE: &str = "release";
/// The function that does nothing.
pub(crate) const HELLO: &str = "bare-hello";
/// The function that does one `GetItem`.
pub(crate) const GET_ITEM: &str = "bare-get-item";
const BARE: [&str; 2] = [HELLO, GET_ITEM];
/// Those that are sent events. The others are started, and weighed.
const MEASURED: [&str; 7] = [
    HELLO,
    GET_ITEM,
    "get-organization",
    "create-organization",
    "list-organizations",
    "pre-token",
    POST_LOGIN,
];
const POST_LOGIN: &str = "post-login";

/// What was measured of one build of the functions.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Functions {
    pub(crate) machine: Machine,
    pub(crate) functions: BTreeMap<String, Function>,
}

/// What was measured of one function.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Function {
    pub(crate) bytes: u64,
    pub(crate) zipped: u64,
    pub(crate) start_ms: Rounds,
    /// Time on a CPU until the first poll, which others on the machine do not add to.
    pub(crate) start_cpu_ms: Rounds,
    pub(crate) first_ms: Rounds,
    pub(crate) second_ms: Rounds,
    pub(crate) tls_first_ms: Rounds,
    pub(crate) tls_second_ms: Rounds,
    pub(crate) cpu_us: Rounds,
    pub(crate) instructions: Option<u64>,
    pub(crate) peak_memory: Rounds,
}

/// Where a function and its events come from, and what it is told.
struct Setting {
    binaries: PathBuf,
    organization: String,
    plain: Vec<(String, String)>,
    tls: Vec<(String, String)>,
}

impl Setting {
    /// As `cargo build` leaves a program, or as cargo-lambda does.
    fn program(&self, name: &str) -> Option<PathBuf> {
        let places = [
            self.binaries.join(name).join("bootstrap"),
            self.binaries.join(name),
        ];
        places.into_iter().find(|place| place.is_file())
    }

    /// The n-th event for a function.
    fn event(&self, name: &str, n: usize) -> Result<Vec<u8>> {
        const ORGANIZATION: &str = "019aa4f2-6e5b-7c3d-9a4e-2f1b0c8d7e6f";
        let name = match name {
            HELLO | GET_ITEM => "get-organization",
            name => name,
        };
        let event = fs::read_to_string(root().join(format!("events/{name}.json")))?;
        let event = event
            .replace(ORGANIZATION, &self.organization)
            .replace("Sales EMEA", &format!("Sales {n} {}", fastrand::u64(..)))
            .replace(
                "create-sales-emea",
                &format!("create-{n}-{}", fastrand::u64(..)),
            );
        let mut event: Value = serde_json::from_str(&event)?;
        if let Some(user) = event.pointer_mut("/request/userAttributes") {
            // Somebody else than who makes the organizations, or each round would find more of them.
            user["sub"] = SIGNS_IN.into();
            user["custom:entra_object_id"] = object_id(SIGNS_IN).into();
        }
        Ok(event.to_string().into_bytes())
    }
}

/// Measures the functions in the folder and keeps what came of it under this name.
pub(crate) async fn measure(binaries: &Path, label: &str) -> Result<()> {
    let folder = root().join("target/tmp");
    fs::create_dir_all(&folder)?;
    let graph = Graph::start().await;
    let ada = "3c6f0a52-8f0e-4c57-9d1b-6f4a2f3f8b10";
    for n in 0..GROUPS {
        let id = format!("group-{n}");
        graph.assign(&id, &format!("Group {n}"));
        graph.join(SIGNS_IN, &id);
    }
    let mut options = graph.options(&[("ENTRA_GROUPS_ALSO_CREATE_ORGS", "true")]);
    let of_login = options.variables.clone();
    options.variables.clear();
    let world = World::with(options).await;
    let organization = world.organization(&world.user(ada), "Sales Nordics").await;
    let tls = Tls::start(world.stack.dynamodb_url(), &folder).await?;
    let variables = |url: &str| {
        let own = [("AWS_ENDPOINT_URL_DYNAMODB".to_owned(), url.to_owned())];
        own.into_iter().chain(of_login.clone()).collect::<Vec<_>>()
    };
    let mut of_tls = variables(&tls.url);
    of_tls.push(("SSL_CERT_FILE".to_owned(), tls.roots.display().to_string()));
    let setting = Setting {
        binaries: binaries.to_owned(),
        organization,
        plain: variables(world.stack.dynamodb_url()),
        tls: of_tls,
    };
    let functions = tokio::task::spawn_blocking(move || all(&setting)).await??;
    let made = world
        .user(SIGNS_IN)
        .all("/users/me/organizations")
        .await
        .len();
    ensure!(made == GROUPS, "{made} of {GROUPS} groups after the logins");
    if label == RELEASE {
        let all = muster_functions::functions().len() + BARE.len();
        let measured = functions.functions.len();
        ensure!(measured == all, "{measured} of {all} functions are there");
    }
    keep(&format!("functions-{label}"), &functions)
}

fn all(setting: &Setting) -> Result<Functions> {
    let mut functions = BTreeMap::new();
    let names = muster_functions::functions().iter().map(|it| it.name);
    for name in names.chain(BARE) {
        let Some(program) = setting.program(name) else {
            continue;
        };
        let binary = fs::read(&program)?;
        let mut zipped = DeflateEncoder::new(Vec::new(), Compression::best());
        zipped.write_all(&binary)?;
        let function = Function {
            bytes: binary.len() as u64,
            zipped: zipped.finish()?.len() as u64,
            ..Function::default()
        };
        functions.insert(name.to_owned(), function);
    }
    ensure!(
        !functions.is_empty(),
        "no function in {}",
        setting.binaries.display()
    );
    if setting.program(POST_LOGIN).is_some() {
        settle(setting)?;
    }
    for round in 1..=ROUNDS {
        starts(setting, &mut functions)?;
        for name in MEASURED {
            let Some(function) = functions.get_mut(name) else {
                continue;
            };
            eprintln!("round {round} of {ROUNDS}: {name}");
            requests(setting, name, function).with_context(|| name.to_owned())?;
            work(setting, name, function).with_context(|| name.to_owned())?;
        }
    }
    for name in MEASURED {
        let Some(function) = functions.get_mut(name) else {
            continue;
        };
        eprintln!("instructions: {name}");
        function.instructions = instructions(setting, name).with_context(|| name.to_owned())?;
    }
    Ok(Functions {
        machine: Machine::here()?,
        functions,
    })
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn program(setting: &Setting, name: &str) -> Result<PathBuf> {
    setting.program(name).context("it is gone")
}

/// Signs in until all is made that the groups give.
fn settle(setting: &Setting) -> Result<()> {
    let process = Process::start(&program(setting, POST_LOGIN)?, &setting.plain)?;
    for n in 0..LOGINS {
        invoke(&process, setting, POST_LOGIN, n)?;
    }
    Ok(())
}

/// Starts of all functions in turn, as Lambda does it, without a word to DynamoDB.
fn starts(setting: &Setting, functions: &mut BTreeMap<String, Function>) -> Result<()> {
    // In its region, where nothing is asked: with the roots that it has in production.
    let own = |variable: &&(String, String)| !variable.0.starts_with("AWS_ENDPOINT");
    let in_region: Vec<_> = setting.plain.iter().filter(own).cloned().collect();
    let mut quickest: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for _ in 0..STARTS {
        for name in functions.keys() {
            let process = Process::start(&program(setting, name)?, &in_region)?;
            let [wall, cpu] = quickest.entry(name.clone()).or_insert([f64::INFINITY; 2]);
            *wall = wall.min(ms(process.start));
            *cpu = cpu.min(ms(process.cpu()?));
        }
    }
    for (name, [wall, cpu]) in quickest {
        let function = functions.get_mut(&name).context("it is gone")?;
        function.start_ms.0.push(wall);
        function.start_cpu_ms.0.push(cpu);
    }
    Ok(())
}

/// First and second requests, each of a process of its own.
fn requests(setting: &Setting, name: &str, function: &mut Function) -> Result<()> {
    if name == HELLO {
        return Ok(());
    }
    let program = program(setting, name)?;
    let measured = |variables: &[(String, String)]| -> Result<[f64; 2]> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for n in 0..FIRSTS {
            let process = Process::start(&program, variables)?;
            first.push(ms(invoke(&process, setting, name, n)?));
            second.push(ms(invoke(&process, setting, name, n + FIRSTS)?));
        }
        Ok([median(first), median(second)])
    };
    let [first, second] = measured(&setting.plain)?;
    let [tls_first, tls_second] = measured(&setting.tls)?;
    function.first_ms.0.push(first);
    function.second_ms.0.push(second);
    function.tls_first_ms.0.push(tls_first);
    function.tls_second_ms.0.push(tls_second);
    Ok(())
}

/// One invocation, which must succeed.
fn invoke(process: &Process, setting: &Setting, name: &str, n: usize) -> Result<Duration> {
    let (time, answer) = process.api.invoke(setting.event(name, n)?)?;
    let answer: Value = serde_json::from_slice(&answer)?;
    if let Some(status) = answer.get("statusCode").and_then(Value::as_u64) {
        ensure!(status < 300, "{answer}");
    }
    Ok(time)
}

/// Work and memory of a function that has been answering for a while.
fn work(setting: &Setting, name: &str, function: &mut Function) -> Result<()> {
    let process = Process::start(&program(setting, name)?, &setting.plain)?;
    for n in 0..WARM_UP {
        invoke(&process, setting, name, n)?;
    }
    let before = process.cpu()?;
    for n in 0..REQUESTS {
        invoke(&process, setting, name, n)?;
    }
    let spent = process.cpu()?.saturating_sub(before);
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let (requests, memory) = (REQUESTS as f64, process.peak_memory()? as f64);
    function.cpu_us.0.push(spent.as_secs_f64() * 1e6 / requests);
    function.peak_memory.0.push(memory);
    Ok(())
}

/// Instructions of one more request, from two runs under valgrind; `None` where there is no valgrind.
fn instructions(setting: &Setting, name: &str) -> Result<Option<u64>> {
    if std::process::Command::new("valgrind")
        .arg("--version")
        .output()
        .is_err()
    {
        return Ok(None);
    }
    let out = root().join("target/tmp/callgrind.out");
    // What an earlier run left is not taken for this one's.
    if out.exists() {
        fs::remove_file(&out)?;
    }
    let file = format!("--callgrind-out-file={}", out.display());
    let around = ["valgrind", "--tool=callgrind", &file];
    let mut counted = [0_u64; 2];
    for (counted, requests) in counted.iter_mut().zip(PROFILED) {
        let process = Process::under(&around, &program(setting, name)?, &setting.plain)?;
        for n in 0..requests {
            invoke(&process, setting, name, n)?;
        }
        process.end()?;
        let told = fs::read_to_string(&out)?;
        let total = told.lines().find_map(|line| line.strip_prefix("totals: "));
        *counted = total.context("callgrind tells no total")?.trim().parse()?;
    }
    let [few, many] = counted;
    let requests = PROFILED[1] - PROFILED[0];
    Ok(Some(many.saturating_sub(few) / requests as u64))
}
