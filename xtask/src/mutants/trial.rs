//! Runs tests with one mutant at a time, until one of them fails.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::build::{Built, TestProgram};
use super::instrument::Id;
use super::list::Listed;
use super::results::MutantOutcome;
use crate::command::{output, program};

/// The environment of a test, as `chosen.rs` reads it.
const CHOSEN: &str = "MUSTER_MUTANT";
const REACHED: &str = "MUSTER_MUTANTS_REACHED";
/// A test may take this long, and in addition as often as long as without a mutant.
const LEAST_LIMIT: Duration = Duration::from_secs(20);
const LIMIT_FACTOR: u32 = 5;
/// How long a test is assumed to take until it has run without a mutant.
const NOT_KNOWN_YET: Duration = Duration::from_mins(2);
/// How long the tests that try a mutant at first take without it.
const FIRST_TESTS: Duration = Duration::from_secs(15);
/// After how many tests or mutants progress is shown.
const PROGRESS: usize = 50;
/// How often a running test is polled.
const POLL: Duration = Duration::from_millis(2);

/// A test, and the mutants it reaches.
pub(super) struct Test<'a> {
    number: usize,
    program: &'a TestProgram,
    name: String,
    took: Duration,
    reaches: BTreeSet<Id>,
}

/// A mutant to try, and the numbers of the tests that did not notice it.
struct Trial<'a> {
    id: Id,
    mutant: &'a Listed,
    passed: BTreeSet<usize>,
}

/// By function and by file, the numbers of the tests that noticed a mutant of it, the last one first.
#[derive(Default)]
struct Useful<'a>(Mutex<HashMap<&'a str, Vec<usize>>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum TestOutcome {
    Passed,
    Failed,
    TooSlow,
}

/// Runs all tests without a mutant and notes what they reach. Leaves out those that fail.
pub(super) fn tests<'a>(root: &Path, built: &'a Built, left_out: &[&str]) -> Result<Vec<Test<'a>>> {
    let mut tests = Vec::new();
    for program in &built.programs {
        let listed = output(program_of(root, program).args(["--list", "--format", "terse"]))?;
        let names = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"));
        let is_left_out = |name: &str| {
            let mut modules = left_out.iter();
            modules.any(|module| name.starts_with(&format!("{module}::")))
        };
        for name in names.filter(|name| !is_left_out(name)) {
            tests.push(Test {
                number: tests.len(),
                program,
                name: name.to_owned(),
                took: NOT_KNOWN_YET,
                reaches: BTreeSet::new(),
            });
        }
    }
    let folder = built.root.join("target");
    fs::create_dir_all(&folder)?;
    let tests = side_by_side("tests without a mutant", tests, |mut test| {
        let reached = folder.join(format!("reached-{}", test.number));
        let started = Instant::now();
        if test.run(root, REACHED, &reached)? != TestOutcome::Passed {
            eprintln!("left out, because it fails without a mutant: {}", test.name);
            return Ok(None);
        }
        test.took = started.elapsed();
        // A test that reaches none writes no file.
        let reached = fs::read_to_string(reached).unwrap_or_default();
        test.reaches = reached.lines().filter_map(|id| id.parse().ok()).collect();
        Ok(Some(test))
    })?;
    let tests: Vec<_> = tests.into_iter().flatten().collect();
    ensure!(!tests.is_empty(), "no test passes without a mutant");
    Ok(tests)
}

