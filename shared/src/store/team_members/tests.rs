//! Tests of the conditions on changes of a team's members.

use super::*;
use crate::domain::{
    ExpectedVersion, Role, TeamMemberKey, TeamMembershipPatch, TeamRole, TeamStatus,
};
use crate::store::fake::Fake;
use crate::store::rows::members::SUSPENDED_BY;
use crate::store::rows::team_members::to_row;
use crate::store::rows::teams::DELETED_AT;
use crate::store::samples::{
    member_row, now, organization_id, organization_row, request_of, request_of_admin, team,
    team_membership, team_row, tenant, user,
};
use crate::store::table::text;
use crate::store::{Error, TableError, keys};

#[tokio::test]
async fn only_a_deleted_team_is_not_found_once_it_was_read() {
    let team = team(None);
    let refused = async |more: &[(&str, &str)]| {
        let key = keys::team(&tenant(), &team.id);
        let changed = team_row(&team, more);
        let fake = Fake::with([team_row(&team, &[])]).unmet(key, Some(changed));
        let (store, cx, ada) = (fake.store(), request_of_admin(), user("ada"));
        let added = store.add_team_member(&cx, &team.id, &ada, TeamRole::Member);
        added.await.unwrap_err()
    };
    let deleted = refused(&[(DELETED_AT, "2026-11-28T10:00:00.000Z")]).await;
    assert!(matches!(deleted, Error::Refused(Refusal::NotFound)));
    let moved = refused(&[("organization_id", "o")]).await;
    assert!(matches!(moved, Error::Table(TableError::Conflict(_))));
}

#[tokio::test]
async fn only_active_members_of_the_organization_become_active() {
    let manager = request_of("ada");
    let mut admin = request_of("ada");
    admin.caller.tenant_admin = true;
    for (cx, target, kind) in [
        (&manager, "bob", "ConditionCheck"),
        (&admin, "ada", "ConditionCheck"),
        // Their own membership allows the change.
        (&manager, "ada", "Update"),
    ] {
        let team = team(Some(organization_id()));
        let suspended = TeamMembership {
            status: Status::Suspended,
            ..team_membership(&team, target)
        };
        let fake = Fake::with([
            organization_row(),
            team_row(&team, &[]),
            to_row(&suspended).unwrap(),
            member_row("ada", Role::Owner),
            member_row("bob", Role::Member),
        ]);
        let (store, any, target) = (fake.store(), ExpectedVersion::ANY, user(target));
        let patch = TeamMembershipPatch {
            role: None,
            status: Some(TeamStatus::Active),
        };
        let changed = store.update_team_membership(
            cx,
            TeamMemberKey {
                team: &team.id,
                user: &target,
            },
            patch,
            &any,
        );
        assert_eq!(changed.await.unwrap().status, Status::Active);
        let key = keys::membership(&tenant(), &target, &organization_id());
        let last = fake.writes().pop().unwrap();
        let actions: Vec<_> = last.iter().filter(|action| action.key == key).collect();
        let [action] = actions[..] else {
            panic!("{actions:?}");
        };
        assert_eq!(action.kind, kind);
        let condition = action.condition();
        assert!(condition.contains("#status = :active"), "{condition}");
    }
}

/// Changes bob's team membership, which also has these attributes. Returns it, and the table.
async fn changed(more: &[(&str, &str)], patch: TeamMembershipPatch) -> (TeamMembership, Fake) {
    let team = team(None);
    let mut row = to_row(&team_membership(&team, "bob")).unwrap();
    let more = more.iter();
    row.extend(more.map(|(name, value)| ((*name).to_owned(), text(*value))));
    let fake = Fake::with([team_row(&team, &[]), row]);
    let (store, cx, bob) = (fake.store(), request_of_admin(), user("bob"));
    let key = TeamMemberKey {
        team: &team.id,
        user: &bob,
    };
    let changed = store.update_team_membership(&cx, key, patch, &ExpectedVersion::ANY);
    (changed.await.unwrap(), fake)
}

#[tokio::test]
async fn a_status_that_a_member_has_is_no_change() {
    let active = TeamMembershipPatch {
        role: None,
        status: Some(TeamStatus::Active),
    };
    let (_, fake) = changed(&[], active).await;
    assert!(fake.writes().is_empty());
}

#[tokio::test]
async fn only_a_change_of_status_takes_a_suspension_over() {
    let leader = TeamMembershipPatch {
        role: Some(TeamRole::Leader),
        status: None,
    };
    let suspended = [("status", "suspended"), (SUSPENDED_BY, "entra")];
    let (after, fake) = changed(&suspended, leader).await;
    assert_eq!(after.updated_at, now());
    let events = fake.last_events();
    let changes = serde_json::to_value(&events[0].changes).unwrap();
    assert!(changes["role"].is_object(), "{changes}");
    assert!(changes[SUSPENDED_BY].is_null(), "{changes}");
}

#[tokio::test]
async fn a_suspended_member_of_a_standalone_team_may_not_leave() {
    let forbidden = |error| matches!(error, Error::Refused(Refusal::Forbidden));
    for (organization, is_forbidden) in [(None, true), (Some(organization_id()), false)] {
        let team = team(organization);
        let suspended = TeamMembership {
            status: Status::Suspended,
            ..team_membership(&team, "bob")
        };
        let rows = [team_row(&team, &[]), to_row(&suspended).unwrap()];
        let fake = Fake::with(rows);
        let (store, cx, bob) = (fake.store(), request_of("bob"), user("bob"));
        let key = TeamMemberKey {
            team: &team.id,
            user: &bob,
        };
        let left = store.remove_team_member(&cx, key, false, &ExpectedVersion::ANY);
        assert_eq!(forbidden(left.await.unwrap_err()), is_forbidden);
    }
}

#[tokio::test]
async fn a_suspension_that_is_taken_over_is_a_change() {
    let suspended = TeamMembershipPatch {
        role: None,
        status: Some(TeamStatus::Suspended),
    };
    let by_directory = [("status", "suspended"), (SUSPENDED_BY, "entra")];
    let (after, fake) = changed(&by_directory, suspended).await;
    assert_eq!(after.version, 2);
    assert_eq!(after.updated_at, now());
    let changes = serde_json::to_value(&fake.last_events()[0].changes).unwrap();
    assert!(changes[SUSPENDED_BY].is_object(), "{changes}");
}

#[tokio::test]
async fn a_leader_must_still_lead_when_they_change_others() {
    for (target, is_held) in [("bob", true), ("lee", false)] {
        let team = team(None);
        let leader = TeamMembership {
            role: TeamRole::Leader,
            ..team_membership(&team, "lee")
        };
        let rows = [
            team_row(&team, &[]),
            to_row(&leader).unwrap(),
            to_row(&team_membership(&team, "bob")).unwrap(),
        ];
        let (fake, target) = (Fake::with(rows), user(target));
        let (store, cx) = (fake.store(), request_of("lee"));
        let key = TeamMemberKey {
            team: &team.id,
            user: &target,
        };
        let removed = store.remove_team_member(&cx, key, false, &ExpectedVersion::ANY);
        removed.await.unwrap();
        let own = keys::team_membership(&tenant(), &user("lee"), &team.id);
        let write = fake.writes().pop().unwrap();
        let kinds = write.iter().filter(|action| action.key == own);
        let kinds: Vec<_> = kinds.map(|action| action.kind.as_str()).collect();
        let expected = if is_held { "ConditionCheck" } else { "Delete" };
        assert_eq!(kinds, [expected]);
    }
}
