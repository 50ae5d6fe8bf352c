//! A user who cannot be erased after all.

use super::*;
use crate::store::fake::Fake;
use crate::store::samples::{profile_row, tenant, user};

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
