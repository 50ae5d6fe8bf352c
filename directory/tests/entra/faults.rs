//! Every way in which Graph fails, on the first page and on a later one. A read is all or nothing:
//! either the fault is overcome and everything is there, or there is an error and no reading.

use std::time::Duration;

use muster_directory::{MAX_BODY, MAX_PAGES, Question, ReadError};
use muster_local::entra::{Fault, GraphEndpoint, TOKEN_PREFIX};
use serde_json::json;
use tokio::time::Instant;

use super::graph::{
    APPLICATION, Graph, SECRET, USER, chain, cut_off, delay, error, error_with, group, held,
    no_response, on, read, read_within, response,
};

/// An endpoint and a page.
type FaultPlace = (GraphEndpoint, usize);

/// Both lists, first and second page.
const PLACES: [FaultPlace; 4] = [
    (GraphEndpoint::AssignedGroups, 1),
    (GraphEndpoint::AssignedGroups, 2),
    (GraphEndpoint::UserGroups, 1),
    (GraphEndpoint::UserGroups, 2),
];

fn question(endpoint: GraphEndpoint) -> Question {
    match endpoint {
        GraphEndpoint::UserGroups => Question::UserGroups,
        _ => Question::AssignedGroups,
    }
}

/// With this fault in one place, on these calls or all.
async fn graph_with((endpoint, page): FaultPlace, calls: &[u64], fault: &Fault) -> Graph {
    let fault = Fault {
        page: Some(page),
        calls: calls.to_vec(),
        ..on(endpoint, fault.clone())
    };
    Graph::with_faults(vec![fault]).await
}

/// The number of calls in that place.
fn attempts(graph: &Graph, (endpoint, page): FaultPlace) -> usize {
    let calls = graph.calls_of(endpoint);
    calls.iter().filter(|call| call.page == page).count()
}

/// The error of a read with that fault, which names no user and no secret, and the number of calls
/// in that place. The reader works again when the fault is gone.
async fn failed(place: FaultPlace, fault: Fault) -> (ReadError, usize) {
    let graph = graph_with(place, &[], &fault).await;
    let directory = graph.directory(&[]);
    let error = read(&directory).await.expect_err("is failed");
    let said = chain(&error);
    for private in [SECRET, TOKEN_PREFIX, USER, "ada@acme.example"] {
        assert!(!said.contains(private), "{said}");
    }
    let attempts = attempts(&graph, place);
    graph.change(|directory| directory.faults.clear());
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    (error, attempts)
}

/// A fault of one call is overcome by a second call.
async fn overcome(fault: Fault) {
    for place in PLACES {
        let graph = graph_with(place, &[1], &fault).await;
        let reading = read(&graph.directory(&[])).await.unwrap();
        assert_eq!(held(&reading), ["g1", "g3"], "{fault:?} at {place:?}");
        assert_eq!(reading.counts().assigned, 3);
        assert_eq!(attempts(&graph, place), 2, "{fault:?} at {place:?}");
    }
}

fn retry_after(status: u16, value: &str) -> Fault {
    error_with(status, "retry-after", value)
}

#[tokio::test]
async fn a_fault_that_passes_is_overcome() {
    for fault in [
        retry_after(429, "0"),
        retry_after(429, "Fri, 20 Nov 2026 10:00:00 GMT"),
        retry_after(503, "Fri, 20 Nov 2026 09:00:00 GMT"),
        error(503, "serviceNotAvailable"),
        error(500, "InternalServerError"),
        error(504, "gatewayTimeout"),
        cut_off(),
    ] {
        overcome(fault).await;
    }
}

#[tokio::test]
async fn retry_after_is_waited_for_when_it_fits() {
    let place = (GraphEndpoint::UserGroups, 2);
    for value in ["1", "Fri, 20 Nov 2026 10:00:01 GMT"] {
        let graph = graph_with(place, &[1], &retry_after(429, value)).await;
        let start = Instant::now();
        read(&graph.directory(&[])).await.unwrap();
        assert!(start.elapsed() >= Duration::from_secs(1));
    }
}

#[tokio::test]
async fn retry_after_that_does_not_fit_is_not_waited_for() {
    for place in PLACES {
        for (status, value, seconds) in [
            (429, "10", Some(10)),
            (503, "18446744073709551615", Some(u64::MAX)),
            (429, "Fri, 20 Nov 2026 10:01:00 GMT", Some(60)),
            (429, "soon", None),
        ] {
            let (error, attempts) = failed(place, retry_after(status, value)).await;
            let ReadError::Throttled {
                question: about,
                retry_after,
                refusal,
            } = error
            else {
                panic!("{error:?}");
            };
            assert_eq!(about, question(place.0));
            assert_eq!(retry_after, seconds.map(Duration::from_secs));
            assert_eq!(
                (refusal.status(), refusal.code()),
                (status, Some("Some_Code"))
            );
            assert_eq!(attempts, if seconds.is_some() { 1 } else { 3 });
        }
    }
}

