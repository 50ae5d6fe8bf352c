//! A user who cannot be erased after all.

use super::*;
use crate::domain::Role;
use crate::store::fake::Fake;
use crate::store::samples::{
    member_row, organization_row, profile_row, request_of_admin, tenant, user,
};

#[tokio::test]
async fn a_user_who_is_not_erased_has_their_status_back() {
    let key = keys::user(&tenant(), &user("ada"));
    for (before, status) in [
        (Some("enabled"), "enabled"),
        (Some("disabled"), "disabled"),
        (None, "disabled"),
    ] {
        let before = before.map(|it| (STATUS_BEFORE, it));
        let more = [("status", ERASING)].into_iter().chain(before);
        let profile = profile_row("ada", &more.collect::<Vec<_>>());
        let fake = Fake::default();
        fake.store().unmark_erasing(&profile).await.unwrap();
        let write = fake.last_write_of(&key).unwrap();
        assert_eq!(write.value("status"), Some(status));
        assert_eq!(write.value("version"), Some("4"));
        assert_eq!(write.condition(), "#status = :erasing");
    }
}

#[tokio::test]
async fn each_step_of_an_erasure_depends_on_its_caller() {
    let profile = profile_row("ada", &[("status", "enabled")]);
    let member = member_row("ada", Role::Member);
    let fake = Fake::with([organization_row(), profile, member]);
    let (store, cx, ada) = (fake.store(), request_of_admin(), user("ada"));
    let erased = store.erase_user(&cx, &ada, &ExpectedVersion::ANY).await;
    erased.unwrap();
    let caller = keys::user(&tenant(), &cx.caller.user_id);
    let steps = fake.writes().into_iter().filter(|write| write.len() > 1);
    let steps: Vec<_> = steps.collect();
    assert!(steps.len() > 1);
    for step in steps {
        let held = step.iter().find(|action| action.key == caller);
        assert!(
            held.is_some_and(|it| it.kind == "ConditionCheck"),
            "{step:?}"
        );
    }
}
