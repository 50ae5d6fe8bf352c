//! Tests of the items that a change of a user writes.

use super::*;
use crate::domain::Patch;
use crate::store::fake::Fake;
use crate::store::samples::{now, profile_row, request_of_admin, tenant, user};

const OBJECT_ID: &str = "8e881353-1735-45af-af21-ee1344582a4d";
const OTHER_OBJECT_ID: &str = "8e881353-1735-45af-af21-ee1344582a4e";

/// Changes a known user, whose profile has these attributes. Returns the table.
async fn changed(attributes: &[(&str, &str)], patch: &UserPatch) -> Fake {
    let ada = user("ada");
    let profile = profile_row("ada", attributes);
    let key = keys::user(&tenant(), &ada);
    let fake = Fake::with([profile.clone()]).unmet(key, Some(profile));
    let (store, cx) = (fake.store(), request_of_admin());
    let registered = store.register_user(&cx, &ada, patch, &ExpectedVersion::ANY);
    let registered = registered.await.unwrap();
    assert!(!registered.is_new);
    assert_eq!(registered.user.updated_at, now());
    fake
}

fn object_id(id: &str) -> UserPatch {
    UserPatch {
        entra_object_id: Patch::Set(id.parse().unwrap()),
        ..UserPatch::default()
    }
}

/// The write of the profile, which is the second one: the first one finds the known user.
fn keys_of_change(fake: &Fake) -> Vec<(String, String)> {
    let write = fake.writes().remove(1);
    let keys = write
        .into_iter()
        .map(|action| (action.key.pk, action.key.sk));
    keys.collect()
}

fn writes(fake: &Fake, key: &keys::Key) -> bool {
    let keys = keys_of_change(fake);
    keys.contains(&(key.pk.clone(), key.sk.clone()))
}

#[tokio::test]
async fn a_new_account_leaves_the_names_and_addresses_as_they_are() {
    let email = ("email", "ada@acme.example");
    let fake = changed(&[email], &object_id(OBJECT_ID)).await;
    assert!(writes(&fake, &keys::account_entry(&tenant(), &user("ada"))));
    assert!(!writes(&fake, &keys::email_entry(&tenant(), &user("ada"))));
    let key = keys::user(&tenant(), &user("ada"));
    let write = fake.writes().remove(1);
    let profile = write.iter().find(|action| action.key == key).unwrap();
    assert!(!profile.update().contains("names_pending"));
    assert_eq!(profile.value("version"), Some("4"));
    assert_eq!(profile.value("updated_at"), Some(&*now().to_string()));
}

#[tokio::test]
async fn a_new_name_is_copied_and_leaves_the_account_as_it_is() {
    let account = ("entra_object_id", OTHER_OBJECT_ID);
    let patch = UserPatch {
        display_name: Patch::Set("Ada".parse().unwrap()),
        ..UserPatch::default()
    };
    let fake = changed(&[account], &patch).await;
    assert!(!writes(
        &fake,
        &keys::account_entry(&tenant(), &user("ada"))
    ));
    // They have no address, so there is nothing to list by one.
    assert!(!writes(&fake, &keys::email_entry(&tenant(), &user("ada"))));
    let key = keys::user(&tenant(), &user("ada"));
    let write = fake.writes().remove(1);
    let profile = write.iter().find(|action| action.key == key).unwrap();
    assert!(profile.update().contains("names_pending"));
}

#[tokio::test]
async fn a_new_name_is_listed_by_the_address_too() {
    let email = ("email", "ada@acme.example");
    let patch = UserPatch {
        display_name: Patch::Set("Ada".parse().unwrap()),
        ..UserPatch::default()
    };
    let fake = changed(&[email], &patch).await;
    assert!(writes(&fake, &keys::email_entry(&tenant(), &user("ada"))));
}
