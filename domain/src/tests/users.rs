//! Users: their names, and changes of their profiles.

use super::*;

fn user() -> User {
    let (tenant, id) = (TenantId::parse("t").unwrap(), UserId::parse("u").unwrap());
    User {
        email: Some("ada@acme.example".parse().unwrap()),
        email_verified: true,
        display_name: Some("Ada".parse().unwrap()),
        version: 3,
        ..User::new(tenant, id, at(0))
    }
}

#[test]
fn only_a_verified_address_counts_as_one() {
    let unverified = User {
        email_verified: false,
        ..user()
    };
    assert_eq!(user().verified_email(), user().email.as_ref());
    assert_eq!(unverified.verified_email(), None);
    let names = UserNames {
        display_name: user().display_name,
        email: user().email,
    };
    assert_eq!(user().names(), names);
}

#[test]
fn a_change_of_the_address_ends_its_verification() {
    let name = UserPatch {
        display_name: Patch::Set("Ada L.".parse().unwrap()),
        ..UserPatch::default()
    };
    let renamed = User {
        display_name: Some("Ada L.".parse().unwrap()),
        ..user()
    };
    assert_eq!(name.apply(&user()), renamed);
    let moved = UserPatch {
        email: Patch::Set("ada@other.example".parse().unwrap()),
        entra_object_id: Patch::Set(EntraObjectId::parse("o").unwrap()),
        ..UserPatch::default()
    };
    let expected = User {
        email: Some("ada@other.example".parse().unwrap()),
        email_verified: false,
        entra_object_id: Some(EntraObjectId::parse("o").unwrap()),
        ..user()
    };
    assert_eq!(moved.apply(&user()), expected);
    // An address that was not verified does not become so by being sent again.
    let same = UserPatch {
        email: Patch::Set("ada@acme.example".parse().unwrap()),
        ..UserPatch::default()
    };
    let unverified = User {
        email_verified: false,
        ..user()
    };
    assert_eq!(same.apply(&unverified), unverified);
    assert_eq!(same.apply(&user()), user());
}

#[test]
fn a_search_compares_folded_names_and_addresses() {
    let prefix: SearchPrefix = "  Ada  L".parse().unwrap();
    assert_eq!(prefix.of_name(), "ada l");
    assert_eq!(prefix.of_email(), "ada  l");
}

#[test]
fn an_id_in_the_table_is_checked_too() {
    let stored = |id: &str| serde_json::from_value::<UserId>(json!(id));
    assert!(stored("ada").is_ok());
    // A user of the first release.
    assert!(stored("me").is_ok());
    for bad in ["", "a\u{7}", "é"] {
        assert!(stored(bad).is_err(), "{bad:?}");
    }
}
