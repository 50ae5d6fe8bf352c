//! Code shared by the clients of both services.

use std::time::Duration;

use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use muster::aws;
use muster::config::SettingError;

/// Attempts of one call. Two, because the most frequent failure is a connection that was closed while the function was
/// frozen. Failures that last are retried by [`crate::batch`], which also sees those of single entries.
const ATTEMPTS: u32 = 2;
const FIRST_WAIT: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// The settings of a client. `endpoint` is the variable that overrides the endpoint of the region.
pub(crate) fn config(
    endpoint: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<SdkConfig, SettingError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let retries = RetryConfig::standard()
        .with_max_attempts(ATTEMPTS)
        .with_initial_backoff(FIRST_WAIT);
    let config = aws::sdk_config(endpoint, variable)?.into_builder();
    Ok(config
        .retry_config(retries)
        .timeout_config(timeouts)
        .build())
}

/// Reads a variable that must be set.
pub(crate) fn required(
    name: &'static str,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<String, SettingError> {
    variable(name)
        .filter(|value| !value.is_empty())
        .ok_or(SettingError {
            variable: name,
            problem: "must be set".to_owned(),
        })
}
