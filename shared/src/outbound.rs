//! Code shared by the HTTP clients for third-party servers.

use std::sync::Arc;
use std::time::Duration;

use jiff::fmt::rfc2822;
use lambda_http::http::HeaderMap;
use lambda_http::http::header::RETRY_AFTER;

use crate::domain::Timestamp;

/// Returns the TLS settings that verify servers against the roots of Mozilla. They are part of the program and are
/// not read at start.
pub fn roots_of_mozilla() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    with_roots(roots.collect())
}

/// Returns the TLS settings that verify servers against these roots.
pub fn with_roots(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    Ok(config.with_no_client_auth())
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). Any other value counts as absent.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait = date.as_millisecond().saturating_sub(now.as_millisecond());
    Some(Duration::from_millis(wait.try_into().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let now: Timestamp = "2026-11-20T10:00:00.000Z".parse().unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            ("Fri, 20 Nov 2026 10:00:30 GMT", Some(30)),
            ("Fri, 20 Nov 2026 09:00:00 GMT", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            let wait = retry_after(&headers, now);
            assert_eq!(wait, seconds.map(Duration::from_secs), "{text:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
