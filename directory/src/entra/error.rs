//! Errors between the function and the directory. No variant contains a token, a body, an email address or the
//! object id of a user, so that each can be logged with its whole chain.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::call::CallError;
use super::refusal::GraphRefusal;

/// The reason that the groups could not be read. A read that fails changes nothing.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The time was up. The next login finishes the sync.
    #[error("the time limit for reading the directory was exceeded")]
    OutOfTime,
    /// No token could be obtained.
    #[error("no application token")]
    Token(#[source] TokenError),
    /// The connection failed, or every attempt timed out.
    #[error("no response from Graph to the request for {question}")]
    NoAnswer {
        /// The request.
        question: Question,
        /// The failure of the connection.
        source: NoResponse,
    },
    /// 429, or 503, with a longer wait than the time allows.
    #[error("Graph throttled the request for {question}: {refusal}")]
    Throttled {
        /// The request.
        question: Question,
        /// The time that Graph asks to wait, if it sends one.
        retry_after: Option<Duration>,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// 5xx on every attempt.
    #[error("the request to Graph for {question} failed: {refusal}")]
    Failing {
        /// The request.
        question: Question,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// 403. An administrator must grant a permission.
    #[error(
        "Graph denied the request for {question}: {refusal}; grant the app registration the application \
         permission {} and give admin consent",
        question.permission()
    )]
    Forbidden {
        /// The request.
        question: Question,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// Accounts without `accountEnabled`, which Graph leaves out without the permission to read it.
    #[error("Graph does not say whether accounts are enabled")]
    Withheld,
    /// 401, also with a new token.
    #[error("Graph rejected the application token of the request for {question}: {refusal}")]
    TokenRefused {
        /// The request.
        question: Question,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// 404: the directory has no user with this object id.
    #[error("the directory has no user with the object id in the event: {refusal}")]
    UnknownUser {
        /// The error response.
        refusal: GraphRefusal,
    },
    /// 404: the directory has no such enterprise application.
    #[error(
        "the directory has no enterprise application with the object id of \
         MICROSOFT_SERVICE_PRINCIPAL_ID: {refusal}"
    )]
    UnknownServicePrincipal {
        /// The error response.
        refusal: GraphRefusal,
    },
    /// Any other status.
    #[error("Graph refused the request for {question}: {refusal}")]
    Refused {
        /// The request.
        question: Question,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// A 200 that does not match the documentation.
    #[error("the response of Graph to the request for {question} {problem}")]
    Nonsense {
        /// The request.
        question: Question,
        /// The problem with the response.
        problem: &'static str,
    },
    /// Two complete reads of one login that differ.
    #[error(
        "Graph returned different groups on the second read, before a membership or role is removed; \
         nothing was changed"
    )]
    Contradictory,
    /// No group is assigned to the application, which had some.
    #[error(
        "no group is assigned to the application any more; assign them again, or pause or delete the directory"
    )]
    Emptied,
    /// More data than the limits allow.
    #[error("the response of Graph to the request for {question} has {problem}")]
    TooMuch {
        /// The request.
        question: Question,
        /// The limit that was exceeded.
        problem: &'static str,
    },
}

/// The reason that there is no application token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The time was up.
    #[error("the time limit was exceeded")]
    OutOfTime,
    /// The connection failed, or every attempt timed out.
    #[error("no response from {authority}")]
    NoAnswer {
        /// The service that was called.
        authority: Authority,
        /// The failure of the connection.
        source: NoResponse,
    },
    /// The request was refused: a wrong or expired secret, no right to read it, or no federated credential.
    #[error("{authority} refused the request: {refusal}")]
    Refused {
        /// The service that was called.
        authority: Authority,
        /// The error response.
        refusal: GraphRefusal,
    },
    /// A 200 without the requested value.
    #[error("the response of {authority} lacks the requested value")]
    Nonsense {
        /// The service that was called.
        authority: Authority,
    },
}

/// Codes of a token endpoint that no longer knows the application in the Entra tenant: it was removed there, or consent
/// was withdrawn. <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
const APPLICATION_IS_GONE: [&str; 2] = ["AADSTS700016", "AADSTS7000229"];

impl ReadError {
    /// Returns why an administrator has to grant access again; `None` if another attempt may succeed.
    pub fn lost_access(&self) -> Option<String> {
        match self {
            Self::Forbidden { question, refusal } if question.is_of_accounts() => Some(
                without_accounts(&format!("Graph refuses {question} ({refusal})")),
            ),
            Self::Withheld => Some(without_accounts(&self.to_string())),
            Self::Forbidden { question, refusal } => Some(format!(
                "Graph refuses {question} ({refusal}). Grant the application permission {} again, with admin consent, then set the status to active.",
                question.permission()
            )),
            Self::Token(TokenError::Refused {
                authority: Authority::Entra,
                refusal,
            }) if refusal.code().is_some_and(|code| {
                code.split(' ').any(|it| APPLICATION_IS_GONE.contains(&it))
            }) =>
            {
                Some(format!(
                    "Entra no longer knows the application in this tenant ({refusal}). Give admin consent again, then set the status to active."
                ))
            }
            _ => None,
        }
    }

