//! Builds the SDK's client for DynamoDB from Lambda's environment variables.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{Builder, SharedInterceptor};

use super::meter::Counting;
use crate::aws;
use crate::config::{DYNAMODB_ENDPOINT, SettingError};

/// Maximum number of attempts of one call, including the first.
const ATTEMPTS: u32 = 5;
/// Maximum wait before the second attempt. Doubles with each attempt, with jitter. The SDK's default of one
/// second would take most of a request's time, and the most frequent cause is a connection that was closed
/// while the function was frozen.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// Timeout of one call including retries. A request makes two or three calls within the function's 10 s.
pub(in crate::store) const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Builds the client. `variable` looks up an environment variable: `AWS_REGION`, `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL` to
/// override the endpoint of the region. Verifies the endpoint of the region with Amazon's root certificates.
/// Uses those of the system for an overridden endpoint, or if `SSL_CERT_FILE` is set.
pub fn client(variable: impl Fn(&str) -> Option<String>) -> Result<Client, SettingError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_WAIT);
    let config = aws::sdk_config(DYNAMODB_ENDPOINT, variable)?
        .into_builder()
        .retry_config(retries)
        .timeout_config(timeouts)
        .build();
    let mut config = Builder::from(&config);
    config.push_interceptor(SharedInterceptor::permanent(Counting));
    Ok(Client::from_conf(config.build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_variable_is_named() {
        let error = client(|name| (name != "AWS_REGION").then(|| "x".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "AWS_REGION: must be set");
        let error = client(|_| Some(String::new())).unwrap_err();
        assert_eq!(error.to_string(), "AWS_ACCESS_KEY_ID: must be set");
    }
}
