//! The secret that makes the tokens of invitations.

use std::time::Duration;

use muster::config::INVITATION_SECRET_ARN;
use muster::domain::InvitationSecret;
use muster::http::{Code, Problem};
use muster_directory::StackSecret;
use tokio::time::Instant;

use crate::App;

/// Time to read the secret.
const READ_TIME: Duration = Duration::from_secs(3);

/// Returns the secret that makes the tokens. Reads it from Secrets Manager with the first use. A function that uses it
/// declares [`with_invitation_secret`](crate::endpoint::Endpoint::with_invitation_secret).
pub(crate) async fn invitation_secret(app: &App) -> Result<InvitationSecret, Problem> {
    let secret = app.part(|app, variable| {
        StackSecret::of(INVITATION_SECRET_ARN, app.clock.clone(), variable)
    })?;
    let text = secret.get(Instant::now() + READ_TIME).await;
    let text = text.map_err(|error| Problem {
        source: Some(error.into()),
        ..Problem::new(
            Code::Unavailable,
            "The secret of the tokens cannot be read. Nothing was changed. Retry after the number of seconds in Retry-After.",
        )
    })?;
    InvitationSecret::new(text).map_err(Problem::internal)
}
