//! The goals and the results.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};

use super::count;
use crate::builds::Builds;
use crate::figures::{Rounds, Spread};
use crate::functions::{Functions, MeasuredFunction};
use crate::logins::{Cost, DYNAMODB, GRAPH, Logins};
use crate::setting::{GET_ITEM, HELLO, LIST_MEMBERS, MEMBERS, QUERY, SEND_MESSAGE};
use crate::table::Table;

const POST_LOGIN: &str = "post-login";

/// The table of the goals under construction.
pub(super) struct Goals(pub(super) String);

impl Goals {
    pub(super) fn row(&mut self, what: &str, goal: &str, measured: &str, met: bool) {
        self.text_row(what, goal, measured, if met { "yes" } else { "**no**" });
    }

    /// A row with a result in words.
    pub(super) fn text_row(&mut self, what: &str, goal: &str, measured: &str, met: &str) {
        let _ = writeln!(self.0, "| {what} | {goal} | {measured} | {met} |");
    }

    /// A part without results.
    pub(super) fn missing(&mut self, part: &str) {
        let command = format!("`cargo xtask bench {part}`");
        let _ = writeln!(self.0, "| {command} | | not measured yet | |");
    }
}

fn function<'a>(of: &'a Functions, name: &str) -> Result<&'a MeasuredFunction> {
    let found = of.functions.get(name);
    found.with_context(|| format!("{name} was not measured"))
}

/// The highest ratio among the measured functions, with its function.
fn worst(
    measured: &Functions,
    of: impl Fn(&str) -> bool,
    ratio: impl Fn(&MeasuredFunction) -> Rounds,
) -> Result<(&str, Spread)> {
    let all = measured.functions.iter();
    let all = all.filter(|(name, _)| of(name) && !name.starts_with("bare-"));
    let ratios = all.filter_map(|(name, it)| Some((name.as_str(), ratio(it).spread()?)));
    let worst = ratios.max_by(|one, other| one.1.median.total_cmp(&other.1.median));
    worst.context("no function was measured")
}

pub(super) fn of_functions(measured: &Functions, goals: &mut Goals) -> Result<()> {
    let hello = function(measured, HELLO)?;
    let bare = function(measured, GET_ITEM)?;
    let endpoints = muster_functions::functions().iter();
    let endpoints: BTreeSet<_> = endpoints
        .filter(|it| it.endpoint().is_some())
        .map(|it| it.name)
        .collect();
    let is_http = |name: &str| endpoints.contains(name);
    let is_login = |name: &str| name == POST_LOGIN;
    let times = |(name, it): (&str, Spread)| {
        let Spread {
            median,
            least,
            most,
        } = it;
        format!("{median:.2} x ({least:.2} to {most:.2}), `{name}`")
    };

    let smallest = |it: &MeasuredFunction| measured.functions.get(&it.smallest).unwrap_or(bare);
    // Results of before there were several bare functions say what they were compared with.
    let (clients, that) = if measured.functions.contains_key(SEND_MESSAGE) {
        ("the same clients", "a bare one with the same clients")
    } else {
        ("the SDK's client", "that function")
    };

    let start = |it: &MeasuredFunction| it.start_ms.over(&smallest(it).start_ms);
    let http = worst(measured, is_http, start)?;
    let what = format!(
        "Start of an HTTP function, compared with a bare `lambda_http` function with {clients}; slowest function"
    );
    goals.row(&what, "at most 1.15 x", &times(http), http.1.median <= 1.15);
    let login = worst(measured, is_login, start)?;
    let what = "The same for post-login, which also has a client for Graph";
    goals.text_row(what, "", &times(login), "");
    let client = bare.start_ms.over(&hello.start_ms);
    let client = client.spread().context("no rounds")?;
    let what = "Start of that bare function, compared with a bare `lambda_runtime` program";
    goals.text_row(what, "", &times((GET_ITEM, client)), "");

    let first = worst(measured, is_http, |it| {
        it.tls_first_ms.over(&it.tls_second_ms)
    })?;
    let what = "First request over TLS, compared with the second; slowest of three HTTP functions";
    goals.row(what, "under 4 x", &times(first), first.1.median < 4.0);

    let work = |name: &'static str| -> Result<(&'static str, Spread)> {
        let work = function(measured, name)?.cpu_us.over(&bare.cpu_us);
        Ok((name, work.spread().context("no rounds")?))
    };
    let read = work("get-organization")?;
    let what = "CPU of a warm request that reads one resource, compared with a bare `lambda_http` function with one `GetItem`";
    goals.row(what, "at most 1.3 x", &times(read), read.1.median <= 1.3);
    let bare_page = measured.functions.get(QUERY);
    let page = bare_page
        .map(|it| function(measured, LIST_MEMBERS).map(|page| page.cpu_us.over(&it.cpu_us)));
    let what = format!(
        "CPU of a warm request for a page of {MEMBERS}, compared with a bare `lambda_http` function with the same `Query` and the same JSON"
    );
    match page.transpose()?.and_then(|page| page.spread()) {
        Some(page) => {
            let met = page.median <= 1.3;
            goals.row(&what, "at most 1.3 x", &times((LIST_MEMBERS, page)), met);
        }
        None => goals.text_row(&what, "at most 1.3 x", "not measured yet", ""),
    }
    for (name, does) in [
        ("create-organization", "writes, in one transaction"),
        ("list-organizations", "reads a page of a list"),
    ] {
        let what = format!("The same for a request that {does}, which the bare function does not");
        goals.text_row(&what, "", &times(work(name)?), "");
    }

    let memory = |it: &MeasuredFunction| it.peak_memory.over(&bare.peak_memory);
    let http = worst(measured, is_http, memory)?;
    let what = "Peak memory of an HTTP function, compared with that function; highest of three";
    goals.row(what, "at most 1.2 x", &times(http), http.1.median <= 1.2);
    let login = worst(measured, is_login, memory)?;
    let what = "Peak memory of post-login without changes, compared with that function";
    goals.row(what, "at most 1.5 x", &times(login), login.1.median <= 1.5);

    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let zipped =
        |it: &MeasuredFunction| Rounds(vec![it.zipped as f64 / smallest(it).zipped as f64]);
    let plain = |(name, it): (&str, Spread)| format!("{:.2} x, `{name}`", it.median);
    let http = worst(measured, is_http, zipped)?;
    let what = format!("Zipped binary of an HTTP function, compared with {that}");
    goals.row(&what, "at most 1.15 x", &plain(http), http.1.median <= 1.15);
    let login = worst(measured, is_login, zipped)?;
    let what = format!("Zipped binary of post-login, compared with {that}");
    goals.row(&what, "at most 1.3 x", &plain(login), login.1.median <= 1.3);
    Ok(())
}

