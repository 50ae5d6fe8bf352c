//! The SDK's client, made by hand from what Lambda gives in the environment: no look-up of region
//! or credentials over the network, and nothing linked that would do one.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};

use super::meter::Counting;
use crate::config::SettingError;

/// Attempts of one call that fails for a while, the first included.
const ATTEMPTS: u32 = 5;
/// Longest wait before the second attempt; it doubles with each, and is cut short at random. The
/// SDK's own second would be most of a request's time, and what is retried most often is a
/// connection that ended while the function was frozen.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);
/// All attempts of one call together: a request makes two or three, in a function's 10 s.
const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// Makes the client. `variable` looks up an environment variable: `AWS_REGION`,
/// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, and
/// `AWS_ENDPOINT_URL_DYNAMODB` for another endpoint than the region's.
pub fn client(variable: impl Fn(&str) -> Option<String>) -> Result<Client, SettingError> {
    let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
    let required = |name: &'static str| {
        variable(name).ok_or(SettingError {
            variable: name,
            problem: "must be set".to_owned(),
        })
    };
    let credentials = Credentials::new(
        required("AWS_ACCESS_KEY_ID")?,
        required("AWS_SECRET_ACCESS_KEY")?,
        variable("AWS_SESSION_TOKEN"),
        None,
        "environment",
    );
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_WAIT);
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(required("AWS_REGION")?))
        .credentials_provider(credentials)
        .retry_config(retries)
        .timeout_config(timeouts)
        .interceptor(Counting);
    if let Some(endpoint) = variable("AWS_ENDPOINT_URL_DYNAMODB") {
        config = config.endpoint_url(endpoint);
    }
    Ok(Client::from_conf(config.build()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let error = client(|name| (name != "AWS_REGION").then(|| "x".to_owned())).unwrap_err();
        assert_eq!(error.to_string(), "AWS_REGION: must be set");
    }
}
