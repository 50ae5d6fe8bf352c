//! Many concurrent logins, and interrupted logins.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use serde_json::Value;
use support::{at_once, statuses};

use super::office::{ORGANIZATIONS, Office, event, map};

/// The logged outcomes, counted. None failed, except for time limits on a slow machine.
fn outcomes(office: &Office) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for line in office.lines.take() {
        let error = line["error"].as_str().unwrap_or("was up");
        assert!(error.ends_with("was up"), "{line}");
        if line["message"] == "login sync" {
            let outcome = line["outcome"].as_str().unwrap().to_owned();
            *counted.entry(outcome).or_default() += 1;
        }
    }
    counted
}

async fn all_sign_in(office: &Arc<Office>, users: Vec<String>) {
    let logins = users.into_iter().map(|user| {
        let office = Arc::clone(office);
        async move { office.sign_in(event(&user)).await }
    });
    at_once(logins).await;
}

/// Concurrent logins out of a thousand: each uses some connections, and a process has a limit of
/// about a thousand files.
const AT_ONCE: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_logins_into_one_organization() {
    let office = Office::patient(&[ORGANIZATIONS]).await;
    office.graph.assign("g-all", "All");
    let users: Vec<_> = (0..1_000).map(|n| format!("user-{n:03}")).collect();
    for user in &users {
        office.graph.join(user, "g-all");
    }
    let office = Arc::new(office);
    let logins = users.iter().map(|user| {
        let (office, event) = (Arc::clone(&office), event(user));
        async move { office.sign_in(event).await }
    });
    stream::iter(logins)
        .for_each_concurrent(AT_ONCE, |login| login)
        .await;
    // All join with their first login, without failures.
    assert_eq!(outcomes(&office), [("synced".to_owned(), 1_000)].into());
    let members = "/organizations/g-all/members?limit=100";
    let members = office.world.tenant_admin().all(members).await;
    assert_eq!(members.len(), 1_000);
    let rows = office.world.items().await;
    let teams = rows.iter().filter(|row| row["sk"] == "TEAM#g-all");
    assert_eq!(teams.count(), 1_000);
    assert_eq!(office.all_organizations().await, map([("g-all", "All")]));
    office.check().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_user_logs_in_ten_times_at_once() {
    let office = Office::open(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", "4500")]).await;
    for id in ["g-1", "g-2", "g-3"] {
        office.graph.assign(id, id);
        office.graph.join("ada", id);
    }
    let office = Arc::new(office);
    all_sign_in(&office, vec!["ada".to_owned(); 10]).await;
    let told = outcomes(&office);
    assert!(
        !told.contains_key("partial") && !told.contains_key("failed"),
        "{told:?}"
    );
    let joined = ["g-1", "g-2", "g-3"].map(|id| (id, "internal_user active entra"));
    assert_eq!(office.organizations("ada").await, map(joined));
    assert_eq!(office.teams("ada").await.len(), 3);

    // And leave again.
    office.graph.leave("ada", "g-1");
    office.pass_ten_minutes();
    all_sign_in(&office, vec!["ada".to_owned(); 10]).await;
    let told = outcomes(&office);
    assert!(
        !told.contains_key("partial") && !told.contains_key("failed"),
        "{told:?}"
    );
    assert_eq!(
        office.organizations("ada").await,
        map(joined[1..].try_into().map(|it: [_; 2]| it).unwrap())
    );
    office.expect("ada", "unchanged").await;
    office.check().await;
}

/// While an admin of the organization removes ada by force, and the sync adds her again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_and_a_removal_by_force_leave_no_half_behind() {
    let office = Office::open(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", "4500")]).await;
    office.graph.assign("g-1", "One");
    office.graph.join("ada", "g-1");
    office.expect("ada", "synced").await;
    let root = office.world.tenant_admin();
    let path = "/organizations/g-1/members/ada?force=true";
    for _ in 0..10 {
        let (removed, ()) = tokio::join!(root.delete(path), office.sign_in(event("ada")));
        assert_eq!(statuses(&[removed]), [(204, 1)].into());
    }
    office.login("ada").await;
    let joined = map([("g-1", "internal_user active entra")]);
    assert_eq!(office.organizations("ada").await, joined);
    assert_eq!(office.teams("ada").await, map([("g-1", "active entra")]));
    office.expect("ada", "unchanged").await;
    office.check().await;
}

/// Interrupted at every point, each login does a part, and manual values never change.
#[tokio::test]
async fn a_login_that_dies_half_way_is_finished_by_the_next() {
    let office = Office::open(&[ORGANIZATIONS]).await;
    let eve = office.world.user("eve");
    let own = office.world.organization(&eve, "Own").await;
    for n in 0..12 {
        let id = format!("g-{n:02}");
        office.graph.assign(&id, &id);
        office.graph.join("eve", &id);
    }
    let mut cut = 0;
    let mut done = vec![1];
    for budget in [
        "1", "10", "20", "30", "40", "50", "60", "80", "100", "150", "4500",
    ] {
        let office = office
            .anew(&[ORGANIZATIONS, ("SYNC_BUDGET_MS", budget)])
            .await;
        let line = office.login("eve").await;
        cut += usize::from(line["outcome"] == "timed-out");
        office.check().await;
        let organizations = office.organizations("eve").await;
        assert_eq!(organizations[&own], "owner active manual");
        assert!(
            organizations.len() >= *done.last().unwrap(),
            "nothing is undone"
        );
        done.push(organizations.len());
    }
    office.settle("eve").await;
    assert_eq!(office.organizations("eve").await.len(), 13, "{done:?}");
    assert_eq!(office.teams("eve").await.len(), 12);
    assert!(cut > 0, "the time was never up: {done:?}");
    let rows = office.world.items().await;
    let of_eve = |row: &&serde_json::Map<String, Value>| row["pk"] == "TENANT#acme#USER#eve";
    assert_eq!(rows.iter().filter(of_eve).count(), 1 + 1 + 24);
}