/// Tries these mutants, at first each with the fastest tests that reach it. Calls `done` with each result.
pub(super) fn trials(
    root: &Path,
    tests: &[Test<'_>],
    mutants: Vec<(Id, &Listed)>,
    deadline: Option<Instant>,
    done: impl Fn(&Listed, MutantOutcome) -> Result<()> + Sync,
) -> Result<()> {
    let useful = Useful::default();
    let trials = mutants.into_iter().map(|(id, mutant)| Trial {
        id,
        mutant,
        passed: BTreeSet::new(),
    });
    let is_late = || deadline.is_some_and(|deadline| Instant::now() > deadline);
    let left = side_by_side("mutants", trials.collect(), |mut trial| {
        let Some(outcome) = trial.run(root, tests, &useful, FIRST_TESTS, &is_late)? else {
            return Ok(None);
        };
        if outcome == MutantOutcome::NotNoticed {
            eprintln!("not noticed so far: {}", trial.mutant.name);
            return Ok(Some(trial));
        }
        done(trial.mutant, outcome)?;
        Ok(None)
    })?;
    let left: Vec<_> = left.into_iter().flatten().collect();
    side_by_side("mutants with all other tests", left, |mut trial| {
        let Some(outcome) = trial.run(root, tests, &useful, Duration::MAX, &is_late)? else {
            return Ok(());
        };
        if outcome == MutantOutcome::NotNoticed {
            eprintln!("not noticed: {}", trial.mutant.name);
        }
        done(trial.mutant, outcome)
    })?;
    Ok(())
}

impl<'a> Trial<'a> {
    /// Runs the tests that reach the mutant and have not passed with it yet, until one fails or they take longer than
    /// `limit`, measured without the mutant. `None` if it is late before that.
    fn run(
        &mut self,
        root: &Path,
        tests: &[Test<'_>],
        useful: &Useful<'a>,
        limit: Duration,
        is_late: &impl Fn() -> bool,
    ) -> Result<Option<MutantOutcome>> {
        let known = useful.of(self.mutant);
        let mut took = Duration::ZERO;
        for test in order(tests, self.mutant, self.id, &known) {
            if took > limit {
                break;
            }
            if !self.passed.insert(test.number) {
                continue;
            }
            if is_late() {
                return Ok(None);
            }
            took += test.took;
            match test.run(root, CHOSEN, Path::new(&self.id.to_string()))? {
                TestOutcome::Passed => {}
                TestOutcome::Failed => {
                    useful.add(self.mutant, test.number);
                    return Ok(Some(MutantOutcome::Noticed));
                }
                TestOutcome::TooSlow => return Ok(Some(MutantOutcome::TooSlow)),
            }
        }
        Ok(Some(MutantOutcome::NotNoticed))
    }
}

impl<'a> Useful<'a> {
    /// The tests that noticed other mutants of the function, followed by those of the file.
    fn of(&self, mutant: &Listed) -> Vec<usize> {
        let useful = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let places = [mutant.function(), &mutant.file].into_iter();
        let known = places.filter_map(|place| useful.get(place));
        known.flatten().copied().collect()
    }

    fn add(&self, mutant: &'a Listed, test: usize) {
        let mut useful = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for place in [mutant.function(), &mutant.file] {
            let known = useful.entry(place).or_default();
            known.retain(|it| *it != test);
            known.insert(0, test);
        }
    }
}

/// The tests that reach a mutant: first those that are known to be useful, then the fast ones and those with a name like
/// that of the file.
fn order<'t, 'a>(
    tests: &'t [Test<'a>],
    mutant: &Listed,
    id: Id,
    known: &[usize],
) -> Vec<&'t Test<'a>> {
    let words: Vec<_> = mutant
        .file
        .trim_end_matches(".rs")
        .split(['/', '_'])
        .filter(|word| !["shared", "src", "store", "mod", "domain"].contains(word))
        .map(|word| word.get(..5).unwrap_or(word))
        .collect();
    let weight = |test: &Test<'_>| {
        let alike = words.iter().filter(|word| test.name.contains(**word));
        let less = 4_u32.saturating_pow(u32::try_from(alike.count()).unwrap_or(u32::MAX));
        test.took / less.max(1)
    };
    let mut order: Vec<_> = tests
        .iter()
        .filter(|test| test.reaches.contains(&id))
        .collect();
    order.sort_by_key(|test| {
        let known = known.iter().position(|it| *it == test.number);
        (known.unwrap_or(usize::MAX), weight(test))
    });
    order
}

impl Test<'_> {
    /// Runs it with this variable in its environment.
    fn run(&self, root: &Path, name: &str, value: &Path) -> Result<TestOutcome> {
        let mut command = program_of(root, self.program);
        command
            .args(["--exact", &self.name])
            .env(name, value)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = command.spawn()?;
        let limit = LEAST_LIMIT + self.took * LIMIT_FACTOR;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(if status.success() {
                    TestOutcome::Passed
                } else {
                    TestOutcome::Failed
                });
            }
            if started.elapsed() > limit {
                child.kill()?;
                child.wait()?;
                return Ok(TestOutcome::TooSlow);
            }
            std::thread::sleep(POLL);
        }
    }
}

