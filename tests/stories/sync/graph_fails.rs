//! Every failure of Graph, on every call and on later pages: nothing is created or removed, the
//! event is returned, the profile is written, and the login is in time.

use std::time::{Duration, Instant};

use serde_json::Value;
use support::graph::{GraphEndpoint, GraphFault};

use super::setup::{ORGANIZATIONS, Setup, event, map, no_secrets};

/// Well above the time limit of a sync, and well below that of a trigger.
const ON_TIME: Duration = Duration::from_secs(4);

/// With ada in two groups; there is something to create, to join and to leave, and both lists have
/// a second page.
async fn setup() -> Setup {
    let settings = [
        ORGANIZATIONS,
        ("SYNC_BUDGET_MS", "1500"),
        ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#),
    ];
    let setup = Setup::open(&settings).await;
    setup.graph.page_size(2);
    // A new token for every login, so that this can fail too.
    setup.graph.token_seconds(400);
    for (id, user) in [("g-1", "ada"), ("g-2", "ada"), ("g-3", "bob")] {
        setup.graph.assign(id, id);
        setup.graph.join(user, id);
    }
    setup.graph.assign_with("g-1", "lead");
    setup.expect("ada", "synced").await;
    setup.graph.leave("ada", "g-1");
    for id in ["g-3", "g-4", "g-5"] {
        setup.graph.assign(id, id);
        setup.graph.join("ada", id);
    }
    setup
}

/// Pages of both lists with fewer rows than their count, on the first page or a later one.
const CONTRADICTORY: [&str; 6] = [
    r#"{"@odata.count": 9, "value": [{"id": "g-2", "principalType": "Group", "principalId": "g-2"}]}"#,
    r#"{"@odata.count": 3, "value": []}"#,
    r#"{"@odata.count": 0, "value": [{"id": "g-2", "principalType": "Group", "principalId": "g-2"}]}"#,
    r#"{"@odata.count": "1", "value": [{"id": "g-2", "principalType": "Group", "principalId": "g-2"}]}"#,
    r#"{"@odata.count": null, "value": []}"#,
    r#"{"@odata.count": -1, "value": []}"#,
];

async fn last_login(setup: &Setup) -> Value {
    let ada = setup.world.user("ada").get("/users/me").await.expect(200);
    ada.body["last_login_at"].clone()
}

