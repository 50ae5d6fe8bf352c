//! Successful reads, and the number of their calls.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use muster_directory::ASSIGNED_GROUPS_LIFE;
use muster_local::entra::{Assignment, GraphEndpoint, TOKEN_PREFIX};
use serde_json::{Value, json};

use super::graph::{
    Graph, app_role, assigned, delay, group, held, on, read, read_within, response,
};

#[tokio::test]
async fn the_users_assigned_groups_are_read_from_every_page() {
    let graph = Graph::start().await;
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    let names: Vec<_> = reading.assigned().map(|(_, it)| it.name.as_str()).collect();
    assert_eq!(names, ["Group g1", "Group g2", "Group g3"]);
    assert_eq!(
        (
            graph.count(GraphEndpoint::AssignedGroups),
            graph.count(GraphEndpoint::UserGroups)
        ),
        (2, 2)
    );
    let mut authorizations = BTreeSet::new();
    for call in graph.calls() {
        let header = |name: &str| call.headers.get(name).map(|it| it.to_str().unwrap());
        let authorization = header("authorization").map(str::to_owned);
        if call.endpoint == Some(GraphEndpoint::Token) {
            assert_eq!(authorization, None);
        } else {
            authorizations.insert(authorization.unwrap());
        }
        let is_of_user = call.endpoint == Some(GraphEndpoint::UserGroups);
        let eventual = is_of_user.then_some("eventual");
        assert_eq!(header("consistencylevel"), eventual);
    }
    assert_eq!(authorizations.len(), 1, "one token for all calls");
    let authorization = authorizations.first().unwrap();
    assert!(authorization.starts_with(&format!("Bearer {TOKEN_PREFIX}")));
}

#[tokio::test]
async fn the_questions_are_those_that_need_the_least_permissions() {
    let graph = Graph::start().await;
    read(&graph.directory(&[])).await.unwrap();
    let first: Vec<String> = graph
        .calls()
        .into_iter()
        .filter(|call| call.page == 1 && call.endpoint != Some(GraphEndpoint::Token))
        .map(|call| format!("{} {}?{}", call.method, call.path, call.query))
        .collect();
    for question in [
        "GET /v1.0/servicePrincipals/8e881353-1735-45af-af21-ee1344582a4d/appRoleAssignedTo?$top=999&$count=true",
        "GET /v1.0/users/5f0a7c0e-0000-4000-8000-00000000beef/memberOf/microsoft.graph.group\
         ?$select=id&$top=999&$count=true",
    ] {
        assert!(first.iter().any(|it| it == question), "{first:#?}");
    }
    assert_eq!(first.len(), 2);
}

#[tokio::test]
async fn a_warm_login_asks_graph_once() {
    let graph = Graph::start().await;
    graph.change(|directory| directory.page_size = None);
    let directory = graph.directory(&[]);
    read(&directory).await.unwrap();
    assert_eq!(graph.calls().len(), 3);
    graph.forget_calls();
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    assert_eq!(graph.calls().len(), 1);
    assert_eq!(graph.count(GraphEndpoint::UserGroups), 1);
}

#[tokio::test]
async fn the_assigned_groups_are_read_again_after_a_few_minutes() {
    let graph = Graph::start().await;
    let directory = graph.directory(&[]);
    read(&directory).await.unwrap();
    graph.change(|directory| directory.assignments = vec![assigned("g3")]);
    let moment = Duration::from_millis(1);
    graph.pass(ASSIGNED_GROUPS_LIFE.saturating_sub(moment));
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);
    graph.pass(moment);
    assert_eq!(held(&read(&directory).await.unwrap()), ["g3"]);
}

#[tokio::test]
async fn many_logins_at_once_wait_for_one_token_and_one_list() {
    let graph = Graph::start().await;
    graph.change(|directory| {
        directory.page_size = None;
        let slow = || delay(Duration::from_millis(50));
        let endpoints = [GraphEndpoint::Token, GraphEndpoint::AssignedGroups];
        directory.faults = endpoints.map(|endpoint| on(endpoint, slow())).to_vec();
    });
    let directory = graph.directory(&[]);
    let readings = join_all((0..20).map(|_| read(&directory))).await;
    assert!(readings.iter().all(Result::is_ok));
    assert_eq!(
        (
            graph.count(GraphEndpoint::Token),
            graph.count(GraphEndpoint::AssignedGroups)
        ),
        (1, 1)
    );
    assert_eq!(graph.count(GraphEndpoint::UserGroups), 20);
}

