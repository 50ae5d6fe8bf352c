//! The RSA key that signs tokens.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, anyhow};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::EncodingKey;

/// The key from the directory, created if missing. Without a directory, all stacks of a process
/// share one key: creating one takes longer than starting the rest, and `iss` distinguishes their
/// tokens.
pub(crate) fn signing_key(data: Option<&Path>) -> Result<EncodingKey> {
    static SHARED: OnceLock<EncodingKey> = OnceLock::new();
    match (data, SHARED.get()) {
        (Some(directory), _) => kept(&directory.join("issuer-key.pem")),
        (None, Some(key)) => Ok(key.clone()),
        (None, None) => {
            let key = EncodingKey::from_rsa_pem(generate()?.as_bytes())?;
            Ok(SHARED.get_or_init(|| key).clone())
        }
    }
}

fn kept(file: &Path) -> Result<EncodingKey> {
    let named = || format!("{}: the issuer's key", file.display());
    if !file.exists() {
        write_private(file, &generate()?).with_context(named)?;
    }
    let text = fs::read(file).with_context(named)?;
    EncodingKey::from_rsa_pem(&text).with_context(named)
}

/// A new RSA key as PKCS#8 in PEM.
fn generate() -> Result<String> {
    let failed = |_| anyhow!("no RSA key can be made");
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let text = STANDARD.encode(key.as_der().map_err(failed)?.as_ref());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at_checked(64).unwrap_or((rest, ""));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

/// Writes a file that only its owner can read.
fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(file)?.write_all(text.as_bytes())?;
    Ok(())
}