/// Instructions do not depend on how busy the machine is.
pub(super) fn of_instructions(measured: &Functions, goals: &mut Goals) {
    for (name, bare, what) in [
        (
            "get-organization",
            GET_ITEM,
            "Instructions of a warm request that reads one resource, compared with the same bare function",
        ),
        (
            LIST_MEMBERS,
            QUERY,
            "Instructions of a warm request for a page, compared with the bare function with the same `Query` and the same JSON",
        ),
    ] {
        let total = |name: &str| measured.functions.get(name)?.instructions;
        if let (Some(total), Some(bare)) = (total(name), total(bare)) {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let ratio = total as f64 / bare as f64;
            goals.row(
                what,
                "at most 1.3 x",
                &format!("{ratio:.2} x, `{name}`"),
                ratio <= 1.3,
            );
        }
    }
}

pub(super) fn of_builds(builds: &Builds, goals: &mut Goals) {
    let cores = builds.machine.cores;
    for (what, goal, limit, build) in [
        (
            "Build of all functions on two cores, from scratch",
            "under 15 min",
            15.0,
            &builds.from_nothing,
        ),
        (
            "The same after a change in `shared/`",
            "under 5 min",
            5.0,
            &builds.after_a_change,
        ),
    ] {
        let wall = build.wall_seconds / 60.0;
        let measured = format!("{wall:.1} min on {cores}");
        goals.row(what, goal, &measured, cores <= 2 && wall < limit);
    }
}

pub(super) fn of_logins(
    measured: &Logins,
    functions: Option<&Functions>,
    goals: &mut Goals,
) -> Result<()> {
    let logins = &measured.logins;
    let again = logins.iter().map(|it| &it.unchanged);
    let graph = again.clone().map(|it| it.graph_calls).max();
    let dynamodb = again.map(|it| it.dynamodb_calls).max();
    let (graph, dynamodb) = graph.zip(dynamodb).context("no logins")?;
    goals.row(
        "Login without changes: calls to Graph / to DynamoDB",
        "1 or 2 / 2",
        &format!("{graph} / {dynamodb}"),
        graph <= 2 && dynamodb == 2,
    );
    let into_200 = logins.iter().find(|it| it.groups == 200);
    let into_200 = into_200.context("no login into 200 groups")?;
    let (call, question) = (DYNAMODB.as_millis(), GRAPH.as_millis());
    for (whose, cost) in [
        ("A user's first login", &into_200.first),
        (
            "The first login of any user, which creates them,",
            &into_200.pioneer,
        ),
    ] {
        let Spread {
            median,
            least,
            most,
        } = cost.ms.spread().context("no rounds")?;
        let [middle, least, most] = [median, least, most].map(|ms| ms / 1e3);
        goals.row(
            &format!(
                "{whose} into 200 groups, {call} ms per DynamoDB call, {question} ms per Graph call"
            ),
            "under 1.5 s",
            &format!("{middle:.2} s ({least:.2} to {most:.2})"),
            middle < 1.5,
        );
    }
    let bare = functions.and_then(|it| it.functions.get(GET_ITEM));
    let bare = bare.and_then(|it| it.peak_memory.spread());
    let memory = |cost: &Cost| cost.peak_memory.spread().context("no rounds");
    let (few, many) = (
        memory(&logins.first().context("no logins")?.pioneer)?,
        memory(&into_200.pioneer)?,
    );
    if let Some(bare) = bare {
        goals.text_row(
            "Its peak memory, compared with that function, and with a login into the fewest groups",
            "bounded",
            &format!(
                "{:.2} x, {:.2} x",
                many.median / bare.median,
                many.median / few.median
            ),
            "",
        );
    }
    Ok(())
}

pub(super) fn of_the_table(table: &Table, goals: &mut Goals) {
    let constant = table.operations.iter().all(|it| {
        let calls = it.calls.iter().all(|calls| it.calls.first() == Some(calls));
        calls && it.units.iter().all(|units| it.units.first() == Some(units))
    });
    let most = table.sizes.last().copied().unwrap_or_default();
    goals.row(
        "From 1,000 to 1,000,000 memberships in the table",
        "the same calls and units",
        &format!(
            "{} up to {}, of {} operations",
            if constant { "the same" } else { "not the same" },
            count(most),
            table.operations.len()
        ),
        constant && most == 1_000_000,
    );
}
