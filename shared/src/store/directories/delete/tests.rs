//! Tests of the memberships and rights that a deleted directory leaves.

use super::*;
use crate::domain::{Role, Status};
use crate::store::fake::Fake;
use crate::store::rows::users::DIRECTORY_ADMIN;
use crate::store::samples::{
    membership, now, profile_row, request_of_admin, team, team_membership, tenant, user,
};

#[tokio::test]
async fn a_deleted_directory_makes_no_tenant_admins() {
    let ada = user("ada");
    let profile = profile_row("ada", &[(DIRECTORY_ADMIN, "x")]);
    let overtaken = Fake::with([profile.clone()]).unmet(keys::user(&tenant(), &ada), None);
    for (fake, writes) in [(Fake::with([profile]), 1), (overtaken, 2)] {
        let (store, cx) = (fake.store(), request_of_admin());
        let tenant = &cx.caller.tenant_id;
        let (keep, given) = (MembershipsOfDeleted::Keep, Source::Entra);
        let ended = store.end_given(tenant, &ada, keep, given, &cx.origin);
        ended.await.unwrap();
        assert_eq!(fake.writes().len(), writes);
    }
}

#[tokio::test]
async fn a_membership_that_is_kept_is_changed_now() {
    let fake = Fake::default();
    let (store, cx) = (fake.store(), request_of_admin());
    let before = membership("ada", Role::Member, Status::Active);
    assert!(store.keep_membership(&cx.origin, &before).await.unwrap());
    let key = keys::membership(&before.tenant_id, &before.user_id, &before.organization_id);
    let write = fake.last_write_of(&key).unwrap();
    assert_eq!(write.value("updated_at"), Some(&*now().to_string()));

    let before = team_membership(&team(None), "ada");
    let kept = store.keep_team_membership(&cx.origin, &before).await;
    assert!(kept.unwrap());
    let key = keys::team_membership(&before.tenant_id, &before.user_id, &before.team_id);
    let write = fake.last_write_of(&key).unwrap();
    assert_eq!(write.value("updated_at"), Some(&*now().to_string()));
}
