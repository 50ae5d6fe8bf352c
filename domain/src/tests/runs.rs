//! Runs of directories, and what they would change.

use super::*;

/// Numbers of which no two are equal, times `factor`.
fn numbers(factor: u64) -> RunNumbers {
    RunNumbers {
        users_read: factor,
        memberships_made: 2 * factor,
        memberships_ended: 4 * factor,
        memberships_held_back: 8 * factor,
        roles_changed: 16 * factor,
        organizations_made: 32 * factor,
        teams_made: 64 * factor,
        users_disabled: 128 * factor,
        users_enabled: 256 * factor,
        failed: 512 * factor,
        graph_calls: 1024 * factor,
        memberships_given: 2048 * factor,
    }
}

#[test]
fn the_numbers_of_the_parts_of_a_run_are_added() {
    let mut total = numbers(3);
    total.add(&numbers(4));
    assert_eq!(total, numbers(7));
    assert_eq!(numbers(1).changed(), 2 + 4 + 16 + 32 + 64 + 128 + 256);
}

#[test]
fn a_failed_run_has_not_read_the_directory() {
    for (outcome, has_read) in [
        (RunOutcome::Synced, true),
        (RunOutcome::Unchanged, true),
        (RunOutcome::Partial, true),
        (RunOutcome::RunBlocked, true),
        (RunOutcome::Failed, false),
        (RunOutcome::Broken, false),
    ] {
        assert_eq!(outcome.has_read(), has_read, "{outcome:?}");
    }
}

#[test]
fn a_user_with_any_change_is_not_unchanged() {
    let unchanged = || PreviewedUser::unchanged(UserId::parse("u").unwrap());
    assert!(unchanged().is_unchanged());
    let membership = PreviewedMembership {
        organization_id: None,
        team_id: None,
        role: None,
        group_id: GroupId::parse("g").unwrap(),
    };
    for changed in [
        PreviewedUser {
            disabled: Some(true),
            ..unchanged()
        },
        PreviewedUser {
            tenant_admin: Some(false),
            ..unchanged()
        },
        PreviewedUser {
            gains: vec![membership.clone()],
            ..unchanged()
        },
        PreviewedUser {
            loses: vec![membership.clone()],
            ..unchanged()
        },
        PreviewedUser {
            changes: vec![membership.clone()],
            ..unchanged()
        },
    ] {
        assert!(!changed.is_unchanged(), "{changed:?}");
    }
}
