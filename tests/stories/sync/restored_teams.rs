//! Restoring deleted teams of groups.

use reqwest::Method;
use serde_json::json;

use super::manual_changes::sales;
use super::setup::{ORGANIZATIONS, Setup, map};

#[tokio::test]
async fn a_deleted_team_of_a_group_is_restored() {
    for settings in [&[ORGANIZATIONS][..], &[]] {
        let setup = Setup::open(settings).await;
        setup.graph.assign("g-sales", "Sales");
        setup.graph.join("ada", "g-sales");
        setup.expect("ada", "synced").await;
        let root = setup.world.tenant_admin();
        let restore = "/teams/g-sales/restore";
        // It exists: unchanged.
        let before = root.post_empty(restore).await.expect(200).body;
        assert_eq!(before["version"], 1);
        let limits = json!({"limits": {"tpm_limit": 9}, "metadata": {"a": 1}});
        root.patch("/teams/g-sales", limits).await.expect(200);
        root.delete("/teams/g-sales").await.expect(204);
        root.get("/teams/g-sales").await.problem(404, "not-found");

        let ada = setup.world.user("ada");
        let (status, code) = if settings.is_empty() {
            (404, "not-found")
        } else {
            (403, "forbidden")
        };
        ada.post_empty(restore).await.problem(status, code);
        setup
            .world
            .user("stranger")
            .post_empty(restore)
            .await
            .problem(404, "not-found");

        let once = async || {
            let request = root.request(Method::POST, restore);
            let request = request.header("idempotency-key", "restore-1");
            root.send(request).await.expect(200)
        };
        let first = once().await;
        assert_eq!(first.body["version"], 4);
        assert_eq!(first.body["limits"]["tpm_limit"], 9);
        assert_eq!(first.body["metadata"], json!({"a": 1}));
        assert_eq!(root.all("/teams/g-sales/members").await.len(), 0);
        let again = once().await;
        assert_eq!(again.body, first.body);
        let third = root.post_empty(restore).await.expect(200);
        assert_eq!(third.body, first.body);

        // Members of the group return with their next login.
        setup.expect("ada", "synced").await;
        assert_eq!(setup.teams("ada").await, map([("g-sales", "active entra")]));
        setup.expect("ada", "unchanged").await;
        setup.check().await;
    }
}

#[tokio::test]
async fn a_team_is_restored_only_where_it_can_be() {
    let (setup, root) = sales(&[]).await;
    root.post_empty("/teams/nothing/restore")
        .await
        .problem(404, "not-found");
    // Manual team: nothing is left of it.
    let made = root.post("/teams", json!({"name": "By hand"})).await;
    let path = made.expect(201).headers["location"].clone();
    root.delete(&path).await.expect(204);
    root.post_empty(&format!("{path}/restore"))
        .await
        .problem(404, "not-found");
    // Another team has its name.
    root.delete("/teams/g-sales").await.expect(204);
    let teams = "/organizations/g-sales/teams";
    let made = root.post(teams, json!({"name": "SALES"})).await;
    let other = made.expect(201).headers["location"].clone();
    let restore = "/teams/g-sales/restore";
    root.post_empty(restore).await.problem(409, "name-taken");
    root.delete(&other).await.expect(204);
    // Its organization is deleted.
    root.delete("/organizations/g-sales").await.expect(204);
    root.post_empty(restore).await.problem(404, "not-found");
    root.post_empty("/organizations/g-sales/restore")
        .await
        .expect(200);
    root.post_empty(restore).await.expect(200);
    setup.check().await;
}

#[tokio::test]
async fn members_left_by_a_deletion_do_not_return() {
    let (setup, faults) = Setup::with_faults(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-sales", "Sales");
    setup.graph.join("ada", "g-sales");
    setup.expect("ada", "synced").await;
    setup.graph.leave("ada", "g-sales");
    let root = setup.world.tenant_admin();
    faults.always("BatchWriteItem", support::Fault::Failure(500));
    root.delete("/teams/g-sales").await.expect(204);
    faults.stop();
    let left = |rows: Vec<serde_json::Map<String, serde_json::Value>>| {
        rows.iter().any(|row| row["sk"] == "TEAM#g-sales")
    };
    assert!(left(setup.world.items().await));
    root.post_empty("/teams/g-sales/restore").await.expect(200);
    assert!(!left(setup.world.items().await));
    setup.check().await;
}

#[tokio::test]
async fn a_team_restored_many_times_at_once_is_restored_once() {
    let (setup, root) = sales(&[]).await;
    root.delete("/teams/g-sales").await.expect(204);
    let all = (0..8).map(|_| root.post_empty("/teams/g-sales/restore"));
    for reply in futures::future::join_all(all).await {
        assert_eq!(reply.expect(200).body["version"], 3);
    }
    setup.check().await;
}
