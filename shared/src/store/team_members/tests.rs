//! Tests of the conditions on changes of a team's members.

use super::*;
use crate::domain::{
    ExpectedVersion, Role, TeamMemberKey, TeamMembershipPatch, TeamRole, TeamStatus,
};
use crate::store::fake::Fake;
use crate::store::rows::team_members::to_row;
use crate::store::rows::teams::DELETED_AT;
use crate::store::samples::{
    member_row, organization_id, organization_row, request_of, request_of_admin, team,
    team_membership, team_row, tenant, user,
};
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