#[tokio::test]
async fn a_fault_that_stays_fails_the_read_after_a_few_attempts() {
    for place in PLACES {
        let (error, attempts) = failed(place, error(500, "InternalServerError")).await;
        assert!(matches!(error, ReadError::Failing { .. }), "{error:?}");
        assert_eq!(attempts, 3);
        let (error, attempts) = failed(place, cut_off()).await;
        assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
        assert_eq!(attempts, 3);
    }
}

#[tokio::test]
async fn silence_ends_with_the_time_for_the_read() {
    for place in PLACES {
        let graph = graph_with(place, &[], &no_response()).await;
        let start = Instant::now();
        let error = read_within(&graph.directory(&[]), Duration::from_millis(300)).await;
        assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
        assert!(start.elapsed() < Duration::from_millis(600));
    }
}

#[tokio::test]
async fn without_time_no_call_is_made() {
    let graph = Graph::start().await;
    let error = read_within(&graph.directory(&[]), Duration::ZERO).await;
    assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
    assert!(graph.calls().is_empty());
}

#[tokio::test]
async fn a_late_response_is_requested_again() {
    let place = (GraphEndpoint::UserGroups, 1);
    let late = delay(Duration::from_secs(1));
    let limit = Duration::from_millis(200);

    let graph = graph_with(place, &[1], &late).await;
    let directory = graph.directory(&[]).with_call_timeout(limit);
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);

    let graph = graph_with(place, &[], &late).await;
    let directory = graph.directory(&[]).with_call_timeout(limit);
    let error = read(&directory).await.unwrap_err();
    assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
    assert_eq!(attempts(&graph, place), 3);
}

