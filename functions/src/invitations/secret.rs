//! The secret that makes the tokens of invitations.

use std::time::Duration;

use muster::config::{INVITATION_SECRET_ARN, SettingError};
use muster::domain::InvitationSecret;
use muster::http::{Code, Problem};
use muster_directory::StackSecret;
use tokio::time::Instant;

use crate::services::{ServiceRight, Services};
use crate::{App, Variables};

/// Time to read the secret.
const READ_TIME: Duration = Duration::from_secs(3);

/// The secret in Secrets Manager.
pub(crate) struct TokenSecret(StackSecret);

impl Services for TokenSecret {
    const RIGHTS: &'static [ServiceRight] = &[ServiceRight::InvitationSecret];

    fn read(app: &App, variables: Variables<'_>) -> Result<Self, SettingError> {
        let secret = StackSecret::of(INVITATION_SECRET_ARN, app.clock.clone(), variables)?;
        Ok(Self(secret))
    }
}

impl TokenSecret {
    /// Returns the secret. Reads it from Secrets Manager with the first use.
    pub(crate) async fn get(&self) -> Result<InvitationSecret, Problem> {
        let text = self.0.get(Instant::now() + READ_TIME).await;
        let text = text.map_err(|error| Problem {
        source: Some(error.into()),
        ..Problem::new(
            Code::Unavailable,
            "The secret of the tokens cannot be read. Nothing was changed. Retry after the number of seconds in Retry-After.",
        )
    })?;
        InvitationSecret::new(text).map_err(Problem::internal)
    }
}