async fn changes_nothing(endpoint: GraphEndpoint, page: Option<usize>) {
    let setup = setup().await;
    let before = setup.contents().await;
    let mut faults = vec![
        GraphFault::Error(400, "Directory_ExpiredPageToken"),
        GraphFault::Error(401, "InvalidAuthenticationToken"),
        GraphFault::Error(403, "Authorization_RequestDenied"),
        GraphFault::Error(404, "Request_ResourceNotFound"),
        GraphFault::Error(500, "InternalServerError"),
        GraphFault::RetryAfter(429, "120"),
        GraphFault::RetryAfter(503, "Fri, 20 Nov 2099 10:00:00 GMT"),
        GraphFault::Text(""),
        GraphFault::Text("<html>Sign in to the guest network</html>"),
        GraphFault::Text(r#"{"value": null}"#),
        GraphFault::Text(r#"{"value": [{}]}"#),
        GraphFault::Link("https://graph.microsoft.com/v1.0/users"),
        GraphFault::NoResponse,
        GraphFault::Delay(Duration::from_secs(30)),
        GraphFault::CutOff,
    ];
    if matches!(
        endpoint,
        GraphEndpoint::AssignedGroups | GraphEndpoint::UserGroups
    ) {
        faults.push(GraphFault::Partial);
        faults.extend(CONTRADICTORY.map(GraphFault::Text));
    }
    for fault in faults {
        setup.graph.fail(endpoint, page, fault.clone());
        let seen = last_login(&setup).await;
        setup.pass_ten_minutes();
        setup.lines.take();
        let started = Instant::now();
        setup.sign_in(event("ada")).await;
        let context = format!("{fault:?} at {endpoint:?} {page:?}");
        assert!(started.elapsed() < ON_TIME, "{context}");
        let lines = setup.lines.take();
        let line = lines.last().unwrap();
        let outcome = line["outcome"].as_str().unwrap();
        assert!(
            ["failed", "timed-out"].contains(&outcome),
            "{context}: {line}"
        );
        assert!(
            lines.iter().any(|line| line["level"] == "ERROR"),
            "{context}: {lines:?}"
        );
        if matches!(fault, GraphFault::Error(403, _)) && endpoint != GraphEndpoint::Token {
            let error = lines[0]["error"].as_str().unwrap();
            assert!(
                error.contains("Read.All"),
                "the permission to grant: {error}"
            );
        }
        no_secrets(&lines);
        assert_eq!(setup.contents().await, before, "{context}");
        assert_ne!(last_login(&setup).await, seen, "{context}");
        setup.graph.heal();
    }
    // Nothing of it remains.
    setup.expect("ada", "synced").await;
    let groups = ["g-2", "g-3", "g-4", "g-5"];
    let all = groups.map(|id| (id, "internal_user active entra"));
    assert_eq!(setup.organizations("ada").await, map(all));
    setup.check().await;
}

#[tokio::test]
async fn a_missing_graph_token_changes_nothing() {
    changes_nothing(GraphEndpoint::Token, None).await;
}

#[tokio::test]
async fn no_assigned_groups_change_nothing() {
    changes_nothing(GraphEndpoint::AssignedGroups, Some(1)).await;
}

#[tokio::test]
async fn a_later_page_of_assigned_groups_missing_changes_nothing() {
    changes_nothing(GraphEndpoint::AssignedGroups, Some(2)).await;
}

#[tokio::test]
async fn no_app_roles_change_nothing() {
    changes_nothing(GraphEndpoint::AppRoles, None).await;
}

#[tokio::test]
async fn no_groups_of_the_user_change_nothing() {
    changes_nothing(GraphEndpoint::UserGroups, Some(1)).await;
}

#[tokio::test]
async fn a_later_page_of_the_users_groups_missing_changes_nothing() {
    changes_nothing(GraphEndpoint::UserGroups, Some(2)).await;
}

#[tokio::test]
async fn transient_graph_faults_are_retried() {
    let setup = setup().await;
    let places = [
        (GraphEndpoint::Token, None),
        (GraphEndpoint::AssignedGroups, Some(2)),
        (GraphEndpoint::AppRoles, None),
        (GraphEndpoint::UserGroups, Some(2)),
    ];
    for (endpoint, page) in places {
        for fault in [
            GraphFault::RetryAfter(429, "0"),
            GraphFault::Error(503, "serviceNotAvailable"),
            GraphFault::CutOff,
            GraphFault::Delay(Duration::from_millis(200)),
            GraphFault::Error(401, "InvalidAuthenticationToken"),
        ] {
            if endpoint == GraphEndpoint::Token && matches!(fault, GraphFault::Error(401, _)) {
                continue;
            }
            setup.graph.fail_times(1, endpoint, page, fault.clone());
            let line = setup.login("ada").await;
            let done = ["synced", "unchanged"].contains(&line["outcome"].as_str().unwrap());
            assert!(done, "{fault:?} at {endpoint:?}: {line}");
        }
    }
    assert_eq!(setup.organizations("ada").await.len(), 4);
}

/// A complete but wrong list: nothing is removed unless a second read confirms it.
#[tokio::test]
async fn an_unconfirmed_list_removes_nothing() {
    for setting in ["remove", "suspend"] {
        let settings = [
            ORGANIZATIONS,
            ("ENTRA_ON_LEAVE", setting),
            ("ENTRA_ROLE_MAP", r#"{"lead": "manager"}"#),
        ];
        let setup = Setup::open(&settings).await;
        setup.graph.assign_with("g-1", "lead");
        setup.graph.assign("g-1", "One");
        setup.graph.join("ada", "g-1");
        setup.expect("ada", "synced").await;
        let before = setup.contents().await;
        let default_access = r#"{"value": [{"principalType": "Group", "principalId": "g-1", "principalDisplayName": "One",
            "appRoleId": "00000000-0000-0000-0000-000000000000"}]}"#;
        for (endpoint, text) in [
            (GraphEndpoint::UserGroups, r#"{"value": []}"#),
            (GraphEndpoint::AssignedGroups, r#"{"value": []}"#),
            (
                GraphEndpoint::AssignedGroups,
                r#"{"@odata.count": 0, "value": []}"#,
            ),
            // A role that would be lowered.
            (GraphEndpoint::AssignedGroups, default_access),
            (GraphEndpoint::AppRoles, r#"{"appRoles": []}"#),
        ] {
            setup
                .graph
                .fail_times(1, endpoint, None, GraphFault::Text(text));
            setup.lines.take();
            setup.pass_ten_minutes();
            setup.sign_in(event("ada")).await;
            let lines = setup.lines.take();
            let context = format!("{endpoint:?} {text}: {lines:?}");
            assert_eq!(lines.last().unwrap()["outcome"], "failed", "{context}");
            assert!(
                lines[0]["error"]
                    .as_str()
                    .unwrap()
                    .contains("on the second read"),
                "{context}"
            );
            assert_eq!(setup.contents().await, before, "{context}");
            setup.graph.heal();
            setup.expect("ada", "unchanged").await;
        }
        // A failed second read removes nothing either.
        setup.graph.leave("ada", "g-1");
        let broken = GraphFault::Error(500, "generalException");
        for endpoint in [GraphEndpoint::UserGroups, GraphEndpoint::AssignedGroups] {
            // The first read succeeds; all others fail.
            setup.graph.fail_after(1, endpoint, broken.clone());
            let line = setup.login("ada").await;
            assert_eq!(line["outcome"], "failed", "{line}");
            assert_eq!(setup.contents().await, before, "{endpoint:?}");
            setup.graph.heal();
        }
        setup.expect("ada", "synced").await;
        assert_ne!(setup.contents().await, before);
        setup.check().await;
    }
}

#[tokio::test]
async fn assigned_groups_are_read_without_a_count() {
    let setup = setup().await;
    setup.graph.refuse_to_count();
    setup.expect("ada", "synced").await;
    setup.expect("ada", "unchanged").await;
    setup.check().await;
}