#[tokio::test]
async fn a_token_that_graph_refuses_is_renewed_once() {
    let expired = error(401, "InvalidAuthenticationToken");
    for place in PLACES {
        let graph = graph_with(place, &[1], &expired).await;
        let reading = read(&graph.directory(&[])).await.unwrap();
        assert_eq!(held(&reading), ["g1", "g3"]);
        assert_eq!(graph.count(GraphEndpoint::Token), 2);

        let (error, attempts) = failed(place, expired.clone()).await;
        assert!(matches!(error, ReadError::TokenRefused { .. }), "{error:?}");
        assert_eq!(attempts, 2);
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for (endpoint, permission) in [
        (GraphEndpoint::AssignedGroups, "Application.Read.All"),
        (GraphEndpoint::UserGroups, "GroupMember.Read.All"),
    ] {
        for page in [1, 2] {
            let fault = error(403, "Authorization_RequestDenied");
            let (error, attempts) = failed((endpoint, page), fault).await;
            assert!(matches!(error, ReadError::Forbidden { .. }), "{error:?}");
            assert!(error.to_string().contains(permission), "{error}");
            assert!(error.to_string().contains("7c1f-request"), "{error}");
            assert_eq!(attempts, 1);
        }
    }
}

#[tokio::test]
async fn an_unknown_user_is_told_from_an_unknown_application() {
    for place in PLACES {
        let (error, _) = failed(place, error(404, "Request_ResourceNotFound")).await;
        match place.0 {
            GraphEndpoint::UserGroups => assert!(matches!(error, ReadError::UnknownUser { .. })),
            _ => assert!(matches!(error, ReadError::UnknownServicePrincipal { .. })),
        }
    }
}

#[tokio::test]
async fn other_errors_fail_the_read_and_redirects_are_ignored() {
    let elsewhere = Graph::start().await;
    let redirect = error_with(302, "location", elsewhere.url());
    for place in PLACES {
        for fault in [
            error(400, "Directory_ExpiredPageToken"),
            error(410, "Gone"),
            response(204, ""),
            redirect.clone(),
        ] {
            let (error, attempts) = failed(place, fault).await;
            assert!(matches!(error, ReadError::Refused { .. }), "{error:?}");
            assert_eq!(attempts, 1);
        }
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn what_is_not_the_expected_json_fails_the_read() {
    for place in PLACES {
        for fault in [
            response(200, ""),
            response(200, "<html>Sign in to the guest network</html>"),
            response(200, "{\"value\": ["),
            response(200, "null"),
            response(200, json!([])),
            response(200, json!({})),
            response(200, json!({"value": null})),
            response(200, json!({"value": "ada@acme.example"})),
            response(200, json!({"value": [null]})),
            response(200, json!({"value": [{}]})),
            response(200, json!({"value": [{"id": 5, "principalType": "Group"}]})),
            response(200, json!({"value": [], "@odata.nextLink": 5})),
            response(200, json!({"error": {"code": "x"}})),
        ] {
            let (error, attempts) = failed(place, fault.clone()).await;
            assert!(
                matches!(error, ReadError::Nonsense { question: about, .. } if about == question(place.0)),
                "{fault:?}: {error:?}"
            );
            assert_eq!(attempts, 1);
        }
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let elsewhere = Graph::start().await;
    let port = elsewhere.port();
    for place in PLACES {
        for link in [
            format!("{}/v1.0/users/x/memberOf", elsewhere.url()),
            format!("http://localhost:{port}/v1.0/users"),
            "https://graph.microsoft.com/v1.0/users".to_owned(),
            "/v1.0/users".to_owned(),
            "file:///etc/passwd".to_owned(),
            "nonsense".to_owned(),
            String::new(),
        ] {
            let page = json!({"value": [], "@odata.nextLink": link});
            let (error, _) = failed(place, response(200, page)).await;
            assert!(
                matches!(error, ReadError::Nonsense { .. }),
                "{link}: {error:?}"
            );
        }
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn a_link_with_a_password_is_not_followed() {
    let graph = Graph::start().await;
    let link = graph.url().replace("http://", "http://a:b@") + "/v1.0/users/x/memberOf";
    let page = json!({"value": [], "@odata.nextLink": link});
    let fault = on(GraphEndpoint::UserGroups, response(200, page));
    graph.change(|directory| directory.faults = vec![fault]);
    let error = read(&graph.directory(&[])).await.unwrap_err();
    assert!(matches!(error, ReadError::Nonsense { .. }), "{error:?}");
    assert_eq!(graph.count(GraphEndpoint::UserGroups), 1);
}

#[tokio::test]
async fn pages_that_link_to_each_other_fail_the_read() {
    for (endpoint, path) in [
        (
            GraphEndpoint::AssignedGroups,
            format!("servicePrincipals/{APPLICATION}/appRoleAssignedTo"),
        ),
        (
            GraphEndpoint::UserGroups,
            format!("users/{USER}/memberOf/microsoft.graph.group"),
        ),
    ] {
        let graph = Graph::start().await;
        let link = format!("{}/v1.0/{path}", graph.url());
        let page = json!({"value": [], "@odata.nextLink": link});
        graph.change(|directory| directory.faults = vec![on(endpoint, response(200, page))]);
        let error = read(&graph.directory(&[])).await.unwrap_err();
        assert!(matches!(error, ReadError::Nonsense { .. }), "{error:?}");
        assert_eq!(graph.count(endpoint), 2);
    }
}

#[tokio::test]
async fn a_list_with_too_many_pages_fails_the_read() {
    let graph = Graph::start().await;
    let groups = (0..=MAX_PAGES).map(|n| group(&format!("g-{n:05}"), true));
    graph.change(|directory| {
        directory.groups = groups.collect();
        directory.assignments.clear();
        directory.page_size = Some(1);
    });
    let time = Duration::from_mins(1);
    let directory = graph.directory(&[]).with_call_timeout(time);
    let error = read_within(&directory, time).await.unwrap_err();
    assert!(matches!(error, ReadError::TooMuch { .. }), "{error:?}");
    assert_eq!(graph.count(GraphEndpoint::UserGroups), MAX_PAGES);
}

#[tokio::test]
async fn an_answer_larger_than_memory_bears_is_left() {
    for place in PLACES {
        let (error, attempts) = failed(place, response(200, "x".repeat(MAX_BODY + 1))).await;
        assert!(matches!(error, ReadError::TooMuch { .. }), "{error:?}");
        assert_eq!(attempts, 1);
    }
}

#[tokio::test]
async fn no_server_at_all_fails_the_read() {
    let graph = Graph::start().await;
    // A port without a listener: it was bound and released.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/v1.0", listener.local_addr().unwrap());
    drop(listener);
    let directory = graph.directory(&[("MICROSOFT_GRAPH_ENDPOINT", &dead)]);
    let error = read(&directory).await.unwrap_err();
    assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
    assert!(!chain(&error).contains(USER));
}
