//! The parts of the page, one for each measurement.

use std::fmt::Write as _;

use anyhow::Result;

use super::count;
use crate::builds::Builds;
use crate::figures::Rounds;
use crate::functions::Functions;
use crate::instructions::{Counted, Program};
use crate::logins::{Cost, Login, Logins};
use crate::plot::{Plot, thousands};
use crate::setting::GET_ITEM;
use crate::table::Table;

pub(super) fn sizes_and_times(measured: &Functions) -> String {
    let mut text = TIMES.to_owned();
    let all = &measured.functions;
    let middle = |rounds: &Rounds, digits: usize| {
        let spread = rounds.spread();
        spread.map_or_else(String::new, |it| format!("{:.digits$}", it.median))
    };
    let range = |rounds: &Rounds, by: f64, digits: usize| {
        rounds.spread().map_or_else(String::new, |it| {
            let [median, least, most] = [it.median, it.least, it.most].map(|it| it / by);
            format!("{median:.digits$} ({least:.digits$} to {most:.digits$})")
        })
    };
    for (name, it) in all.iter().filter(|(_, it)| !it.start_ms.0.is_empty()) {
        let instructions = it.instructions;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let instructions = instructions.map_or_else(String::new, |it| thousands(it as f64));
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {} | {} | {} | {} | {} | {instructions} | {} |",
            range(&it.start_ms, 1.0, 2),
            middle(&it.start_cpu_ms, 2),
            middle(&it.first_ms, 2),
            middle(&it.second_ms, 2),
            range(&it.tls_first_ms, 1.0, 1),
            middle(&it.tls_second_ms, 2),
            range(&it.cpu_us, 1.0, 0),
            range(&it.peak_memory, f64::from(1 << 20), 1),
        );
    }
    text += SIZES;
    let bare = all.get(GET_ITEM).map_or(1, |it| it.zipped);
    for (name, it) in all {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let [bytes, zipped, ratio] = [
            it.bytes as f64 / f64::from(1 << 20),
            it.zipped as f64 / f64::from(1 << 20),
            it.zipped as f64 / bare as f64,
        ];
        let _ = writeln!(text, "| `{name}` | {bytes:.2} | {zipped:.2} | {ratio:.2} |");
    }
    text
}

pub(super) fn instructions(counted: &Counted) -> String {
    let start = parts(&counted.start);
    let request = parts(&counted.request);
    let mut text = format!("{START}{start}{HELD}{REQUEST}{request}{WORKED}");
    if !counted.page.is_empty() {
        text += PAGE;
        text += &parts(&counted.page);
    }
    text
}

fn parts(programs: &[Program]) -> String {
    let names: Vec<_> = programs.iter().map(|it| it.name.as_str()).collect();
    let mut text = format!("\n| Part | `{}` |\n|---|", names.join("` | `"));
    text += &"---:|".repeat(names.len());
    text.push('\n');
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let cell = |program: &Program, instructions: Option<u64>| {
        instructions.map_or_else(String::new, |it| {
            let share = it as f64 / program.total as f64 * 1e2;
            format!("{}, {share:.0} %", thousands(it as f64))
        })
    };
    let mut row = |what: &str, of: &dyn Fn(&Program) -> Option<u64>| {
        let cells = programs.iter().map(|it| cell(it, of(it)));
        let _ = writeln!(
            text,
            "| {what} | {} |",
            cells.collect::<Vec<_>>().join(" | ")
        );
    };
    row("all", &|program| Some(program.total));
    let parts = programs.first().map(|it| it.parts.as_slice());
    for (n, part) in parts.unwrap_or_default().iter().enumerate() {
        row(&part.what, &|program| program.parts.get(n)?.instructions);
    }
    text
}

pub(super) fn build_times(builds: &Builds) -> String {
    let Builds {
        architecture,
        functions,
        profile,
        ..
    } = builds;
    let mut text = format!(
        "\n## Builds\n\n`sam build` of {functions} functions, one run of each. The template targets arm64; these builds are for {architecture}, \
         the architecture of the machine, with a changed copy of the template. The profile ([decision 20](../decisions/0020-release-profile.md)):\n\n```toml\n{profile}\n```\n\n\
         | | Minutes | CPU minutes, all cores | Load |\n|---|---|---|---|\n"
    );
    for (what, build) in [
        ("From scratch", &builds.from_nothing),
        ("After a change in `shared/`", &builds.after_a_change),
        ("Unchanged", &builds.unchanged),
    ] {
        let (wall, cpu) = (build.wall_seconds / 60.0, build.cpu_seconds / 60.0);
        let _ = writeln!(
            text,
            "| {what} | {wall:.1} | {cpu:.1} | {:.1} |",
            build.load
        );
    }
    text + LOAD
}

pub(super) fn login_times(measured: &Logins) -> String {
    let mut text = LOGINS.to_owned();
    let cell = |cost: &Cost| {
        let spread = cost.ms.spread();
        let time = spread.map_or_else(String::new, |it| {
            format!(
                "{:.2} s ({:.2} to {:.2})",
                it.median / 1e3,
                it.least / 1e3,
                it.most / 1e3
            )
        });
        format!("{time} | {} + {}", cost.dynamodb_calls, cost.graph_calls)
    };
    for login in &measured.logins {
        let memory = login.first.peak_memory.spread().map_or(0.0, |it| it.median);
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.1} |",
            login.groups,
            cell(&login.pioneer),
            cell(&login.first),
            cell(&login.unchanged),
            memory / f64::from(1 << 20),
        );
    }
    text + "\n![Time of a login against the user's groups](logins.svg)\n"
}

