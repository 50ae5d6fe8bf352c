//! Every way in which Graph fails, on the first page and on a later one. A read is all or nothing:
//! either the fault is overcome and everything is there, or there is an error and no reading.

use std::time::Duration;

use muster_directory::{Question, ReadError};
use serde_json::json;
use tokio::time::Instant;

use super::graph::{
    Asked, Call, Graph, Reply, SECRET, USER, World, chain, held, read, read_within,
};

/// Both lists, first and second page.
const PLACES: [(Asked, usize); 4] = [
    (Asked::Assigned, 0),
    (Asked::Assigned, 1),
    (Asked::UserGroups, 0),
    (Asked::UserGroups, 1),
];

fn question(asked: Asked) -> Question {
    match asked {
        Asked::UserGroups => Question::UserGroups,
        _ => Question::AssignedGroups,
    }
}

/// Answers so in one place, the first `times` times.
async fn graph_with(place: (Asked, usize), times: usize, reply: &Reply) -> Graph {
    let reply = reply.clone();
    let is_hit = move |call: &Call| (call.asked, call.page) == place && call.before < times;
    Graph::start(World::failing(move |call| {
        is_hit(call).then(|| reply.clone())
    }))
    .await
}

/// How often that place was asked.
fn attempts(graph: &Graph, (asked, page): (Asked, usize)) -> usize {
    let calls = graph.calls().into_iter();
    calls
        .filter(|call| (call.asked, call.page) == (asked, page))
        .count()
}

/// The error of a read with that fault, which names no user and no secret; a directory that it did
/// not spoil; and how often the place was asked.
async fn failed(place: (Asked, usize), reply: Reply) -> (ReadError, usize) {
    let graph = graph_with(place, usize::MAX, &reply).await;
    let directory = graph.directory(&[]);
    let error = read(&directory).await.expect_err("is failed");
    let said = chain(&error);
    for private in [SECRET, "t0ken", USER, "ada@acme.example"] {
        assert!(!said.contains(private), "{said}");
    }
    let attempts = attempts(&graph, place);
    graph.change(|world| *world = World::default());
    let reading = read(&directory).await.unwrap();
    assert_eq!(held(&reading), ["g1", "g3"]);
    (error, attempts)
}

/// A fault that is there once is overcome, by asking the same place twice.
async fn overcome(reply: Reply) {
    for place in PLACES {
        let graph = graph_with(place, 1, &reply).await;
        let reading = read(&graph.directory(&[])).await.unwrap();
        assert_eq!(held(&reading), ["g1", "g3"], "{reply:?} at {place:?}");
        assert_eq!(reading.counts().assigned, 3);
        assert_eq!(attempts(&graph, place), 2, "{reply:?} at {place:?}");
    }
}

fn retry_after(status: u16, value: &str) -> Reply {
    Reply::ErrorWith(status, ("retry-after", value.to_owned()))
}

#[tokio::test]
async fn a_fault_that_passes_is_overcome() {
    for reply in [
        retry_after(429, "0"),
        retry_after(429, "Fri, 20 Nov 2026 10:00:00 GMT"),
        retry_after(503, "Fri, 20 Nov 2026 09:00:00 GMT"),
        Reply::Error(503, "serviceNotAvailable"),
        Reply::Error(500, "InternalServerError"),
        Reply::Error(504, "gatewayTimeout"),
        Reply::CutOff,
    ] {
        overcome(reply).await;
    }
}

#[tokio::test]
async fn retry_after_is_waited_for_when_it_fits() {
    let place = (Asked::UserGroups, 1);
    for value in ["1", "Fri, 20 Nov 2026 10:00:01 GMT"] {
        let graph = graph_with(place, 1, &retry_after(429, value)).await;
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
        let (error, attempts) = failed(place, Reply::Error(500, "InternalServerError")).await;
        assert!(matches!(error, ReadError::Failing { .. }), "{error:?}");
        assert_eq!(attempts, 3);
        let (error, attempts) = failed(place, Reply::CutOff).await;
        assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
        assert_eq!(attempts, 3);
    }
}

