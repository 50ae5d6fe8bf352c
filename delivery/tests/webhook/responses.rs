//! Every way in which an endpoint answers, or does not.

use std::time::Duration;

use muster_delivery::webhook::{MAX_ANSWER, SendError, signatures};
use tokio::time::Instant;

use super::server::{Reply, Server, connections, message, secret, send, sender};

#[tokio::test]
async fn the_message_arrives_with_its_headers() {
    let server = Server::start(Reply::status(204)).await;
    let response = send(&sender(connections()), &server.url()).await.unwrap();
    assert_eq!(response.status, 204);
    let [request] = &server.requests()[..] else {
        panic!("one request")
    };
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    assert_eq!(body, message().body());
    let signature = signatures(&[secret()], "e1", 1_795_168_800, body);
    for line in [
        "content-type: application/json",
        "webhook-id: e1",
        "webhook-timestamp: 1795168800",
        &format!("webhook-signature: {signature}"),
        concat!("user-agent: muster-webhooks/", env!("CARGO_PKG_VERSION")),
    ] {
        assert!(head.lines().any(|it| it == line), "{line} in {head}");
    }
}

#[tokio::test]
async fn the_status_is_the_result() {
    for status in [200, 202, 400, 404, 410, 429, 500, 503] {
        let server = Server::start(Reply::status(status)).await;
        let response = send(&sender(connections()), &server.url()).await.unwrap();
        assert_eq!(response.status, status);
        assert_eq!(server.connections(), 1, "no retry of its own");
    }
}

#[tokio::test]
async fn retry_after_is_returned() {
    for (value, seconds) in [
        ("120", Some(120)),
        ("Fri, 20 Nov 2026 10:00:30 GMT", Some(30)),
        ("soon", None),
    ] {
        let reply = Reply::with_header(503, &format!("retry-after: {value}\r\n"));
        let server = Server::start(reply).await;
        let response = send(&sender(connections()), &server.url()).await.unwrap();
        let seconds = seconds.map(Duration::from_secs);
        assert_eq!(response.retry_after, seconds, "{value}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Server::start(Reply::status(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let header = format!("location: {}\r\n", inside.url());
        let server = Server::start(Reply::with_header(status, &header)).await;
        let response = send(&sender(connections()), &server.url()).await.unwrap();
        assert_eq!(response.status, status);
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_silent_endpoint_times_out() {
    let server = Server::start(Reply::Silence).await;
    let start = Instant::now();
    let error = send(&sender(connections()), &server.url()).await;
    assert_eq!(error, Err(SendError::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(600));
    assert!(start.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_slow_head_times_out() {
    let server = Server::start(Reply::Dripping("HTTP/1.1 200 OK\r\nx: y\r\n\r\n")).await;
    let error = send(&sender(connections()), &server.url()).await;
    assert_eq!(error, Err(SendError::Timeout));
}

#[tokio::test]
async fn a_closed_connection_is_an_error() {
    for reply in [
        Reply::Close,
        Reply::Text(String::new()),
        Reply::Text("HTTP/1.1 200".to_owned()),
        Reply::Text("SSH-2.0-OpenSSH\r\n".to_owned()),
    ] {
        let server = Server::start(reply.clone()).await;
        let error = send(&sender(connections()), &server.url()).await;
        assert_eq!(error, Err(SendError::Closed), "{reply:?}");
    }
}

#[tokio::test]
async fn a_port_without_a_server_refuses() {
    let server = Server::start(Reply::status(200)).await;
    let mut url = server.url();
    // No server listens on port 1.
    url = url.replace(&server.address.port().to_string(), "1");
    let error = send(&sender(connections()), &url).await;
    assert_eq!(error, Err(SendError::Connect));
}

/// The network takes a few megabytes at most, which wait in the buffers of the system.
#[tokio::test]
async fn a_body_of_a_gigabyte_is_not_read() {
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
    ] {
        let server = Server::start(Reply::Endless(head)).await;
        let start = Instant::now();
        let response = send(&sender(connections()), &server.url()).await.unwrap();
        assert_eq!(response.status, 200);
        assert!(start.elapsed() < Duration::from_secs(2));
        let written = server.written();
        assert!(written < 128 * MAX_ANSWER, "{written}");
    }
}

#[tokio::test]
async fn headers_without_an_end_are_not_read() {
    let server = Server::start(Reply::Endless("HTTP/1.1 200 OK\r\nx: ")).await;
    let error = send(&sender(connections()), &server.url()).await;
    assert_eq!(error, Err(SendError::Closed));
    let written = server.written();
    assert!(written < 128 * MAX_ANSWER, "{written}");
}

#[tokio::test]
async fn the_status_counts_when_the_body_breaks_off() {
    for rest in [
        "content-length: 100\r\n\r\nabc",
        "transfer-encoding: chunked\r\n\r\nzz",
    ] {
        let text = format!("HTTP/1.1 200 OK\r\n{rest}");
        for reply in [Reply::Text(text.clone()), Reply::KeepOpen(text)] {
            let server = Server::start(reply).await;
            let start = Instant::now();
            let response = send(&sender(connections()), &server.url()).await.unwrap();
            assert_eq!(response.status, 200);
            assert!(start.elapsed() < Duration::from_secs(3));
        }
    }
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nyes";
    let server = Server::start(Reply::KeepOpen(ok.to_owned())).await;
    let sender = sender(connections());
    for _ in 0..3 {
        assert_eq!(send(&sender, &server.url()).await.unwrap().status, 200);
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(server.requests().len(), 3);
}
