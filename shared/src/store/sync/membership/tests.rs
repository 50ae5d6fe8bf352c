//! Tests of the writes of a login to a membership.

use super::*;
use crate::domain::{Role, Team, TeamId};
use crate::store::fake::Fake;
use crate::store::samples::{
    membership, organization_id, request_of_admin, team, team_membership, tenant, user,
};

#[test]
fn a_change_of_status_has_an_event_type_of_its_own() {
    let (active, suspended) = (Status::Active, Status::Suspended);
    for (before, after, event_type) in [
        (active, active, EventType::MembershipRoleChanged),
        (suspended, suspended, EventType::MembershipRoleChanged),
        (active, suspended, EventType::MembershipSuspended),
        (suspended, active, EventType::MembershipReactivated),
    ] {
        assert_eq!(type_of_change(before, after), event_type);
    }
}

/// Returns a synced member who is in `count` teams of the organization.
fn member_of_teams(count: usize) -> (Membership, CurrentMemberships) {
    let member = Membership {
        source: Source::Entra,
        ..membership("ada", Role::Member, Status::Active)
    };
    let teams = (0..count).map(|number| {
        let team = Team {
            id: TeamId::parse(format!("t{number}")).unwrap(),
            ..team(Some(organization_id()))
        };
        (team.id.clone(), team_membership(&team, "ada"))
    });
    let current = CurrentMemberships {
        teams: teams.collect(),
        ..CurrentMemberships::default()
    };
    (member, current)
}

#[tokio::test]
async fn an_answered_invitation_is_read_again_before_a_user_leaves() {
    let (member, current) = member_of_teams(0);
    let address = "ada@acme.example".parse().unwrap();
    let invitee = keys::invitee(&tenant(), &organization_id(), &address);
    let fake = Fake::default().unmet(invitee, None);
    let (store, origin) = (fake.store(), request_of_admin().origin);
    let apart = BTreeSet::new();
    let left = store.leave_with_invitation(&origin, &member, &current, &apart, Some(&address));
    assert_eq!(left.await.unwrap(), WriteOutcome::Done);
    assert_eq!(fake.writes().len(), 2);
}

#[tokio::test]
async fn a_user_leaves_as_many_teams_as_fit_with_the_organization() {
    for (count, writes) in [(members::MOST_TEAMS, 1), (members::MOST_TEAMS + 1, 2)] {
        let (member, current) = member_of_teams(count);
        let fake = Fake::default();
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let apart = BTreeSet::new();
        let left = store.leave_with_invitation(&origin, &member, &current, &apart, None);
        assert_eq!(left.await.unwrap(), WriteOutcome::Done);
        assert_eq!(fake.writes().len(), writes);
        let key = keys::membership(&tenant(), &user("ada"), &organization_id());
        assert_eq!(fake.last_write_of(&key).unwrap().kind, "Delete");
    }
}
