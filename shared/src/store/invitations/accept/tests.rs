//! Tests of the writes and conditions of an accepted invitation, apart from the table.

use uuid::Uuid;

use super::held::{hold_inviter, put_membership};
use super::*;
use crate::store::fake::Fake;
use crate::store::invitations::tests::invitation;
use crate::store::samples::{request_of, user};

/// Bob, who invites into a team, and is a member himself.
fn found(invited_as: Role, own: (Role, Status)) -> FoundInvitation {
    let mut invitation = invitation("t");
    invitation.role = invited_as;
    let membership = Membership::new(
        invitation.tenant_id.clone(),
        invitation.organization_id.clone(),
        invitation.invited_by_user_id.clone(),
        own.0,
        own.1,
        Timestamp::EPOCH,
    );
    FoundInvitation::of(invitation, Some(membership))
}

#[test]
fn an_inviter_who_accepts_must_still_be_allowed_to_invite() {
    let table = Fake::default().table();
    let may = |invited_as, own| {
        let found = found(invited_as, own);
        let cx = request_of(found.invitation.invited_by_user_id.as_str());
        let mut transaction = table.transaction(Uuid::nil());
        hold_inviter(&mut transaction, &found, &cx.caller).is_ok()
    };
    assert!(may(Role::Member, (Role::Admin, Status::Active)));
    assert!(!may(Role::Member, (Role::Admin, Status::Suspended)));
    assert!(!may(Role::Member, (Role::Member, Status::Active)));
    assert!(!may(Role::Owner, (Role::Admin, Status::Active)));
}

#[tokio::test]
async fn an_accepted_membership_counts_only_teams_that_it_joins() {
    for status in [None, Some(Status::Active), Some(Status::Invited)] {
        for teams in [0, 1] {
            let fake = Fake::default();
            let table = fake.table();
            let mut found = found(Role::Member, (Role::Member, Status::Active));
            let after = found.membership.clone().unwrap();
            found.membership = status.map(|status| Membership {
                status,
                ..after.clone()
            });
            let mut transaction = table.transaction(Uuid::nil());
            put_membership(&mut transaction, &found, &after, teams, Timestamp::EPOCH).unwrap();
            assert!(transaction.commit().await.unwrap().is_ok());
            let key = keys::membership(&after.tenant_id, &after.user_id, &after.organization_id);
            let write = fake.last_write_of(&key).unwrap();
            let joined = (teams > 0).then_some("1");
            assert_eq!(write.value("joined_teams"), joined, "{status:?}");
        }
    }
}

#[test]
fn a_new_membership_shows_whether_a_tenant_admin_invited() {
    for is_admin in [true, false] {
        let mut invited = found(Role::Member, (Role::Member, Status::Invited));
        invited.invitation.invited_by_tenant_admin = is_admin;
        let unknown = FoundInvitation::of(invited.invitation.clone(), None);
        for found in [invited, unknown] {
            let after = membership_after(&found, &user("ada"), Timestamp::EPOCH).unwrap();
            assert_eq!(after.invited_by_tenant_admin, is_admin);
            let by = Some(&found.invitation.invited_by_user_id);
            assert_eq!(after.invited_by_user_id.as_ref(), by);
        }
    }
}
