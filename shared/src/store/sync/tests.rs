//! Tests of the sync when others change the items that it has read.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::domain::{Membership, OrganizationId, Role, Source, Status, Team, TeamMembership};
use crate::store::WriteOutcome;
use crate::store::fake::Fake;
use crate::store::keys;
use crate::store::rows::organizations::SYNCED_NAME;
use crate::store::rows::team_members;
use crate::store::rows::teams::AWAITS_ORGANIZATION;
use crate::store::samples::{
    membership, now, organization_id, request_of_admin, team, team_membership, team_row, tenant,
    user,
};

const AWAITING: [(&str, &str); 1] = [(AWAITS_ORGANIZATION, "o")];

#[tokio::test]
async fn a_team_that_waited_has_the_new_limits_unless_it_was_changed() {
    for (version, budget) in [(1, 9.0), (2, 5.0)] {
        let with = |budget: f64, organization| Team {
            limits: serde_json::from_value(json!({"models": [], "max_budget": budget})).unwrap(),
            version,
            ..team(organization)
        };
        let row = team_row(&with(5.0, None), &AWAITING);
        let made = with(9.0, Some(organization_id()));
        let key = keys::team(&tenant(), &made.id);
        let fake = Fake::with([row.clone()]).unmet(key.clone(), Some(row));
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let outcome = store.make_team(&origin, &made, None).await.unwrap();
        assert_eq!(outcome, WriteOutcome::Done);
        let writes = fake.writes();
        let moved = writes[1].iter().find(|action| action.key == key).unwrap();
        let limits = &moved.set("limits")["M"];
        let found = limits["max_budget"]["N"].as_str().unwrap();
        assert_eq!(found.parse(), Ok(budget), "{limits}");
    }
}

#[tokio::test]
async fn a_team_is_moved_on_only_into_its_own_organization() {
    let other = OrganizationId::parse("p").unwrap();
    for (of, outcome) in [
        (organization_id(), WriteOutcome::Done),
        (other, WriteOutcome::Unchanged),
    ] {
        let moved = team(Some(of));
        let fake = Fake::with([team_row(&moved, &AWAITING)]);
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let how = Move {
            version: 1,
            name: &moved.name,
            limits: None,
        };
        let (tenant, organization) = (tenant(), organization_id());
        let done = store.move_team(&origin, &tenant, &moved.id, &organization, how);
        assert_eq!(done.await.unwrap(), outcome);
        let write = fake.last_write_of(&keys::team(&tenant, &moved.id));
        let update = write.map(|write| write.update().to_owned());
        let ended = (outcome == WriteOutcome::Done).then_some("REMOVE #awaits_organization");
        assert_eq!(update.as_deref(), ended);
    }
}

/// Moves a team with these attributes into the organization. Returns the outcome, and the table.
async fn moved(more: &[(&str, &str)], unmet: Option<keys::Key>) -> (WriteOutcome, Fake) {
    let one = team(None);
    let fake = Fake::with([team_row(&one, more)]);
    let fake = match unmet {
        Some(key) => fake.unmet(key, None),
        None => fake,
    };
    let (store, origin) = (fake.store(), request_of_admin().origin);
    let name = "New".parse().unwrap();
    let how = Move {
        version: one.version,
        name: &name,
        limits: None,
    };
    let (tenant, organization) = (tenant(), organization_id());
    let done = store.move_team(&origin, &tenant, &one.id, &organization, how);
    let outcome = done.await.unwrap();
    (outcome, fake)
}

#[tokio::test]
async fn only_a_live_team_that_waits_is_moved() {
    let deleted = ("deleted_at", "2026-11-20T10:00:00.000Z");
    for more in [&[][..], &[deleted], &[AWAITING[0], deleted]] {
        let (outcome, fake) = moved(more, None).await;
        assert_eq!(outcome, WriteOutcome::Unchanged, "{more:?}");
        assert!(fake.writes().is_empty());
    }
}

#[tokio::test]
async fn a_moved_team_no_longer_waits() {
    let key = keys::team(&tenant(), &team(None).id);
    for (synced, kept) in [("Sales", Some("New")), ("Other", None)] {
        let (outcome, fake) = moved(&[AWAITING[0], (SYNCED_NAME, synced)], None).await;
        assert_eq!(outcome, WriteOutcome::Done);
        let writes = fake.writes();
        let put = writes[0].iter().find(|action| action.key == key).unwrap();
        assert_eq!(put.value("updated_at"), Some(&*now().to_string()));
        assert_eq!(put.value(SYNCED_NAME), kept);
        let last = fake.last_write_of(&key).unwrap();
        assert_eq!(last.update(), "REMOVE #awaits_organization");
    }
    let (outcome, fake) = moved(&AWAITING, Some(key)).await;
    assert_eq!(outcome, WriteOutcome::Unchanged);
    assert_eq!(fake.writes().len(), 1);
}

#[tokio::test]
async fn a_team_membership_that_changed_meanwhile_is_moved_as_it_is() {
    let before = team_membership(&team(None), "ada");
    let key = keys::team_membership(&tenant(), &user("ada"), &before.team_id);
    let organization = organization_id();
    for (is_moved, outcome, writes) in [
        (false, WriteOutcome::Done, 2),
        (true, WriteOutcome::Unchanged, 1),
    ] {
        let changed = TeamMembership {
            version: 2,
            organization_id: is_moved.then(|| organization.clone()),
            ..before.clone()
        };
        let changed = team_members::to_row(&changed).unwrap();
        let fake = Fake::default().unmet(key.clone(), Some(changed));
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let moved = store.move_team_membership(&origin, &before, &organization);
        assert_eq!(moved.await.unwrap(), outcome);
        assert_eq!(fake.writes().len(), writes);
    }
}

#[tokio::test]
async fn a_login_does_not_accept_an_invitation_answered_meanwhile() {
    let before = Membership {
        invited_by_user_id: Some(user("bob")),
        updated_at: now(),
        expires_at: Some(now().after(Duration::from_hours(1))),
        ..membership("ada", Role::Member, Status::Invited)
    };
    let organization = organization_id();
    let own = keys::membership(&tenant(), &user("ada"), &organization);
    let inviter = keys::membership(&tenant(), &user("bob"), &organization);
    for (unmet, outcome, writes) in [
        (own, WriteOutcome::Unchanged, 1),
        (inviter, WriteOutcome::Done, 2),
    ] {
        let fake = Fake::default().unmet(unmet, None);
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let accepted = store.accept_synced_invitation(
            &origin,
            SyncedMembership {
                before: &before,
                mapped_from: None,
            },
            Role::Member,
            Source::Entra,
        );
        assert_eq!(accepted.await.unwrap(), outcome);
        assert_eq!(fake.writes().len(), writes);
    }
}
