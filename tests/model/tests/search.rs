//! The recipes keep all properties in every interleaving, and each of their conditions is needed.

use std::collections::BTreeSet;

use muster_model::requests::{Request, RequestOutcome};
use muster_model::scopes::{
    Searched, by_email_without, disabling_by_email_without, disabling_without, search, short,
    without,
};
use muster_model::transaction::ConditionKind;
use strum::VariantNames as _;

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
        } = search(scope, |_| {});
        println!("{name}: {states} states, {steps} steps, at most {depth} deep");
        for (property, way) in &violations {
            println!("violated: {property}\n{way}");
        }
        assert!(is_complete && violations.is_empty(), "{name}");
        seen.extend(outcomes.all().into_keys());
    }
    // A search without applied requests would prove nothing.
    for &name in Request::VARIANTS {
        assert!(seen.contains(&(name, RequestOutcome::Applied)), "{name}");
    }
    for refused in [
        ("create organization", RequestOutcome::NameTaken),
        ("rename organization", RequestOutcome::NameTaken),
        ("restore organization", RequestOutcome::NameTaken),
        ("rename organization", RequestOutcome::Forbidden),
        ("delete organization", RequestOutcome::Forbidden),
        ("add member", RequestOutcome::AlreadyMember),
        ("add member", RequestOutcome::Nothing),
        ("add member", RequestOutcome::NotFound),
        ("add member", RequestOutcome::Forbidden),
        ("change role", RequestOutcome::LastOwner),
        ("change role", RequestOutcome::Forbidden),
        ("change status", RequestOutcome::LastOwner),
        ("remove member", RequestOutcome::LastOwner),
        ("remove member", RequestOutcome::Forbidden),
        ("accept invitation", RequestOutcome::NotFound),
        ("accept invitation", RequestOutcome::InvitationNotValid),
        ("add member", RequestOutcome::Again),
        ("login leaves", RequestOutcome::LastOwner),
        ("login suspends", RequestOutcome::LastOwner),
        ("login joins", RequestOutcome::Nothing),
        ("create invitation", RequestOutcome::Forbidden),
        ("resend invitation", RequestOutcome::Forbidden),
        (
            "accept invitation by email",
            RequestOutcome::InvitationNotValid,
        ),
        ("accept invitation by email", RequestOutcome::NotFound),
        ("rename organization", RequestOutcome::UserDisabled),
        ("change role", RequestOutcome::UserDisabled),
        ("remove member", RequestOutcome::UserDisabled),
        ("transfer ownership", RequestOutcome::UserDisabled),
        ("accept invitation", RequestOutcome::UserDisabled),
        ("disable user", RequestOutcome::UserDisabled),
        ("enable user", RequestOutcome::UserDisabled),
    ] {
        assert!(seen.contains(&refused), "{refused:?} in {seen:?}");
    }
}

/// Shows that the search finds violations, and the purpose of each condition.
#[test]
fn each_omitted_condition_violates_its_property() {
    let conditions = [
        (ConditionKind::Permission, "every writer has permission"),
        (ConditionKind::Inviter, "every writer has permission"),
        (
            ConditionKind::Unchanged,
            "no write overwrites an unread change",
        ),
        (ConditionKind::AnotherOwner, "an organization has an owner"),
        (ConditionKind::OwnersCounted, "the owner count is correct"),
        (ConditionKind::Live, "deleted organizations do not change"),
        (ConditionKind::NoMembership, "no user is added twice"),
        (ConditionKind::NameFree, "names are unique"),
        (
            ConditionKind::WriteId,
            "no applied write is reported as refused",
        ),
    ];
    let of_invitations = [
        (ConditionKind::Inviter, "every writer has permission"),
        (
            ConditionKind::InvitationUnchanged,
            "no ended or replaced token is accepted",
        ),
        (
            ConditionKind::NoInvitation,
            "an address has one open invitation",
        ),
    ];
    let of_disabled_users = [
        (ConditionKind::Enabled, "no disabled user writes"),
        (ConditionKind::InviterEnabled, "every writer has permission"),
        (
            ConditionKind::ProfileUnchanged,
            "no write overwrites an unread change",
        ),
    ];
    let of_disabled_inviters = [
        (ConditionKind::Enabled, "no disabled user writes"),
        (ConditionKind::InviterEnabled, "every writer has permission"),
    ];
    let conditions = conditions.map(|(kind, violated)| (kind, violated, without(kind)));
    let of_invitations =
        of_invitations.map(|(kind, violated)| (kind, violated, by_email_without(kind)));
    let of_disabled_users =
        of_disabled_users.map(|(kind, violated)| (kind, violated, disabling_without(kind)));
    let of_disabled_inviters = of_disabled_inviters
        .map(|(kind, violated)| (kind, violated, disabling_by_email_without(kind)));
    let all = conditions
        .into_iter()
        .chain(of_invitations)
        .chain(of_disabled_users)
        .chain(of_disabled_inviters);
    for (kind, violated, scope) in all {
        let Searched { violations, .. } = search(scope, |_| {});
        let found = violations
            .iter()
            .find(|(property, _)| *property == violated);
        let Some((_, way)) = found else {
            panic!("without {kind:?}: {violations:?}");
        };
        println!("without {kind:?} {violated:?} is violated:\n{way}\n");
        assert!(!way.is_empty());
    }
}
