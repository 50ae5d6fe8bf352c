//! Tests of the end of what a deleted directory user gave.

use uuid::Uuid;

use super::*;
use crate::domain::DirectoryId;
use crate::store::fake::Fake;
use crate::store::samples::{profile_row, request_of_admin, scim_scope, tenant, user};

fn id_of(number: u128) -> ScimUserId {
    Uuid::from_u128(number).into()
}

#[tokio::test]
async fn a_user_who_is_linked_again_keeps_what_the_other_one_gives() {
    let scope = scim_scope();
    let (ada, deleted) = (user("ada"), id_of(1));
    let profile = keys::user(&tenant(), &ada);
    for (directory, linked, successor) in [
        ("d", id_of(1), None),
        ("d", id_of(2), Some(id_of(2))),
        ("other", id_of(2), None),
    ] {
        let link = ScimLink {
            directory_id: DirectoryId::parse(directory).unwrap(),
            user: linked,
        };
        let row = profile_row("ada", &[(SCIM_USER, &link.to_string())]);
        let fake = Fake::with([row]);
        let (store, origin) = (fake.store(), request_of_admin().origin);
        let ended = store.end_given_by_scim_user(&scope, &deleted, &ada, &origin);
        assert_eq!(ended.await.unwrap(), successor);
        let writes = fake.writes();
        let writes = |key: &keys::Key| writes.iter().flatten().any(|action| action.key == *key);
        assert_eq!(writes(&profile), successor.is_none());
        let other = keys::scim_user(&scope, &id_of(2));
        assert_eq!(writes(&other), successor.is_some());
    }
}
