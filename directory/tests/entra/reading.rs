//! What is read when nothing goes wrong, and by how many calls.

use std::time::Duration;

use futures::future::join_all;
use muster_directory::ASSIGNED_GROUPS_LIFE;
use serde_json::json;

use super::graph::{Asked, Graph, World, assigned, held, read, read_within};

#[tokio::test]
async fn the_users_assigned_groups_are_read_from_every_page() {
    let graph = Graph::start(World::default()).await;
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    let names: Vec<_> = reading.assigned().map(|(_, it)| it.name.as_str()).collect();
    assert_eq!(names, ["Group g1", "Group g2", "Group g3"]);
    assert_eq!(
        (graph.count(Asked::Assigned), graph.count(Asked::UserGroups)),
        (2, 2)
    );
    for call in graph.calls() {
        let header = |name: &str| call.headers.get(name).map(|it| it.to_str().unwrap());
        match call.asked {
            Asked::Token => assert_eq!(header("authorization"), None),
            _ => assert_eq!(header("authorization"), Some("Bearer t0ken-0")),
        }
        let eventual = (call.asked == Asked::UserGroups).then_some("eventual");
        assert_eq!(header("consistencylevel"), eventual);
    }
}

#[tokio::test]
async fn the_questions_are_those_that_need_the_least_permissions() {
    let graph = Graph::start(World::default()).await;
    read(&graph.directory(&[])).await.unwrap();
    let asked: Vec<String> = graph
        .calls()
        .into_iter()
        .filter(|call| call.page == 0 && call.asked != Asked::Token)
        .map(|call| format!("{} {}?{}", call.method, call.path, call.query))
        .collect();
    for question in [
        "GET /v1.0/servicePrincipals/8e881353-1735-45af-af21-ee1344582a4d/appRoleAssignedTo?$top=999&$count=true",
        "GET /v1.0/users/5f0a7c0e-0000-4000-8000-00000000beef/memberOf/microsoft.graph.group\
         ?$select=id&$top=999&$count=true",
    ] {
        assert!(asked.iter().any(|it| it == question), "{asked:#?}");
    }
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_warm_login_asks_graph_once() {
    let world = World {
        page_size: 999,
        ..World::default()
    };
    let graph = Graph::start(world).await;
    let directory = graph.directory(&[]);
    read(&directory).await.unwrap();
    assert_eq!(graph.calls().len(), 3);
    graph.forget_calls();
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    assert_eq!(graph.calls().len(), 1);
    assert_eq!(graph.count(Asked::UserGroups), 1);
}

#[tokio::test]
async fn the_assigned_groups_are_read_again_after_a_few_minutes() {
    let graph = Graph::start(World::default()).await;
    let directory = graph.directory(&[]);
    read(&directory).await.unwrap();
    graph.change(|world| world.assigned = vec![assigned("g3")]);
    let moment = Duration::from_millis(1);
    graph.pass(ASSIGNED_GROUPS_LIFE.saturating_sub(moment));
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);
    graph.pass(moment);
    assert_eq!(held(&read(&directory).await.unwrap()), ["g3"]);
}

#[tokio::test]
async fn many_logins_at_once_wait_for_one_token_and_one_list() {
    let world = World {
        page_size: 999,
        ..World::failing(|call| {
            let is_slow = matches!(call.asked, Asked::Token | Asked::Assigned);
            is_slow.then_some(super::graph::Reply::Late(Duration::from_millis(50)))
        })
    };
    let graph = Graph::start(world).await;
    let directory = graph.directory(&[]);
    let readings = join_all((0..20).map(|_| read(&directory))).await;
    assert!(readings.iter().all(Result::is_ok));
    assert_eq!(
        (graph.count(Asked::Token), graph.count(Asked::Assigned)),
        (1, 1)
    );
    assert_eq!(graph.count(Asked::UserGroups), 20);
}