#[tokio::test]
async fn app_roles_are_asked_for_when_the_role_map_names_one() {
    let graph = Graph::start().await;
    graph.change(|directory| {
        let lead = Assignment {
            app_role: Some("Lead".to_owned()),
            ..assigned("g1")
        };
        directory.application.app_roles = ["Lead", "Other"].map(app_role).to_vec();
        directory.assignments = vec![assigned("g1"), lead, assigned("g1")];
    });
    let directory = graph.directory(&[("ENTRA_ROLE_MAP", r#"{"Lead": "admin"}"#)]);
    let reading = read(&directory).await.unwrap();
    let (_, group) = reading.assigned().next().unwrap();
    assert_eq!(Vec::from_iter(&group.app_roles), ["Lead"]);
    assert_eq!(reading.counts().assigned, 1);
    assert_eq!(graph.count(GraphEndpoint::AppRoles), 1);
    read(&directory).await.unwrap();
    assert_eq!(graph.count(GraphEndpoint::AppRoles), 1);

    read(&graph.directory(&[])).await.unwrap();
    assert_eq!(graph.count(GraphEndpoint::AppRoles), 1);
}

#[tokio::test]
async fn nested_groups_count_if_enabled() {
    let graph = Graph::start().await;
    let directory = graph.directory(&[("ENTRA_NESTED_GROUPS", "true")]);
    read(&directory).await.unwrap();
    let calls = graph.calls_of(GraphEndpoint::UserGroups);
    let paths = calls
        .iter()
        .map(|call| call.path.rsplit('/').nth(1).unwrap());
    assert!(paths.clone().count() > 0);
    assert!(paths.into_iter().all(|way| way == "transitiveMemberOf"));
}

#[tokio::test]
async fn without_the_application_all_groups_of_the_user_count() {
    let graph = Graph::start().await;
    let directory = graph.directory(&[("MICROSOFT_SERVICE_PRINCIPAL_ID", "")]);
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3", "g9"]);
    assert_eq!(reading.assigned().count(), 0);
    assert_eq!(graph.count(GraphEndpoint::AssignedGroups), 0);
}

#[tokio::test]
async fn an_empty_list_grants_no_access() {
    let graph = Graph::start().await;
    let assignments = graph.change(|directory| std::mem::take(&mut directory.assignments));
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert!(held(&reading).is_empty());
    assert_eq!(reading.counts().of_user, 3);

    graph.change(|directory| {
        directory.assignments = assignments;
        directory
            .groups
            .iter_mut()
            .for_each(|it| it.members.clear());
    });
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert!(held(&reading).is_empty());
    assert_eq!(reading.counts().assigned, 3);
}

#[tokio::test]
async fn rows_without_a_group_or_a_name_are_accepted() {
    let assignment = |id: &str, kind: &str, name: Value| {
        json!({"principalType": kind, "principalId": id, "principalDisplayName": name,
               "appRoleId": null})
    };
    let assigned = json!({"value": [
        assignment("g1", "Group", "Group g1".into()),
        assignment("g3", "User", "Ada".into()),
        assignment("g1", "Group", "Group g1".into()),
        {"principalType": "ServicePrincipal", "principalId": "s"},
        {"principalType": "Group", "principalId": "g2", "appRoleId": null},
        assignment("no/valid/id", "Group", "Other".into()),
    ]});
    let of_user = json!({"value": [
        {"@odata.type": "#microsoft.graph.directoryRole", "id": "g1"},
        // Without permission to read this group, Graph returns its id only.
        {"@odata.type": "#microsoft.graph.group", "id": "g2"},
        {"@odata.type": "#microsoft.graph.administrativeUnit", "id": "g3", "displayName": null},
        {"@odata.type": "#microsoft.graph.group", "id": "g2", "displayName": null},
        {"id": "no/valid/id"},
    ]});
    let graph = Graph::with_faults(vec![
        on(GraphEndpoint::AssignedGroups, response(200, assigned)),
        on(GraphEndpoint::UserGroups, response(200, of_user)),
    ])
    .await;
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert_eq!(held(&reading), ["g2"]);
    let names: Vec<_> = reading.assigned().map(|(_, it)| it.name.as_str()).collect();
    assert_eq!(names, ["Group g1", "g2"]);
    assert_eq!(reading.counts().unusable, 1);
}

#[tokio::test]
async fn reads_5000_assigned_groups_and_2000_groups_of_a_user() {
    let graph = Graph::start().await;
    graph.change(|directory| {
        let ids: Vec<_> = (0..6_000).map(|n| format!("group-{n:05}")).collect();
        directory.page_size = None;
        directory.assignments = ids[..5_000].iter().map(|id| assigned(id)).collect();
        directory.groups = ids
            .iter()
            .enumerate()
            .map(|(n, id)| group(id, n >= 4_000))
            .collect();
    });
    // More time than a login has, so that a slow machine reads everything too.
    let patient = Duration::from_secs(30);
    let directory = graph.directory(&[]).with_call_timeout(patient);
    let counts = read_within(&directory, patient).await.unwrap().counts();
    assert_eq!(
        (counts.assigned, counts.of_user, counts.held),
        (5_000, 2_000, 1_000)
    );
    assert_eq!(graph.count(GraphEndpoint::AssignedGroups), 6);
    assert_eq!(graph.count(GraphEndpoint::UserGroups), 3);
    // Pages smaller than requested.
    graph.change(|directory| directory.page_size = Some(100));
    let directory = graph.directory(&[]).with_call_timeout(patient);
    let counts = read_within(&directory, patient).await.unwrap().counts();
    assert_eq!(counts.held, 1_000);
}
