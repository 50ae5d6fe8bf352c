//! The recipes keep all properties in every interleaving, and each of their conditions is needed.

use std::collections::BTreeSet;

use muster_model::requests::{Outcome, Request};
use muster_model::scopes::{Searched, search, short, without};
use muster_model::transaction::Kind;

/// All states of every scope of the tests.
#[test]
fn the_recipes_hold_in_every_interleaving() {
    let mut seen = BTreeSet::new();
    for (name, scope) in short() {
        let Searched {
            states,
            steps,
            depth,
            violations,
            is_complete,
            outcomes,
            ..
        } = search(scope);
        println!("{name}: {states} states, {steps} steps, at most {depth} deep");
        for (property, way) in &violations {
            println!("violated: {property}\n{way}");
        }
        assert!(is_complete && violations.is_empty(), "{name}");
        seen.extend(outcomes.all().into_keys());
    }
    // A search without applied requests would prove nothing.
    for name in Request::NAMES {
        assert!(seen.contains(&(name, Outcome::Applied)), "{name}");
    }
    for refused in [
        ("create organization", Outcome::NameTaken),
        ("rename organization", Outcome::NameTaken),
        ("restore organization", Outcome::NameTaken),
        ("rename organization", Outcome::Forbidden),
        ("delete organization", Outcome::Forbidden),
        ("add member", Outcome::AlreadyMember),
        ("add member", Outcome::Nothing),
        ("add member", Outcome::NotFound),
        ("add member", Outcome::Forbidden),
        ("change role", Outcome::LastOwner),
        ("change role", Outcome::Forbidden),
        ("change status", Outcome::LastOwner),
        ("remove member", Outcome::LastOwner),
        ("remove member", Outcome::Forbidden),
        ("accept invitation", Outcome::NotFound),
        ("accept invitation", Outcome::InvitationNotValid),
        ("add member", Outcome::Again),
        ("login leaves", Outcome::LastOwner),
        ("login suspends", Outcome::LastOwner),
        ("login joins", Outcome::Nothing),
    ] {
        assert!(seen.contains(&refused), "{refused:?} in {seen:?}");
    }
}

/// Shows that the search finds violations, and the purpose of each condition.
#[test]
fn each_omitted_condition_violates_its_property() {
    for (kind, falls) in [
        (Kind::Permission, "every writer has permission"),
        (Kind::Inviter, "every writer has permission"),
        (Kind::Unchanged, "no write overwrites an unread change"),
        (Kind::AnotherOwner, "an organization has an owner"),
        (Kind::OwnersCounted, "the owner count is correct"),
        (Kind::Live, "deleted organizations do not change"),
        (Kind::NoMembership, "no user is added twice"),
        (Kind::NameFree, "names are unique"),
        (Kind::WriteId, "no applied write is reported as refused"),
    ] {
        let Searched { violations, .. } = search(without(kind));
        let found = violations.iter().find(|(property, _)| *property == falls);
        let Some((_, way)) = found else {
            panic!("without {kind:?}: {violations:?}");
        };
        println!("without {kind:?} {falls:?} falls:\n{way}\n");
        assert!(!way.is_empty());
    }
}