/// A test program, with the tools of the repository it was copied from.
fn program_of(root: &Path, it: &TestProgram) -> Command {
    let mut command = program(&it.path, &it.folder);
    command.env("MUSTER_TOOLS", crate::folder::folder_of_all(root));
    command.env("CARGO_MANIFEST_DIR", &it.folder);
    command
}

/// Does this work with each of these, with as many threads as there are processors, and shows how many are done.
fn side_by_side<I: Send, T: Send>(
    what: &str,
    items: Vec<I>,
    work: impl Fn(I) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let count = items.len();
    let next = Mutex::new(items.into_iter().enumerate());
    let threads = std::thread::available_parallelism()?.get();
    let thread = || -> Result<Vec<T>> {
        let mut results = Vec::new();
        loop {
            let taken = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, item)) = taken else {
                return Ok(results);
            };
            if number.is_multiple_of(PROGRESS) {
                eprintln!("{what}: {number} of {count}");
            }
            results.push(work(item)?);
        }
    };
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(thread)).collect();
        let joined = threads.into_iter().map(ScopedJoinHandle::join);
        joined.collect()
    });
    let mut all = Vec::new();
    for result in results {
        match result {
            Ok(result) => all.extend(result?),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    #[test]
    fn mutants_meet_the_tests_most_likely_to_notice_them() {
        let program = TestProgram {
            path: PathBuf::new(),
            folder: PathBuf::new(),
        };
        let test = |(number, (name, seconds, reaches)): (usize, (&str, u64, &[Id]))| Test {
            number,
            program: &program,
            name: name.to_owned(),
            took: Duration::from_secs(seconds),
            reaches: reaches.iter().copied().collect(),
        };
        let tests: [(&str, u64, &[Id]); 5] = [
            ("pages::all", 9, &[1, 2]),
            ("teams::renamed", 6, &[1]),
            ("slow", 8, &[1]),
            ("quick", 2, &[1]),
            ("elsewhere", 1, &[2]),
        ];
        let tests: Vec<_> = tests.into_iter().enumerate().map(test).collect();
        let listed = json!({
            "name": "", "file": "shared/src/store/teams/create.rs", "genre": "FnValue",
            "replacement": "", "span": {"start": {"line": 1, "column": 1}},
        });
        let listed: Listed = serde_json::from_value(listed).unwrap();
        // The one that noticed another mutant, the one with the name, the fast ones.
        let order = order(&tests, &listed, 1, &[2]).into_iter();
        let order: Vec<_> = order.map(|test| test.number).collect();
        assert_eq!(order, [2, 1, 3, 0]);
    }

    #[test]
    fn tests_that_noticed_others_of_the_function_come_first() {
        let mutant = |function: &str| -> Listed {
            let mutant = json!({
                "name": "", "file": "a.rs", "function": {"function_name": function},
                "genre": "FnValue", "replacement": "", "span": {"start": {"line": 1, "column": 1}},
            });
            serde_json::from_value(mutant).unwrap()
        };
        let (one, other) = (mutant("one"), mutant("other"));
        let useful = Useful::default();
        useful.add(&one, 1);
        useful.add(&other, 2);
        useful.add(&other, 3);
        assert_eq!(useful.of(&one)[..2], [1, 3]);
        assert_eq!(useful.of(&other)[..2], [3, 2]);
    }

    #[test]
    fn work_is_done_once_for_each() {
        let items = (0..500).collect();
        let mut doubled = side_by_side("numbers", items, |it: u32| Ok(2 * it)).unwrap();
        doubled.sort_unstable();
        assert_eq!(doubled, (0..500).map(|it| 2 * it).collect::<Vec<_>>());
        let failed = side_by_side("numbers", vec![1], |_| -> Result<()> {
            anyhow::bail!("no")
        });
        assert!(failed.is_err());
    }
}