#[tokio::test]
async fn silence_ends_with_the_time_for_the_read() {
    for place in PLACES {
        let graph = graph_with(place, usize::MAX, &Reply::Silence).await;
        let start = Instant::now();
        let error = read_within(&graph.directory(&[]), Duration::from_millis(300)).await;
        assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
        assert!(start.elapsed() < Duration::from_millis(600));
    }
}

#[tokio::test]
async fn no_time_at_all_asks_nothing() {
    let graph = Graph::start(World::default()).await;
    let error = read_within(&graph.directory(&[]), Duration::ZERO).await;
    assert!(matches!(error, Err(ReadError::OutOfTime)), "{error:?}");
    assert!(graph.calls().is_empty());
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_asked_for_anew() {
    let place = (Asked::UserGroups, 0);
    let late = Reply::Late(Duration::from_secs(1));
    let limit = Duration::from_millis(200);

    let graph = graph_with(place, 1, &late).await;
    let directory = graph.directory(&[]).with_call_timeout(limit);
    assert_eq!(held(&read(&directory).await.unwrap()), ["g1", "g3"]);

    let graph = graph_with(place, usize::MAX, &late).await;
    let directory = graph.directory(&[]).with_call_timeout(limit);
    let error = read(&directory).await.unwrap_err();
    assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
    assert_eq!(attempts(&graph, place), 3);
}

#[tokio::test]
async fn a_token_that_graph_refuses_is_renewed_once() {
    let expired = Reply::Error(401, "InvalidAuthenticationToken");
    for place in PLACES {
        let graph = graph_with(place, 1, &expired).await;
        let reading = read(&graph.directory(&[])).await.unwrap();
        assert_eq!(held(&reading), ["g1", "g3"]);
        assert_eq!(graph.count(Asked::Token), 2);

        let (error, attempts) = failed(place, expired.clone()).await;
        assert!(matches!(error, ReadError::TokenRefused { .. }), "{error:?}");
        assert_eq!(attempts, 2);
    }
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    for (asked, permission) in [
        (Asked::Assigned, "Application.Read.All"),
        (Asked::UserGroups, "GroupMember.Read.All"),
    ] {
        for page in [0, 1] {
            let reply = Reply::Error(403, "Authorization_RequestDenied");
            let (error, attempts) = failed((asked, page), reply).await;
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
        let (error, _) = failed(place, Reply::Error(404, "Request_ResourceNotFound")).await;
        match place.0 {
            Asked::UserGroups => assert!(matches!(error, ReadError::UnknownUser { .. })),
            _ => assert!(matches!(error, ReadError::UnknownServicePrincipal { .. })),
        }
    }
}

#[tokio::test]
async fn other_errors_fail_the_read_and_redirects_are_ignored() {
    let elsewhere = Graph::start(World::default()).await;
    let redirect = Reply::ErrorWith(302, ("location", elsewhere.root().to_owned()));
    for place in PLACES {
        for reply in [
            Reply::Error(400, "Directory_ExpiredPageToken"),
            Reply::Error(410, "Gone"),
            Reply::Text(204, ""),
            redirect.clone(),
        ] {
            let (error, attempts) = failed(place, reply).await;
            assert!(matches!(error, ReadError::Refused { .. }), "{error:?}");
            assert_eq!(attempts, 1);
        }
    }
    assert!(elsewhere.calls().is_empty());
}

#[tokio::test]
async fn what_is_not_the_expected_json_fails_the_read() {
    for place in PLACES {
        for reply in [
            Reply::Text(200, ""),
            Reply::Text(200, "<html>Sign in to the guest network</html>"),
            Reply::Text(200, "{\"value\": ["),
            Reply::Json(json!(null)),
            Reply::Json(json!([])),
            Reply::Json(json!({})),
            Reply::Json(json!({"value": null})),
            Reply::Json(json!({"value": "ada@acme.example"})),
            Reply::Json(json!({"value": [null]})),
            Reply::Json(json!({"value": [{}]})),
            Reply::Json(json!({"value": [{"id": 5, "principalType": "Group"}]})),
            Reply::Json(json!({"value": [], "@odata.nextLink": 5})),
            Reply::Json(json!({"error": {"code": "x"}})),
        ] {
            let (error, attempts) = failed(place, reply.clone()).await;
            assert!(
                matches!(error, ReadError::Nonsense { question: about, .. } if about == question(place.0)),
                "{reply:?}: {error:?}"
            );
            assert_eq!(attempts, 1);
        }
    }
}

#[tokio::test]
async fn a_link_to_another_host_is_not_followed() {
    let elsewhere = Graph::start(World::default()).await;
    let port = elsewhere.root().rsplit_once(':').unwrap().1;
    for place in PLACES {
        for link in [
            format!("{}/v1.0/users/x/memberOf", elsewhere.root()),
            format!("http://localhost:{port}/v1.0/users"),
            "https://graph.microsoft.com/v1.0/users".to_owned(),
            "/v1.0/users".to_owned(),
            "file:///etc/passwd".to_owned(),
            "nonsense".to_owned(),
            String::new(),
        ] {
            let page = json!({"value": [], "@odata.nextLink": link});
            let (error, _) = failed(place, Reply::Json(page)).await;
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
    let graph = Graph::start(World::default()).await;
    let link = graph.root().replace("http://", "http://a:b@") + "/v1.0/users/x/memberOf";
    graph.change(|world| {
        *world = World::failing(move |call| {
            let page = json!({"value": [], "@odata.nextLink": link});
            (call.asked == Asked::UserGroups).then_some(Reply::Json(page))
        });
    });
    let error = read(&graph.directory(&[])).await.unwrap_err();
    assert!(matches!(error, ReadError::Nonsense { .. }), "{error:?}");
    assert_eq!(graph.count(Asked::UserGroups), 1);
}

#[tokio::test]
async fn pages_that_go_round_in_circles_or_never_end_are_left() {
    for (asked, is_circle) in [
        (Asked::Assigned, true),
        (Asked::UserGroups, true),
        (Asked::UserGroups, false),
    ] {
        let graph = Graph::start(World::default()).await;
        let root = graph.root().to_owned();
        graph.change(|world| {
            *world = World::failing(move |call| {
                let next = if is_circle { 1 } else { call.page + 1 };
                let link = format!("{root}{}?$skiptoken={next}", call.path);
                let page = json!({"value": [], "@odata.nextLink": link});
                (call.asked == asked).then_some(Reply::Json(page))
            });
        });
        let error = read(&graph.directory(&[])).await.unwrap_err();
        if is_circle {
            assert!(matches!(error, ReadError::Nonsense { .. }), "{error:?}");
            assert_eq!(graph.count(asked), 2);
        } else {
            // As far as it gets in the time, and not further than the most.
            let is_left = matches!(error, ReadError::TooMuch { .. } | ReadError::OutOfTime);
            assert!(is_left, "{error:?}");
            assert!(graph.count(asked) <= muster_directory::MAX_PAGES);
        }
    }
}

#[tokio::test]
async fn an_answer_larger_than_memory_bears_is_left() {
    for place in PLACES {
        let (error, attempts) = failed(place, Reply::Huge(muster_directory::MAX_BODY + 1)).await;
        assert!(matches!(error, ReadError::TooMuch { .. }), "{error:?}");
        assert_eq!(attempts, 1);
    }
}

#[tokio::test]
async fn no_server_at_all_fails_the_read() {
    let graph = Graph::start(World::default()).await;
    // A port without a listener: it was bound and released.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = format!("http://{}/v1.0", listener.local_addr().unwrap());
    drop(listener);
    let directory = graph.directory(&[("MICROSOFT_GRAPH_ENDPOINT", &dead)]);
    let error = read(&directory).await.unwrap_err();
    assert!(matches!(error, ReadError::NoAnswer { .. }), "{error:?}");
    assert!(!chain(&error).contains(USER));
}
