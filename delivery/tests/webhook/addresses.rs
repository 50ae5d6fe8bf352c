//! Connections are opened to accepted addresses only.

use std::net::IpAddr;

use muster::domain::WebhookTargets;
use muster_delivery::webhook::{Connections, Lookup, SendError};

use super::server::{Reply, Server, connections, send, sender};

/// Without loopback, with these addresses for each name.
fn resolving_to(addresses: &[&str]) -> Connections {
    let addresses: Vec<IpAddr> = addresses.iter().map(|it| it.parse().unwrap()).collect();
    Connections {
        targets: WebhookTargets::default(),
        lookup: Lookup::from_fn(move |_| addresses.clone()),
        ..connections()
    }
}

#[tokio::test]
async fn a_name_with_an_inside_address_is_refused() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["::1"],
        &["::ffff:127.0.0.1"],
        &["fd00:ec2::254"],
        // One of several is enough.
        &["1.1.1.1", "127.0.0.1"],
        &["2606:4700:4700::1111", "192.168.1.1"],
    ] {
        let error = send(&sender(resolving_to(addresses)), "https://hooks.example/").await;
        assert_eq!(error, Err(SendError::RefusedAddress), "{addresses:?}");
    }
}

#[tokio::test]
async fn a_name_without_an_address_is_a_dns_error() {
    let error = send(&sender(resolving_to(&[])), "https://hooks.example/").await;
    assert_eq!(error, Err(SendError::Dns));
}

#[tokio::test]
async fn an_inside_address_in_the_url_is_refused() {
    let server = Server::start(Reply::status(200)).await;
    let sender = sender(resolving_to(&["1.1.1.1"]));
    let port = server.address.port();
    for url in [
        server.url(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://2130706433:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        format!("https://localhost:{port}/"),
        "https://[::1]/".to_owned(),
    ] {
        assert_eq!(send(&sender, &url).await, Err(SendError::RefusedUrl));
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn with_loopback_a_name_may_be_of_this_machine() {
    let server = Server::start(Reply::status(200)).await;
    let url = format!("http://localhost:{}/", server.address.port());
    let response = send(&sender(connections()), &url).await.unwrap();
    assert_eq!(response.status, 200);
}
