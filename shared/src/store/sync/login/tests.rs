//! Tests of the writes of a login to the profile and its copies.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{Role, Status};
use crate::store::fake::Fake;
use crate::store::rows::members;
use crate::store::samples::{
    login_of_ada, membership, now, organization_id, profile_row, request_of_admin, tenant, user,
};
use crate::store::table::Item;

/// A profile that lists show, or whose memberships may have older names.
fn profile(is_pending: bool) -> Item {
    let mut row = profile_row("ada", &[("gsi3pk", "p"), ("gsi3sk", "s")]);
    if is_pending {
        row.insert("names_pending".to_owned(), number(3));
    }
    row
}

#[tokio::test]
async fn names_are_copied_once_to_each_membership() {
    let member = membership("ada", Role::Member, Status::Active);
    let key = keys::membership(&tenant(), &user("ada"), &organization_id());
    for (is_pending, is_read, copies) in [
        (false, false, 0),
        (false, true, 1),
        (true, false, 1),
        (true, true, 1),
    ] {
        let row = profile(is_pending);
        let login = KnownUser::read(row.clone()).unwrap();
        let fake = Fake::with([row, members::to_row(&member).unwrap()]);
        let current = CurrentMemberships {
            organizations: BTreeMap::from([(organization_id(), member.clone())]),
            ..CurrentMemberships::default()
        };
        let current = is_read.then_some(&current);
        let store = fake.store();
        let refreshed = store.refresh_names_at_login(&login, current);
        refreshed.await.unwrap();
        let writes = fake.writes();
        let of_member = writes.iter().flatten().filter(|action| action.key == key);
        assert_eq!(of_member.count(), copies, "{is_pending} {is_read}");
    }
}

#[tokio::test]
async fn a_change_of_the_rights_of_a_user_is_dated() {
    let fake = Fake::default();
    let (store, origin) = (fake.store(), request_of_admin().origin);
    let login = KnownUser::read(profile(false)).unwrap();
    for is_admin in [true, false] {
        let made = store.set_directory_admin_at_login(&origin, &login, is_admin);
        assert_eq!(made.await.unwrap(), WriteOutcome::Done);
        let key = keys::user(&tenant(), &user("ada"));
        let write = fake.last_write_of(&key).unwrap();
        assert_eq!(write.value("updated_at"), Some(&*now().to_string()));
        assert_eq!(write.value("version"), Some("4"));
    }
}

#[test]
fn a_login_is_a_change_of_the_profile() {
    let login = login_of_ada(None);
    let known = Stored::read(profile(false)).unwrap().user;
    for (before, version) in [(None, 1), (Some(&known), 4)] {
        let after = signed_in(before, &login, now());
        assert_eq!(after.version, version);
        assert_eq!(after.updated_at, now());
        assert_eq!(after.last_login_at, Some(now()));
    }
}
