//! A secret that the stack generates in Secrets Manager for itself.

use std::fmt;

use secrecy::SecretString;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

use super::aws::AwsAccess;
use super::call::{Calls, http_client};
use super::error::TokenError;
use super::variables::Variables;
use muster::config::SettingError;
use muster::domain::{Clock, SecretArn};

/// A secret of the stack. It is read with its first use, and kept as long as the instance of the function.
pub struct StackSecret {
    arn: SecretArn,
    access: AwsAccess,
    calls: Calls,
    kept: OnceCell<SecretString>,
}

impl StackSecret {
    /// The secret whose ARN is in the variable `name`. `variable` looks up an environment variable. Makes no call.
    pub fn of(
        name: &'static str,
        clock: Clock,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, SettingError> {
        let variables = Variables::new(&variable);
        let arn = variables.read_as(name, str::parse::<SecretArn>)?;
        let arn = arn.ok_or_else(|| SettingError {
            variable: name,
            problem: "must be set".to_owned(),
        })?;
        let client = http_client(&variable).map_err(SettingError::no_client)?;
        Ok(Self {
            access: AwsAccess::to_secrets_manager(&variables, &arn)?,
            arn,
            calls: Calls::new(client, clock),
            kept: OnceCell::new(),
        })
    }

    /// Returns the text of the secret. After a failure, the next use reads it again.
    pub async fn get(&self, deadline: Instant) -> Result<&SecretString, TokenError> {
        let read = || self.access.secret(&self.arn, &self.calls, deadline);
        let kept = timeout_at(deadline, self.kept.get_or_try_init(read)).await;
        kept.map_err(|_| TokenError::OutOfTime)?
    }
}

impl fmt::Debug for StackSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StackSecret")
    }
}
