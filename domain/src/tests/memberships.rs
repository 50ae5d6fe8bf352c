//! Memberships of organizations and teams.

use super::*;

fn membership(role: Role, status: Status) -> Membership {
    Membership::new(
        TenantId::parse("t").unwrap(),
        OrganizationId::parse("o").unwrap(),
        UserId::parse("u").unwrap(),
        role,
        status,
        at(0),
    )
}

#[test]
fn changing_a_membership_increments_only_its_version() {
    let before = membership(Role::Member, Status::Active);
    let patch = |role, status| MembershipPatch { role, status };
    let same = patch(Some(Role::Member), Some(Status::Active));
    assert_eq!(same.apply(&before, at(5)), Ok(before.clone()));
    let higher = patch(Some(Role::Admin), None).apply(&before, at(5));
    let expected = Membership {
        role: Role::Admin,
        version: 2,
        updated_at: at(5),
        ..before.clone()
    };
    assert_eq!(higher, Ok(expected.clone()));
    let third = patch(None, Some(Status::Suspended))
        .apply(&expected, at(6))
        .unwrap();
    assert_eq!(
        (third.version, third.status, third.role),
        (3, Status::Suspended, Role::Admin)
    );
    assert!(
        patch(None, Some(Status::Invited))
            .apply(&before, at(5))
            .is_err()
    );
    let invited = membership(Role::Member, Status::Invited);
    assert!(
        patch(Some(Role::Admin), None)
            .apply(&invited, at(5))
            .is_ok()
    );
    assert!(
        patch(None, Some(Status::Active))
            .apply(&invited, at(5))
            .is_ok()
    );
}

#[test]
fn an_inviter_and_the_end_of_an_invitation_are_kept() {
    let caller = |tenant_admin| Caller {
        tenant_id: TenantId::parse("t").unwrap(),
        user_id: UserId::parse("ada").unwrap(),
        tenant_admin,
        machine: false,
        email: None,
    };
    for tenant_admin in [false, true] {
        let invited = membership(Role::Member, Status::Invited).invited_by(&caller(tenant_admin));
        assert_eq!(invited.invited_by_user_id.unwrap().as_str(), "ada");
        assert_eq!(invited.invited_by_tenant_admin, tenant_admin);
    }
    let invited = membership(Role::Member, Status::Invited);
    let end = invited.expires_at.unwrap();
    assert!(!invited.is_expired(at(end.as_millisecond() - 1)));
    assert!(invited.is_expired(end));
    let active = membership(Role::Member, Status::Active);
    assert!(!active.is_expired(Timestamp::MAX));
    let to = |status| MembershipPatch {
        role: None,
        status: Some(status),
    };
    assert!(to(Status::Suspended).suspends_invitation(&invited));
    assert!(!to(Status::Active).suspends_invitation(&invited));
    assert!(!to(Status::Suspended).suspends_invitation(&active));
}

#[test]
fn only_active_owners_count() {
    for &role in Role::VARIANTS {
        for &status in Status::VARIANTS {
            let counts = membership(role, status).is_active_owner();
            assert_eq!(counts, role == Role::Owner && status == Status::Active);
        }
    }
}

pub(super) fn team_membership(role: TeamRole, status: Status) -> TeamMembership {
    TeamMembership {
        tenant_id: TenantId::parse("t").unwrap(),
        team_id: TeamId::parse("m").unwrap(),
        organization_id: None,
        user_id: UserId::parse("u").unwrap(),
        role,
        status,
        source: Source::Manual,
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

#[test]
fn changing_a_team_membership_increments_its_version() {
    let before = team_membership(TeamRole::Member, Status::Active);
    let patch = |role, status| TeamMembershipPatch { role, status };
    let same = patch(Some(TeamRole::Member), None).apply(&before, at(5));
    assert_eq!(same, before);
    let leader = patch(Some(TeamRole::Leader), None).apply(&before, at(5));
    let expected = TeamMembership {
        role: TeamRole::Leader,
        version: 2,
        updated_at: at(5),
        ..before
    };
    assert_eq!(leader, expected);
    let third = patch(None, Some(TeamStatus::Suspended)).apply(&leader, at(6));
    assert_eq!((third.version, third.status), (3, Status::Suspended));
    for &status in Status::VARIANTS {
        assert!(!team_membership(TeamRole::Member, status).leads());
        let leads = team_membership(TeamRole::Leader, status).leads();
        assert_eq!(leads, status == Status::Active);
    }
}

#[test]
fn activating_and_inviting_again_are_changes() {
    let invited = Membership {
        expires_at: Some(at(9)),
        ..membership(Role::Member, Status::Invited)
    };
    let active = Membership {
        status: Status::Active,
        expires_at: None,
        version: 2,
        updated_at: at(5),
        ..invited.clone()
    };
    assert_eq!(invited.activated(at(5)), active);
    let caller = Caller {
        tenant_id: TenantId::parse("t").unwrap(),
        user_id: UserId::parse("root").unwrap(),
        tenant_admin: true,
        machine: false,
        email: None,
    };
    let again = Membership {
        role: Role::Admin,
        status: Status::Invited,
        expires_at: open_until(Status::Invited, at(6)),
        invited_by_user_id: Some(caller.user_id.clone()),
        invited_by_tenant_admin: true,
        version: 3,
        updated_at: at(6),
        ..active.clone()
    };
    assert_eq!(active.invited_again(Role::Admin, &caller, at(6)), again);
    assert!(again.expires_at.is_some());
    // An accepted or suspended membership does not expire.
    let suspend = MembershipPatch {
        role: None,
        status: Some(Status::Active),
    };
    assert_eq!(suspend.apply(&invited, at(7)).unwrap().expires_at, None);
}

#[test]
fn only_directories_give_memberships_of_theirs() {
    for (source, is_directory) in [
        (Source::Manual, false),
        (Source::Entra, true),
        (Source::Scim, true),
        (Source::Domain, false),
        (Source::Invitation, false),
    ] {
        assert_eq!(source.is_directory(), is_directory, "{source:?}");
    }
}
