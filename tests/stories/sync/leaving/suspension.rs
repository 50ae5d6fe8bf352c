//! Leaving a group suspends what it granted, with `ENTRA_ON_LEAVE` set to `suspend`.

use serde_json::json;

use super::{ACTIVE, two_groups};
use crate::sync::setup::map;

const SUSPENDED: &str = "internal_user suspended entra";

#[tokio::test]
async fn on_leave_suspend_suspends_until_the_group_comes_back() {
    let setup = two_groups(&[("ENTRA_ON_LEAVE", "suspend")]).await;
    setup.graph.leave("ada", "g-one");
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["MembershipsRemoved"], 2);
    let half = map([("g-one", SUSPENDED), ("g-two", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, half);
    let root = setup.world.tenant_admin();
    for members in ["/organizations/g-one/members", "/teams/g-one/members"] {
        let query = if members.starts_with("/teams") {
            ""
        } else {
            "?status=all"
        };
        let all = root.all(&format!("{members}{query}")).await;
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0]["version"], 2, "{all:?}");
        assert_ne!(all[0]["updated_at"], all[0]["created_at"], "{all:?}");
    }
    setup.expect("ada", "unchanged").await;
    setup.graph.join("ada", "g-one");
    let line = setup.expect("ada", "synced").await;
    assert_eq!(line["MembershipsMade"], 2);
    let both = map([("g-one", ACTIVE), ("g-two", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, both);
    let teams = map([("g-one", "active entra"), ("g-two", "active entra")]);
    assert_eq!(setup.teams("ada").await, teams);
    setup.expect("ada", "unchanged").await;
    let rows = setup.world.items().await;
    assert!(!rows.iter().any(|row| row.contains_key("suspended_by")));
    setup.check().await;
}

#[tokio::test]
async fn a_manual_suspension_is_not_lifted() {
    for by_hand_first in [true, false] {
        let setup = two_groups(&[("ENTRA_ON_LEAVE", "suspend")]).await;
        let root = setup.world.tenant_admin();
        let members = ["/organizations/g-one/members", "/teams/g-one/members"];
        let by_hand = async || {
            for members in members {
                let suspended = json!({"status": "suspended"});
                let ada = format!("{members}/ada");
                root.patch(&ada, suspended).await.expect(200);
            }
        };
        if by_hand_first {
            by_hand().await;
        }
        setup.graph.leave("ada", "g-one");
        setup.login("ada").await;
        // Confirmed manually, a suspension of the sync becomes a manual one.
        if !by_hand_first {
            by_hand().await;
        }
        setup.graph.join("ada", "g-one");
        setup.expect("ada", "unchanged").await;
        let half = map([("g-one", SUSPENDED), ("g-two", ACTIVE)]);
        assert_eq!(setup.organizations("ada").await, half);
        // So does one that was lifted and set again manually.
        for status in ["active", "suspended"] {
            let body = json!({"status": status});
            let ada = format!("{}/ada", members[0]);
            root.patch(&ada, body).await.expect(200);
        }
        setup.expect("ada", "unchanged").await;
        assert_eq!(setup.organizations("ada").await, half);
        setup.check().await;
    }
}

#[tokio::test]
async fn a_suspension_of_an_earlier_release_is_not_lifted() {
    let setup = two_groups(&[("ENTRA_ON_LEAVE", "suspend")]).await;
    setup.graph.leave("ada", "g-one");
    setup.expect("ada", "synced").await;
    setup.forget(&["suspended_by", "synced_role"]).await;
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "unchanged").await;
    let half = map([("g-one", SUSPENDED), ("g-two", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, half);
}

#[tokio::test]
async fn the_role_follows_when_a_suspension_is_lifted() {
    let settings = [
        ("ENTRA_ON_LEAVE", "suspend"),
        ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#),
    ];
    let setup = two_groups(&settings).await;
    setup.graph.leave("ada", "g-one");
    setup.expect("ada", "synced").await;
    setup.graph.assign_with("g-one", "lead");
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    let both = map([("g-one", "manager active entra"), ("g-two", ACTIVE)]);
    assert_eq!(setup.organizations("ada").await, both);
    setup.check().await;
}

/// A manual owner whom the sync suspended is counted again.
#[tokio::test]
async fn an_owner_whose_suspension_is_lifted_is_counted() {
    let setup = two_groups(&[("ENTRA_ON_LEAVE", "suspend")]).await;
    let root = setup.world.tenant_admin();
    let members = "/organizations/g-one/members";
    let owner = json!({"role": "owner"});
    root.patch(&format!("{members}/ada"), owner)
        .await
        .expect(200);
    setup.world.register(&["eve"]).await;
    let body = json!({"user_id": "eve", "role": "owner", "status": "active"});
    root.post(members, body).await.expect(201);
    setup.graph.leave("ada", "g-one");
    setup.expect("ada", "synced").await;
    setup.check().await;
    setup.graph.join("ada", "g-one");
    setup.expect("ada", "synced").await;
    let organizations = setup.organizations("ada").await;
    assert_eq!(organizations["g-one"], "owner active entra");
    setup.check().await;
}
