//! The scopes of the searches: those of the tests and the long ones.

use std::thread;
use std::time::{Duration, Instant};

use muster::domain::{Role, Status};
use stateright::{Checker, HasDiscoveries, Model};

use crate::scope::{Outcomes, Scope};
use crate::transaction::ConditionKind;

/// A scope and its name.
pub type Named = (&'static str, Scope);

/// The time between two reports of progress.
const PROGRESS: Duration = Duration::from_secs(30);

const MANY: [Role; 3] = [Role::Owner, Role::Admin, Role::Member];
const FEW: [Role; 2] = [Role::Owner, Role::Admin];
const STATUSES: [Status; 3] = [Status::Active, Status::Suspended, Status::Invited];

/// The scopes of every test run, within a minute.
pub fn short() -> Vec<Named> {
    vec![
        (
            "two organizations, two concurrent requests",
            scope(2, 2, &FEW, &STATUSES[..2]),
        ),
        (
            "one organization, three concurrent requests",
            scope(1, 3, &MANY, &STATUSES),
        ),
        (
            "logins",
            Scope {
                logins: true,
                ..scope(1, 3, &FEW, &STATUSES[..2])
            },
        ),
        (
            "lost responses",
            Scope {
                lost_answers: true,
                ..scope(1, 2, &MANY, &STATUSES)
            },
        ),
        ("invitations by email", by_email(2, &FEW)),
        ("disabled users", disabling(2, &FEW)),
    ]
}

/// The scopes that take minutes and gigabytes.
pub fn long() -> Vec<Named> {
    let with_both = |scope| Scope {
        logins: true,
        lost_answers: true,
        ..scope
    };
    vec![
        (
            "two organizations, three concurrent requests",
            scope(2, 3, &FEW, &STATUSES[1..2]),
        ),
        (
            "two organizations, three roles, invitations",
            scope(2, 2, &MANY, &[Status::Invited]),
        ),
        (
            "one organization, three concurrent requests, logins",
            Scope {
                logins: true,
                ..scope(1, 3, &MANY, &STATUSES)
            },
        ),
        (
            "invitations by email, three concurrent requests",
            by_email(3, &FEW),
        ),
        (
            "invitations by email, lost responses",
            Scope {
                lost_answers: true,
                ..by_email(2, &FEW)
            },
        ),
        (
            "one organization, logins, lost responses",
            with_both(scope(1, 2, &MANY, &STATUSES)),
        ),
        (
            "disabled users, three concurrent requests",
            disabling(3, &FEW),
        ),
        (
            "disabled users, invitations by email",
            Scope {
                disables: true,
                ..by_email(2, &FEW)
            },
        ),
        (
            "disabled users, lost responses",
            Scope {
                lost_answers: true,
                ..disabling(2, &FEW)
            },
        ),
    ]
}

/// The scope in which a search without this condition must fail.
pub fn without(kind: ConditionKind) -> Scope {
    let mut scope = match kind {
        ConditionKind::Inviter => scope(1, 1, &FEW, &STATUSES[2..]),
        _ => scope(2, 2, &FEW, &STATUSES[1..2]),
    };
    scope.lost_answers = kind == ConditionKind::WriteId;
    scope.without = Some(kind);
    scope
}

/// The same for invitations by email.
pub fn by_email_without(kind: ConditionKind) -> Scope {
    Scope {
        without: Some(kind),
        ..by_email(2, &FEW)
    }
}

/// The scope with disabled users in which a search without this condition must fail.
pub fn disabling_without(kind: ConditionKind) -> Scope {
    Scope {
        without: Some(kind),
        ..disabling(2, &FEW)
    }
}

/// The same with invitations by email.
pub fn disabling_by_email_without(kind: ConditionKind) -> Scope {
    Scope {
        disables: true,
        ..by_email_without(kind)
    }
}

/// One organization, whose members invite others, and are disabled and enabled.
fn disabling(at_once: usize, roles: &[Role]) -> Scope {
    Scope {
        disables: true,
        ..scope(1, at_once, roles, &STATUSES[2..])
    }
}

/// One organization with at most one open invitation, whose members are changed and removed.
fn by_email(at_once: usize, roles: &[Role]) -> Scope {
    Scope {
        invitations: 1,
        ..scope(1, at_once, roles, &STATUSES[1..2])
    }
}

fn scope(organizations: usize, at_once: usize, roles: &[Role], statuses: &[Status]) -> Scope {
    Scope {
        organizations,
        at_once,
        roles: roles.to_vec(),
        statuses: statuses.to_vec(),
        ..Scope::default()
    }
}

/// The result of a search.
#[derive(Debug)]
pub struct Searched {
    /// States, each one representative of all that differ only by renaming users, organizations and
    /// names.
    pub states: usize,
    /// Steps between states.
    pub steps: usize,
    /// The longest of all shortest paths to a state.
    pub depth: usize,
    /// The duration.
    pub took: Duration,
    /// The violated properties, each with the steps that lead to the violation. Names change
    /// between steps, because each state is shown as its representative.
    pub violations: Vec<(&'static str, String)>,
    /// Whether all states were searched, or the search stopped at the first violation.
    pub is_complete: bool,
    /// Counts by request and outcome.
    pub outcomes: Outcomes,
}

/// Searches all states or stops at the first violation. Passes the number of states to `progress` every half minute.
pub fn search(scope: Scope, progress: impl Fn(usize)) -> Searched {
    let started = Instant::now();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let checker = scope
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs();
    let mut shown = started;
    while !checker.is_done() {
        thread::sleep(Duration::from_millis(20));
        if shown.elapsed() >= PROGRESS {
            progress(checker.unique_state_count());
            shown = Instant::now();
        }
    }
    let checker = checker.join();
    let discoveries = checker.discoveries().into_iter();
    let violations = discoveries.map(|(property, path)| {
        let steps: Vec<_> = path
            .into_actions()
            .iter()
            .map(|step| format!("{step:?}"))
            .collect();
        (property, steps.join("\n"))
    });
    let mut violations: Vec<_> = violations.collect();
    violations.sort_unstable();
    Searched {
        states: checker.unique_state_count(),
        steps: checker.state_count(),
        depth: checker.max_depth(),
        took: started.elapsed(),
        is_complete: checker.is_done() && violations.is_empty(),
        violations,
        outcomes: checker.model().outcomes.clone(),
    }
}