#[tokio::test]
async fn app_roles_are_asked_for_when_the_role_map_names_one() {
    let mut row = assigned("g1");
    row["appRoleId"] = "role-1".into();
    let world = World {
        assigned: vec![assigned("g1"), row, assigned("g1")],
        app_roles: vec![
            json!({"id": "role-1", "value": "Lead", "isEnabled": true}),
            json!({"id": "role-2", "value": "Other", "isEnabled": true}),
        ],
        ..World::default()
    };
    let graph = Graph::start(world).await;
    let directory = graph.directory(&[("ENTRA_ROLE_MAP", r#"{"Lead": "admin"}"#)]);
    let reading = read(&directory).await.unwrap();
    let (_, group) = reading.assigned().next().unwrap();
    assert_eq!(Vec::from_iter(&group.app_roles), ["Lead"]);
    assert_eq!(reading.counts().assigned, 1);
    assert_eq!(graph.count(Asked::AppRoles), 1);
    read(&directory).await.unwrap();
    assert_eq!(graph.count(Asked::AppRoles), 1);

    read(&graph.directory(&[])).await.unwrap();
    assert_eq!(graph.count(Asked::AppRoles), 1);
}

#[tokio::test]
async fn nested_groups_count_when_they_are_told_to() {
    let graph = Graph::start(World::default()).await;
    let directory = graph.directory(&[("ENTRA_NESTED_GROUPS", "true")]);
    read(&directory).await.unwrap();
    let calls = graph.calls();
    let paths = calls
        .iter()
        .filter(|call| call.asked == Asked::UserGroups)
        .map(|call| call.path.rsplit('/').nth(1).unwrap());
    assert!(paths.clone().count() > 0);
    assert!(paths.into_iter().all(|way| way == "transitiveMemberOf"));
}

#[tokio::test]
async fn without_the_application_all_groups_of_the_user_count() {
    let graph = Graph::start(World::default()).await;
    let directory = graph.directory(&[("MICROSOFT_SERVICE_PRINCIPAL_ID", "")]);
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3", "g9"]);
    assert_eq!(reading.assigned().count(), 0);
    assert_eq!(graph.count(Asked::Assigned), 0);
}

#[tokio::test]
async fn an_empty_list_is_an_answer_and_lets_nobody_in() {
    let world = World {
        assigned: Vec::new(),
        ..World::default()
    };
    let graph = Graph::start(world).await;
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert!(held(&reading).is_empty());
    assert_eq!(reading.counts().of_user, 3);

    graph.change(|world| {
        *world = World {
            user_groups: Vec::new(),
            ..World::default()
        }
    });
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert!(held(&reading).is_empty());
    assert_eq!(reading.counts().assigned, 3);
}

#[tokio::test]
async fn what_is_no_group_or_twice_there_or_without_a_name_is_borne() {
    let nameless = json!({"principalType": "Group", "principalId": "g2", "appRoleId": null});
    let world = World {
        assigned: vec![
            assigned("g1"),
            json!({"principalType": "User", "principalId": "g3", "principalDisplayName": "Ada"}),
            assigned("g1"),
            json!({"principalType": "ServicePrincipal", "principalId": "s"}),
            nameless,
            json!({"principalType": "Group", "principalId": "no/id/of/ours"}),
        ],
        user_groups: vec![
            json!({"@odata.type": "#microsoft.graph.directoryRole", "id": "g1"}),
            // The application may not look into this group; the user is in it all the same.
            json!({"@odata.type": "#microsoft.graph.group", "id": "g2"}),
            json!({"@odata.type": "#microsoft.graph.administrativeUnit", "id": "g3", "displayName": null}),
            json!({"@odata.type": "#microsoft.graph.group", "id": "g2", "displayName": null}),
            json!({"id": "no/id/of/ours"}),
        ],
        ..World::default()
    };
    let graph = Graph::start(world).await;
    let reading = read(&graph.directory(&[])).await.unwrap();
    assert_eq!(held(&reading), ["g2"]);
    let names: Vec<_> = reading.assigned().map(|(_, it)| it.name.as_str()).collect();
    assert_eq!(names, ["Group g1", "g2"]);
    assert_eq!(reading.counts().unusable, 1);
}

#[tokio::test]
async fn reads_5000_assigned_groups_and_2000_groups_of_a_user() {
    let id = |n: usize| format!("group-{n:05}");
    let world = World {
        assigned: (0..5_000).map(|n| assigned(&id(n))).collect(),
        user_groups: (4_000..6_000).map(|n| json!({ "id": id(n) })).collect(),
        page_size: 999,
        ..World::default()
    };
    let graph = Graph::start(world).await;
    // More time than a login has: what is shown is that all of it is read, on a slow machine too.
    let patient = Duration::from_secs(30);
    let directory = graph.directory(&[]).with_call_timeout(patient);
    let counts = read_within(&directory, patient).await.unwrap().counts();
    assert_eq!(
        (counts.assigned, counts.of_user, counts.held),
        (5_000, 2_000, 1_000)
    );
    assert_eq!(graph.count(Asked::Assigned), 6);
    assert_eq!(graph.count(Asked::UserGroups), 3);
    // Graph's own pages, should it not heed the size that is asked for.
    graph.change(|world| world.page_size = 100);
    let directory = graph.directory(&[]).with_call_timeout(patient);
    let counts = read_within(&directory, patient).await.unwrap().counts();
    assert_eq!(counts.held, 1_000);
}
