//! Servers are verified, and the certificate is that of the name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use muster::domain::WebhookTargets;
use muster::outbound::{roots_of_mozilla, with_roots};
use muster_delivery::webhook::{Connections, Lookup, Response, SendError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::server::{Reply, Server, answer, connections, send, sender};

/// An HTTPS server with a certificate for `hooks.example`: its port, and the settings that trust it.
async fn https() -> (u16, ClientConfig) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["hooks.example".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let stream = acceptor.accept(stream).await.ok()?;
                answer(
                    stream,
                    &Reply::status(200),
                    &<_>::default(),
                    &<_>::default(),
                )
                .await
            });
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    (port, with_roots(roots).unwrap())
}

/// Every name is of this machine.
fn to(port: u16, tls: ClientConfig) -> Connections {
    Connections {
        targets: WebhookTargets::new([port]).with_loopback(),
        tls: Some(tls),
        lookup: Lookup::from_fn(|_| vec!["127.0.0.1".parse().unwrap()]),
        ..connections()
    }
}

async fn send_to(connections: Connections, url: &str) -> Result<Response, SendError> {
    send(&sender(connections), url).await
}

#[tokio::test]
async fn a_verified_server_gets_the_message() {
    let (port, trusting) = https().await;
    let url = format!("https://hooks.example:{port}/");
    let response = send_to(to(port, trusting), &url).await.unwrap();
    assert_eq!(response.status, 200);
}

#[tokio::test]
async fn an_unknown_authority_is_a_tls_error() {
    let (port, _) = https().await;
    let url = format!("https://hooks.example:{port}/");
    let error = send_to(to(port, roots_of_mozilla().unwrap()), &url).await;
    assert_eq!(error, Err(SendError::Tls));
}

#[tokio::test]
async fn a_certificate_of_another_name_is_a_tls_error() {
    let (port, trusting) = https().await;
    let url = format!("https://other.example:{port}/");
    assert_eq!(send_to(to(port, trusting), &url).await, Err(SendError::Tls));
}

#[tokio::test]
async fn a_server_without_tls_is_an_error() {
    let (_, trusting) = https().await;
    let server = Server::start(Reply::status(200)).await;
    let port = server.address.port();
    let url = format!("https://hooks.example:{port}/");
    let error = send_to(to(port, trusting), &url).await.unwrap_err();
    // The server waits for the end of a request that never comes.
    assert_eq!(error, SendError::Timeout);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn the_connect_timeout_covers_the_handshake() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (_, trusting) = https().await;
    let connections = Connections {
        call_timeout: Duration::from_mins(1),
        ..to(port, trusting)
    };
    let start = Instant::now();
    let url = format!("https://hooks.example:{port}/");
    assert_eq!(send_to(connections, &url).await, Err(SendError::Timeout));
    assert!(start.elapsed() < Duration::from_secs(5));
}

/// The name was accepted when the endpoint was created, and with the first message.
#[tokio::test]
async fn a_name_that_changes_to_an_inside_address_is_refused() {
    let (port, trusting) = https().await;
    let lookups = AtomicUsize::new(0);
    let lookup = move |_: &str| {
        let is_first = lookups.fetch_add(1, Ordering::SeqCst) == 0;
        vec![
            if is_first { "127.0.0.1" } else { "10.0.0.1" }
                .parse()
                .unwrap(),
        ]
    };
    let sender = sender(Connections {
        lookup: Lookup::from_fn(lookup),
        ..to(port, trusting)
    });
    let url = format!("https://hooks.example:{port}/");
    assert_eq!(send(&sender, &url).await.unwrap().status, 200);
    assert_eq!(send(&sender, &url).await, Err(SendError::RefusedAddress));
}
