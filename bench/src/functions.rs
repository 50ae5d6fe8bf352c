//! Measures the cost of a function itself: size, start, first request, work and memory, compared
//! with minimal functions.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::callgrind;
use crate::figures::{Machine, Rounds, keep, median};
use crate::process::Process;
use crate::setting::{
    FETCH, GET_ITEM, GROUPS, HELLO, LIST_MEMBERS, LOOK_UP, QUERY, SEND_AND_FETCH, SEND_MESSAGE,
    SIGNS_IN, Setting, Surroundings, surroundings,
};

/// Rounds over all functions.
const ROUNDS: usize = 5;
/// Starts of a function per round. The fastest counts, because other load only adds to it.
const STARTS: usize = 15;
/// Starts with a first and a second request.
const FIRSTS: usize = 7;
/// Warm-up requests, and counted requests.
const WARM_UP: usize = 50;
const REQUESTS: usize = 300;
/// Maximum number of logins until nothing is left to create.
const LOGINS: usize = 5;

/// The name of the results of the deployed functions.
pub(crate) const RELEASE: &str = "release";
const BARE: [&str; 7] = [
    HELLO,
    GET_ITEM,
    QUERY,
    SEND_MESSAGE,
    FETCH,
    SEND_AND_FETCH,
    LOOK_UP,
];
/// Texts of clients, which only binaries with these clients contain.
const SQS: &[u8] = b"AmazonSQS";
const HTTP: &[u8] = b"reqwest";
const DNS: &[u8] = b"hickory_resolver";
/// The functions that get events. The others are only started and weighed.
const MEASURED: [&str; 9] = [
    HELLO,
    GET_ITEM,
    "get-organization",
    "create-organization",
    "list-organizations",
    QUERY,
    LIST_MEMBERS,
    "pre-token",
    POST_LOGIN,
];
const POST_LOGIN: &str = "post-login";

/// The measurements of one build of the functions.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Functions {
    pub(crate) machine: Machine,
    pub(crate) functions: BTreeMap<String, MeasuredFunction>,
}

/// The measurements of one function.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MeasuredFunction {
    /// The smallest function with the same clients.
    #[serde(default = "get_item")]
    pub(crate) smallest: String,
    pub(crate) bytes: u64,
    pub(crate) zipped: u64,
    pub(crate) start_ms: Rounds,
    /// CPU time until the first poll, which other load does not affect.
    pub(crate) start_cpu_ms: Rounds,
    pub(crate) first_ms: Rounds,
    pub(crate) second_ms: Rounds,
    pub(crate) tls_first_ms: Rounds,
    pub(crate) tls_second_ms: Rounds,
    pub(crate) cpu_us: Rounds,
    pub(crate) instructions: Option<u64>,
    pub(crate) peak_memory: Rounds,
}

/// For results from before there were several bare functions.
fn get_item() -> String {
    GET_ITEM.to_owned()
}

/// Returns the smallest function with the clients that a binary contains. Clients of mail and of event buses do not count, and
/// DNS counts only alone.
fn smallest_with_clients_of(binary: &[u8]) -> &'static str {
    let has = |text: &[u8]| binary.windows(text.len()).any(|it| it == text);
    match (has(SQS), has(HTTP)) {
        (true, true) => SEND_AND_FETCH,
        (true, false) => SEND_MESSAGE,
        (false, true) => FETCH,
        (false, false) if has(DNS) => LOOK_UP,
        (false, false) => GET_ITEM,
    }
}

/// Measures the functions in the folder and stores the results under this name.
pub(crate) async fn measure(binaries: &Path, label: &str) -> Result<()> {
    let Surroundings { world, setting } = surroundings(binaries).await?;
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
        ensure!(measured == all, "{measured} of {all} functions were found");
    }
    keep(&format!("functions-{label}"), &functions)
}

fn all(setting: &Setting) -> Result<Functions> {
    let mut functions = BTreeMap::new();
    let names = muster_functions::functions().iter().map(|it| it.name);
    for name in names.chain(BARE) {
        let Ok(program) = setting.program(name) else {
            continue;
        };
        let binary = fs::read(&program)?;
        let mut zipped = DeflateEncoder::new(Vec::new(), Compression::best());
        zipped.write_all(&binary)?;
        let function = MeasuredFunction {
            smallest: smallest_with_clients_of(&binary).to_owned(),
            bytes: binary.len() as u64,
            zipped: zipped.finish()?.len() as u64,
            ..MeasuredFunction::default()
        };
        functions.insert(name.to_owned(), function);
    }
    ensure!(
        !functions.is_empty(),
        "no function in {}",
        setting.binaries.display()
    );
    if setting.program(POST_LOGIN).is_ok() {
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

/// Signs in until everything of the groups exists.
fn settle(setting: &Setting) -> Result<()> {
    let process = Process::start(&setting.program(POST_LOGIN)?, &setting.plain)?;
    for n in 0..LOGINS {
        setting.invoke(&process, POST_LOGIN, n)?;
    }
    Ok(())
}

/// Starts all functions in turn, as Lambda does, without calls to DynamoDB.
fn starts(setting: &Setting, functions: &mut BTreeMap<String, MeasuredFunction>) -> Result<()> {
    // In a real region, without calls: with the root certificates of production.
    let own = |variable: &&(String, String)| !variable.0.starts_with("AWS_ENDPOINT");
    let in_region: Vec<_> = setting.plain.iter().filter(own).cloned().collect();
    let mut quickest: BTreeMap<String, [f64; 2]> = BTreeMap::new();
    for _ in 0..STARTS {
        for name in functions.keys() {
            let process = Process::start(&setting.program(name)?, &in_region)?;
            let [wall, cpu] = quickest.entry(name.clone()).or_insert([f64::INFINITY; 2]);
            *wall = wall.min(ms(process.start));
            *cpu = cpu.min(ms(process.cpu()?));
        }
    }
    for (name, [wall, cpu]) in quickest {
        let function = functions.get_mut(&name).context("its process has ended")?;
        function.start_ms.0.push(wall);
        function.start_cpu_ms.0.push(cpu);
    }
    Ok(())
}

/// First and second requests, each in a process of its own.
fn requests(setting: &Setting, name: &str, function: &mut MeasuredFunction) -> Result<()> {
    if name == HELLO {
        return Ok(());
    }
    let program = setting.program(name)?;
    let measured = |variables: &[(String, String)]| -> Result<[f64; 2]> {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        for n in 0..FIRSTS {
            let process = Process::start(&program, variables)?;
            first.push(ms(setting.invoke(&process, name, n)?));
            second.push(ms(setting.invoke(&process, name, n + FIRSTS)?));
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

/// Work and memory of a warm function.
fn work(setting: &Setting, name: &str, function: &mut MeasuredFunction) -> Result<()> {
    let process = Process::start(&setting.program(name)?, &setting.plain)?;
    for n in 0..WARM_UP {
        setting.invoke(&process, name, n)?;
    }
    let before = process.cpu()?;
    for n in 0..REQUESTS {
        setting.invoke(&process, name, n)?;
    }
    let spent = process.cpu()?.saturating_sub(before);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (requests, memory) = (REQUESTS as f64, process.peak_memory()? as f64);
    function.cpu_us.0.push(spent.as_secs_f64() * 1e6 / requests);
    function.peak_memory.0.push(memory);
    Ok(())
}

/// Instructions of one more request; `None` without valgrind.
fn instructions(setting: &Setting, name: &str) -> Result<Option<u64>> {
    if !callgrind::is_there() {
        return Ok(None);
    }
    let request = callgrind::of_a_request(setting, name)?;
    Ok(Some(request.total()?))
}