pub(super) fn plot_of_logins(measured: &Logins) -> Result<String> {
    let curve = |of: fn(&Login) -> &Cost| {
        let points = measured.logins.iter().filter_map(|login| {
            #[expect(clippy::cast_precision_loss, reason = "a few")]
            let groups = login.groups as f64;
            Some((groups, of(login).ms.spread()?.median / 1e3))
        });
        points.collect::<Vec<_>>()
    };
    let plot = Plot {
        title: "Time of a login",
        x: "groups of the user",
        y: "seconds",
        curves: vec![
            ("the first of all".to_owned(), curve(|it| &it.pioneer)),
            ("a user's first".to_owned(), curve(|it| &it.first)),
            ("nothing new".to_owned(), curve(|it| &it.unchanged)),
        ],
    };
    plot.svg()
}

pub(super) fn table_costs(table: &Table) -> String {
    let sizes: Vec<_> = table.sizes.iter().copied().map(count).collect();
    let mut text = format!("{TABLE}\n| Operation | {} |\n|---|", sizes.join(" | "));
    text += &"---|".repeat(sizes.len());
    text.push('\n');
    for operation in &table.operations {
        let cells = operation.calls.iter().zip(&operation.units);
        let cells: Vec<_> = cells
            .map(|(calls, units)| format!("{calls}, {units:.1}"))
            .collect();
        let _ = writeln!(text, "| {} | {} |", operation.name, cells.join(" | "));
    }
    text + "\n![Units of an operation against the memberships in the table](table.svg)\n"
}

pub(super) fn plot_of_the_table(table: &Table) -> Result<String> {
    let shown = [
        "get organization",
        "list members",
        "add member",
        "remove member",
        "own organizations",
        "login with nothing new",
    ];
    let operations = table.operations.iter();
    let operations = operations.filter(|it| shown.contains(&it.name.as_str()));
    let curves = operations.map(|it| {
        let points = table.sizes.iter().zip(&it.units);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let points = points.map(|(size, units)| (*size as f64, *units));
        (it.name.clone(), points.collect())
    });
    let plot = Plot {
        title: "Capacity units of an operation",
        x: "memberships in one organization",
        y: "units",
        curves: curves.collect(),
    };
    plot.svg()
}

const TIMES: &str = "
## Each function by itself

Start: from the start of the process to its first poll of the Runtime API, the fastest of 15 in a round. First and second: the first
two requests, over plain HTTP and over TLS to DynamoDB. CPU and instructions: for one more request of a warm function, on all its
threads; callgrind counts the instructions. Memory: the peak resident memory after 350 requests. The TLS server has one certificate
signed by one root created for the run; AWS sends a longer chain. `bare-hello` returns its event;
`bare-get-item` is `lambda_http` with one `GetItem`; `bare-query` is `lambda_http` with the `Query` of `list-members`.

| Function | Start, ms | CPU time of the start, ms | First, ms | Second, ms | First over TLS, ms | Second over TLS, ms | CPU, µs | Instructions | Memory, MiB |
|---|---|---|---|---|---|---|---|---|---|
";
const SIZES: &str = "
The size of the binary, and of the uploaded zip file:

| Function | MiB | Zipped, MiB | Compared with `bare-get-item` |
|---|---|---|---|
";
const START: &str = "
### Where the time of a start goes

Instructions from the start of the process to its first poll, including everything that each part calls, for a function and for
the bare function that builds the same client and does nothing else. Muster cannot avoid what both of them need:
";
const HELD: &str = "
`Client::from_conf` always builds the SDK's own endpoint resolver, even if another resolver or an endpoint is set. The root
certificates are only those that sign for DynamoDB. The loader's part grows with the program. A program that is not position
independent does not need it, but is loaded at the same addresses in every process. Muster keeps address randomization, which costs
less than a millisecond.
";
const REQUEST: &str = "
### Where the work of a request goes

The same for one more request of a warm function. The bare function reads one item instead of four, and checks and logs nothing:
";
const WORKED: &str = "
The rest is outside of these parts, mostly in `lambda_runtime` and `hyper`: polling for the event, and sending the response.
";
const PAGE: &str = "
### Where the work of a page goes

The same for one more page of 50 members. The bare function does the same query, reads each item with `serde_dynamo` and writes the
same JSON:
";
const LOAD: &str = "
Load is the number of processes that needed a CPU in the last minute of a build, including its own. If it is well above the
number of cores, the machine had other work, and CPU minutes divided by cores are a better estimate for an idle machine.
";
const LOGINS: &str = "
## A login against the number of groups

Measured with the binary of post-login, a DynamoDB that takes 20 ms for each call and a Graph that takes 60 ms. All groups are
assigned to the application, and become organizations and teams. *First of any user*: no organization or team exists yet, and
work that is not finished within `SYNC_BUDGET_MS` is left to the next login. *First*: another user signs in for the first time, in a
process that has just started, and is in all organizations and teams at the end. *No changes*: the next login of that user. Calls: to
DynamoDB + to Graph and Entra.

| Groups | First of any user | Calls | First | Calls | No changes | Calls | Memory of the first, MiB |
|---|---|---|---|---|---|---|---|
";
const TABLE: &str = "
## An operation against the size of the table

Calls to DynamoDB and capacity units, by the number of memberships in the table. All memberships are in the organization that
the operations use. No operation scans.
";
