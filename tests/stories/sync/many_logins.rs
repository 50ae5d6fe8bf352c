//! Many concurrent logins, and interrupted logins.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde_json::Value;
use support::{at_once, statuses};

use super::setup::{ORGANIZATIONS, Setup, event, map};

/// The logged outcomes, counted. None failed, except for time limits on a slow machine.
fn outcomes(setup: &Setup) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in setup.lines.take() {
        let error = line["error"].as_str().unwrap_or("was up");
        assert!(error.ends_with("was up"), "{line}");
        if line["message"] == "login sync" {
            let outcome = line["outcome"].as_str().unwrap().to_owned();
            *counted.entry(outcome).or_default() += 1;
        }
    }
    counted
}

async fn all_sign_in(setup: &Arc<Setup>, users: Vec<String>) {
    let logins = users.into_iter().map(|user| {
        let setup = Arc::clone(setup);
        async move { setup.sign_in(event(&user)).await }
    });
    at_once(logins).await;
}

/// Concurrent logins out of a thousand: each uses some connections, and a process has a limit of
/// about a thousand files.
const AT_ONCE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_logins_into_one_organization() {
    let setup = Setup::patient(&[ORGANIZATIONS]).await;
    setup.graph.assign("g-all", "All");
    let users: Vec<_> = (0..1_000).map(|n| format!("user-{n:03}")).collect();
    for user in &users {
        setup.graph.join(user, "g-all");
    }
    let setup = Arc::new(setup);
    let logins = users.iter().map(|user| {
        let (setup, event) = (Arc::clone(&setup), event(user));
        async move { setup.sign_in(event).await }
    });
    stream::iter(logins)
        .for_each_concurrent(AT_ONCE, |login| login)
        .await;
    // All join with their first login, without failures.
    assert_eq!(outcomes(&setup), [("synced".to_owned(), 1_000)].into());
    let members = "/organizations/g-all/members?limit=100";
    let members = setup.world.tenant_admin().all(members).await;
    assert_eq!(members.len(), 1_000);
    let rows = setup.world.items().await;
    let teams = rows.iter().filter(|row| row["sk"] == "TEAM#g-all");
    assert_eq!(teams.count(), 1_000);
    assert_eq!(setup.all_organizations().await, map([("g-all", "All")]));
    setup.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_logs_in_ten_times_at_once() {
    let setup = Setup::open(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", "4500")]).await;
    for id in ["g-1", "g-2", "g-3"] {
        setup.graph.assign(id, id);
        setup.graph.join("ada", id);
    }
    let setup = Arc::new(setup);
    all_sign_in(&setup, vec!["ada".to_owned(); 10]).await;
    let counts = outcomes(&setup);
    assert!(
        !counts.contains_key("partial") && !counts.contains_key("failed"),
        "{counts:?}"
    );
    let joined = ["g-1", "g-2", "g-3"].map(|id| (id, "internal_user active entra"));
    assert_eq!(setup.organizations("ada").await, map(joined));
    assert_eq!(setup.teams("ada").await.len(), 3);

    // And leave again.
    setup.graph.leave("ada", "g-1");
    setup.pass_ten_minutes();
    all_sign_in(&setup, vec!["ada".to_owned(); 10]).await;
    let counts = outcomes(&setup);
    assert!(
        !counts.contains_key("partial") && !counts.contains_key("failed"),
        "{counts:?}"
    );
    assert_eq!(
        setup.organizations("ada").await,
        map(joined[1..].try_into().map(|it: [_; 2]| it).unwrap())
    );
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

/// While an admin of the organization removes ada by force, and the sync adds her again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_and_a_removal_by_force_leave_no_half_behind() {
    let setup = Setup::open(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", "4500")]).await;
    setup.graph.assign("g-1", "One");
    setup.graph.join("ada", "g-1");
    setup.expect("ada", "synced").await;
    let root = setup.world.tenant_admin();
    let path = "/organizations/g-1/members/ada?force=true";
    for _ in 0..10 {
        let (removed, ()) = tokio::join!(root.delete(path), setup.sign_in(event("ada")));
        assert_eq!(statuses(&[removed]), [(204, 1)].into());
    }
    setup.login("ada").await;
    let joined = map([("g-1", "internal_user active entra")]);
    assert_eq!(setup.organizations("ada").await, joined);
    assert_eq!(setup.teams("ada").await, map([("g-1", "active entra")]));
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}

/// Interrupted at every point, each login does a part, and manual values never change.
#[tokio::test]
async fn an_interrupted_login_is_completed_by_the_next() {
    let setup = Setup::open(&[ORGANIZATIONS]).await;
    let eve = setup.world.user("eve");
    let own = setup.world.organization(&eve, "Own").await;
    for n in 0..12 {
        let id = format!("g-{n:02}");
        setup.graph.assign(&id, &id);
        setup.graph.join("eve", &id);
    }
    let mut cut = 0;
    let mut done = vec![1];
    for budget in [
        "1", "10", "20", "30", "40", "50", "60", "80", "100", "150", "4500",
    ] {
        let setup = setup
            .redeployed(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", budget)])
            .await;
        let line = setup.login("eve").await;
        cut += usize::from(line["outcome"] == "timed-out");
        setup.check().await;
        let organizations = setup.organizations("eve").await;
        assert_eq!(organizations[&own], "owner active manual");
        assert!(
            organizations.len() >= *done.last().unwrap(),
            "all work is done"
        );
        done.push(organizations.len());
    }
    setup.settle("eve").await;
    assert_eq!(setup.organizations("eve").await.len(), 13, "{done:?}");
    assert_eq!(setup.teams("eve").await.len(), 12);
    assert!(cut > 0, "the time limit was never reached: {done:?}");
    let rows = setup.world.items().await;
    let of_eve = |row: &&serde_json::Map<String, Value>| row["pk"] == "TENANT#acme#USER#eve";
    // The user, their email address and account, and the memberships.
    assert_eq!(rows.iter().filter(of_eve).count(), 3 + 1 + 24);
}
