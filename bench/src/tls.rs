//! The embedded DynamoDB behind TLS, with a certificate from a temporary authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The system's root certificates: Debian and derivatives, and Amazon Linux.
const OF_THE_SYSTEM: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// A server that terminates TLS and forwards the content.
pub(crate) struct Tls {
    /// `https://127.0.0.1:port`
    pub(crate) url: String,
    /// The roots of the system and of the temporary authority, for `SSL_CERT_FILE`.
    pub(crate) roots: PathBuf,
}

impl Tls {
    /// In front of this address, with its file of roots in that folder.
    pub(crate) async fn start(upstream: &str, folder: &Path) -> Result<Self> {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
        let server = server.signed_by(&key, &authority)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(
                vec![server.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?,
            )?;

        let system = OF_THE_SYSTEM
            .iter()
            .find_map(|file| std::fs::read_to_string(file).ok());
        let system = system.context("no root certificates of the system")?;
        let roots = folder.join("roots.pem");
        std::fs::write(&roots, system + &authority.pem())?;

        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://{}", listener.local_addr()?);
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let upstream = upstream.trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
                tokio::spawn(async move { pass(stream, acceptor, &upstream).await.ok() });
            }
        });
        Ok(Self { url, roots })
    }
}

async fn pass(stream: TcpStream, acceptor: TlsAcceptor, upstream: &str) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut inside = acceptor.accept(stream).await?;
    let mut outside = TcpStream::connect(upstream).await?;
    outside.set_nodelay(true)?;
    tokio::io::copy_bidirectional(&mut inside, &mut outside).await?;
    Ok(())
}