    /// Returns whether it is not about one user: no other user of the directory can be followed either.
    pub(crate) fn is_of_all_users(&self) -> bool {
        matches!(self, Self::Emptied) || self.lost_access().is_some()
    }

    /// Returns whether accounts may not be read, and groups may be.
    pub(crate) const fn is_of_accounts(&self) -> bool {
        match self {
            Self::Forbidden { question, .. } => question.is_of_accounts(),
            Self::Withheld => true,
            _ => false,
        }
    }
}

/// Returns what an administrator can do when accounts may no longer be read.
fn without_accounts(problem: &str) -> String {
    format!(
        "{problem}. Grant the application permission {} again, with admin consent, then set the status to active. Set it to active without the permission if accounts are no longer to be followed.",
        Question::Accounts.permission()
    )
}

/// The kinds of requests to Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The groups assigned to the enterprise application.
    AssignedGroups,
    /// The app roles of the enterprise application.
    AppRoles,
    /// The groups of one user.
    UserGroups,
    /// The changes in groups.
    GroupChanges,
    /// Which accounts were enabled, disabled or deleted.
    AccountChanges,
    /// Whether accounts are there and enabled.
    Accounts,
}

impl Question {
    /// Returns whether it asks for accounts, and not for groups.
    const fn is_of_accounts(self) -> bool {
        matches!(self, Self::AccountChanges | Self::Accounts)
    }

    /// Returns the least privileged application permission that Graph requires for the request.
    pub const fn permission(self) -> &'static str {
        match self {
            Self::AssignedGroups | Self::AppRoles => "Application.Read.All",
            Self::UserGroups | Self::GroupChanges => "GroupMember.Read.All",
            Self::AccountChanges | Self::Accounts => "User.Read.All",
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AssignedGroups => "the assigned groups",
            Self::AppRoles => "the app roles",
            Self::UserGroups => "the user's groups",
            Self::GroupChanges => "the changes of groups",
            Self::AccountChanges => "the changes of accounts",
            Self::Accounts => "the accounts",
        })
    }
}

/// The services that are called to get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authority {
    /// AWS Secrets Manager, for the client secret.
    SecretsManager,
    /// AWS STS, for a web identity token.
    Sts,
    /// Entra, for the token.
    Entra,
}

impl fmt::Display for Authority {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SecretsManager => "AWS Secrets Manager",
            Self::Sts => "AWS STS",
            Self::Entra => "the token endpoint of Entra",
        })
    }
}

/// The reason that there was no response. Its URL is removed because it contains the user's object id.
#[derive(Debug, Error)]
pub enum NoResponse {
    /// Every attempt exceeded the timeout of one call.
    #[error("no response within {0:?}")]
    TooSlow(Duration),
    /// The server was not reached, or the connection broke.
    #[error("the connection failed")]
    Broken(#[source] reqwest::Error),
    /// The body is larger than [`MAX_BODY`](crate::MAX_BODY).
    #[error("the response is too large")]
    TooLarge,
}

impl ReadError {
    pub(super) fn from_call(error: CallError, question: Question) -> Self {
        match NoResponse::from_call(error) {
            None => Self::OutOfTime,
            Some(NoResponse::TooLarge) => Self::TooMuch {
                question,
                problem: "a page that is too large",
            },
            Some(source) => Self::NoAnswer { question, source },
        }
    }
}

impl From<TokenError> for ReadError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::OutOfTime => Self::OutOfTime,
            error => Self::Token(error),
        }
    }
}

impl TokenError {
    pub(super) fn from_call(error: CallError, authority: Authority) -> Self {
        match NoResponse::from_call(error) {
            None => Self::OutOfTime,
            Some(source) => Self::NoAnswer { authority, source },
        }
    }
}

impl NoResponse {
    /// Returns `None` if the deadline has passed.
    fn from_call(error: CallError) -> Option<Self> {
        match error {
            CallError::OutOfTime => None,
            CallError::TooSlow(limit) => Some(Self::TooSlow(limit)),
            CallError::NoAnswer(source) => Some(Self::Broken(source)),
            CallError::TooLarge => Some(Self::TooLarge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_permission_names_the_permission() {
        let refusal = GraphRefusal::new(403, Some("Authorization_RequestDenied".to_owned()), None);
        let question = Question::UserGroups;
        assert_eq!(
            ReadError::Forbidden { question, refusal }.to_string(),
            "Graph denied the request for the user's groups: status 403 Authorization_RequestDenied; \
             grant the app registration the application permission GroupMember.Read.All and give admin \
             consent"
        );
    }
}
