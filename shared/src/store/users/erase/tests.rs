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

/// Items that are added to a user meanwhile are found by another read.
#[test]
fn a_user_is_looked_at_again_until_only_the_profile_is_left() {
    let item = || vec![Item::new()];
    let key = keys::email_entry(&tenant(), &user("ada"));
    for found in [
        UserItems {
            memberships: item(),
            ..UserItems::default()
        },
        UserItems {
            team_memberships: item(),
            ..UserItems::default()
        },
        UserItems {
            others: vec![key],
            ..UserItems::default()
        },
    ] {
        assert!(!found.is_only_profile());
    }
    assert!(UserItems::default().is_only_profile());
}

#[tokio::test]
async fn a_user_who_erases_themselves_is_not_checked_twice() {
    let cx = request_of_admin();
    let root = cx.caller.user_id.clone();
    for status in ["enabled", "erasing"] {
        let profile = profile_row(root.as_str(), &[("status", status)]);
        let fake = Fake::with([profile]);
        let store = fake.store();
        let erased = store.erase_user(&cx, &root, &ExpectedVersion::ANY).await;
        erased.unwrap();
        let key = keys::user(&tenant(), &root);
        assert!(!fake.has(&key));
        let writes = fake.writes();
        let mut of_profile = writes.iter().flatten().filter(|action| action.key == key);
        assert!(of_profile.all(|action| action.kind != "ConditionCheck"));
        if status == "enabled" {
            let marked = writes[0].iter().find(|action| action.key == key).unwrap();
            assert_eq!(marked.value("version"), Some("4"));
        }
    }
}

#[tokio::test]
async fn a_disabled_tenant_admin_erases_no_one() {
    let cx = request_of_admin();
    let root = cx.caller.user_id.clone();
    for erased in [user("ada"), root.clone()] {
        let disabled = [("status", "disabled")];
        let rows = [
            profile_row(root.as_str(), &disabled),
            profile_row("ada", &[("status", "enabled")]),
        ];
        let fake = Fake::with(rows);
        let store = fake.store();
        let refused = store.erase_user(&cx, &erased, &ExpectedVersion::ANY).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::Refused(Refusal::UserDisabled)));
        assert!(fake.writes().is_empty());
    }
}
