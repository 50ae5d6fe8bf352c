//! What is searched: by the tests, and at length on demand.

use std::time::{Duration, Instant};

use muster::domain::{Role, Status};
use stateright::{Checker, HasDiscoveries, Model};

use crate::search::{Outcomes, Scope};
use crate::transaction::Kind;

/// A scope and what it is called.
pub type Named = (&'static str, Scope);

const MANY: [Role; 3] = [Role::Owner, Role::Admin, Role::Member];
const FEW: [Role; 2] = [Role::Owner, Role::Admin];
const STATUSES: [Status; 3] = [Status::Active, Status::Suspended, Status::Invited];

/// Those that every run of the tests searches, within a minute.
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
    ]
}

/// Those that take minutes, and gigabytes.
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
            "one organization, logins, lost responses",
            with_both(scope(1, 2, &MANY, &STATUSES)),
        ),
    ]
}

/// The scope in which the loss of this condition must show.
pub fn without(kind: Kind) -> Scope {
    let mut scope = match kind {
        Kind::Inviter => scope(1, 1, &FEW, &STATUSES[2..]),
        _ => scope(2, 2, &FEW, &STATUSES[1..2]),
    };
    scope.lost_answers = kind == Kind::WriteId;
    scope.without = Some(kind);
    scope
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

/// What a search came to.
#[derive(Debug)]
pub struct Searched {
    /// States, of which each stands for all that differ only in who is who.
    pub states: usize,
    /// Steps between them.
    pub steps: usize,
    /// Steps of the longest of all shortest ways to a state.
    pub depth: usize,
    /// How long it took.
    pub took: Duration,
    /// The properties that do not hold, each with the steps that lead there. Who is who changes from step
    /// to step: each state is named by what stands for it.
    pub violations: Vec<(&'static str, String)>,
    /// Whether every state was seen, or the search ended at the first violation.
    pub is_complete: bool,
    /// How often which request came to what.
    pub outcomes: Outcomes,
}

/// Searches to the end, or to the first violation.
pub fn search(scope: Scope) -> Searched {
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checker = scope
        .checker()
        .threads(threads)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
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
