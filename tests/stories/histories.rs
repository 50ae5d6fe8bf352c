//! Random histories: concurrent requests must have a sequential explanation.

use std::sync::Mutex;

use fastrand::Rng;
use stateright::semantics::register::{Register, RegisterOp, RegisterRet};
use stateright::semantics::{ConsistencyTester, LinearizabilityTester};
use support::history::linear::{Seen, Sequential, explain};
use support::history::response::HistoryResponse;
use support::history::{Counts, History, seeds};

mod model;

/// Histories per test run. For more, use `cargo xtask proofs`.
const HISTORIES: usize = 100;

#[test]
fn every_history_is_linearizable() {
    let seeds = Mutex::new(seeds(HISTORIES));
    let total = Mutex::new(Counts::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(seed) = seeds.lock().unwrap().pop() else {
                        return;
                    };
                    let history = History::of_seed(seed);
                    if let Some(wrong) = history.wrong() {
                        panic!("{wrong}");
                    }
                    total.lock().unwrap().add(&history.counts);
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!("{total:?}");
    // Histories without concurrency would prove nothing.
    if std::env::var("MUSTER_SEED").is_err() {
        assert!(total.overtaking > total.calls / 4, "{total:?}");
        assert!(
            total.faults.len() >= 8 && total.outcomes.len() >= 10,
            "{total:?}"
        );
    }
}

#[test]
fn a_seed_gives_the_same_history_again() {
    for seed in seeds(3) {
        let (one, other) = (History::of_seed(seed), History::of_seed(seed));
        assert_eq!(one.steps, other.steps, "MUSTER_SEED={seed}");
        let answers = |history: &History| {
            let seen = history.seen.iter();
            seen.map(|seen| (seen.operation, seen.answer))
                .collect::<Vec<_>>()
        };
        assert_eq!(answers(&one), answers(&other), "MUSTER_SEED={seed}");
        assert_eq!(one.counts, other.counts, "MUSTER_SEED={seed}");
    }
}

/// Shows that a wrong response is found: changes each response of some histories.
#[test]
fn impossible_responses_are_found() {
    let (mut changed, mut found) = (0, 0);
    for seed in 0..6 {
        let mut history = History::of_seed(seed);
        // Changing a response that is not checked makes no difference.
        history.is_forgetful = false;
        if history.wrong().is_some() {
            continue;
        }
        for place in 0..history.seen.len() {
            let Some(answer) = history.seen[place].answer else {
                continue;
            };
            for wrong in wrong_responses(answer) {
                history.seen[place].answer = Some(wrong);
                changed += 1;
                found += usize::from(history.wrong().is_some());
            }
            history.seen[place].answer = Some(answer);
        }
    }
    println!("{found} of {changed} wrong responses found");
    // A few changed responses are explained by another order.
    assert!(
        changed > 100 && found * 100 >= changed * 95,
        "{found} of {changed}"
    );
}

/// Wrong responses for this one.
fn wrong_responses(answer: HistoryResponse) -> Vec<HistoryResponse> {
    match answer {
        HistoryResponse::Problem("forbidden") => {
            vec![HistoryResponse::Problem("not-found"), HistoryResponse::Gone]
        }
        HistoryResponse::Problem(_) => {
            vec![HistoryResponse::Problem("forbidden"), HistoryResponse::Gone]
        }
        HistoryResponse::Organization {
            name,
            version,
            is_new,
        } => vec![
            HistoryResponse::Organization {
                name,
                version: version + 1,
                is_new,
            },
            HistoryResponse::Organization {
                name: 1 - name,
                version,
                is_new,
            },
            HistoryResponse::Problem("name-taken"),
        ],
        HistoryResponse::Membership {
            role,
            status,
            version,
            is_new,
        } => vec![
            HistoryResponse::Membership {
                role,
                status,
                version: version + 1,
                is_new,
            },
            HistoryResponse::Membership {
                role,
                status,
                version,
                is_new: !is_new,
            },
            HistoryResponse::Problem("last-owner"),
        ],
        HistoryResponse::User { is_disabled } => vec![
            HistoryResponse::User {
                is_disabled: !is_disabled,
            },
            HistoryResponse::Problem("user-disabled"),
        ],
        HistoryResponse::Invitation {
            role,
            status,
            version,
            sends,
            accepted_by,
            is_new,
        } => {
            let told = |version, sends, is_new| HistoryResponse::Invitation {
                role,
                status,
                version,
                sends,
                accepted_by,
                is_new,
            };
            vec![
                told(version + 1, sends, is_new),
                told(version, sends + 1, is_new),
                told(version, sends, !is_new),
                HistoryResponse::Problem("already-invited"),
            ]
        }
        HistoryResponse::Gone => vec![HistoryResponse::Problem("last-owner")],
    }
}

/// A register, as in `stateright`.
#[derive(Clone, PartialEq, Eq, Hash)]
struct OneRegister(char);

impl Sequential for OneRegister {
    type Operation = RegisterOp<char>;
    type Response = RegisterRet<char>;

    fn invoke(&mut self, operation: &RegisterOp<char>) -> RegisterRet<char> {
        match operation {
            RegisterOp::Write(value) => {
                self.0 = *value;
                RegisterRet::WriteOk
            }
            RegisterOp::Read => RegisterRet::ReadOk(self.0),
        }
    }
}

/// Compares this checker with that of `stateright` on generated histories of a register, some of
/// which are linearizable.
#[test]
fn the_checker_agrees_with_stateright() {
    let mut agreed = [0, 0];
    for seed in seeds(3_000) {
        let mut random = Rng::with_seed(seed);
        let mut other = LinearizabilityTester::new(Register('a'));
        let mut history: Vec<Seen<RegisterOp<char>, RegisterRet<char>>> = Vec::new();
        let mut under_way = [None; 3];
        for moment in 0..14 {
            let thread = random.usize(..3);
            if let Some(place) = under_way[thread].take() {
                let seen: &mut Seen<_, _> = &mut history[place];
                let answer = match seen.operation {
                    RegisterOp::Write(_) => RegisterRet::WriteOk,
                    RegisterOp::Read => RegisterRet::ReadOk(random.char('a'..='c')),
                };
                (seen.answer, seen.ended) = (Some(answer.clone()), moment);
                other.on_return(thread, answer).unwrap();
            } else {
                let operation = if random.bool() {
                    RegisterOp::Write(random.char('a'..='c'))
                } else {
                    RegisterOp::Read
                };
                other.on_invoke(thread, operation.clone()).unwrap();
                under_way[thread] = Some(history.len());
                history.push(Seen {
                    operation,
                    answer: None,
                    begun: moment,
                    ended: usize::MAX,
                });
            }
        }
        let is_explained = explain(&OneRegister('a'), &history).is_ok();
        assert_eq!(
            is_explained,
            other.is_consistent(),
            "MUSTER_SEED={seed}: {history:?}"
        );
        agreed[usize::from(is_explained)] += 1;
    }
    println!("{agreed:?}");
}
