//! What goes wrong between the function and the directory. No variant holds a token, a body, an
//! email address or an object id of a user, so that each can be logged with its whole chain.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::call::CallError;

/// Longest piece of a foreign text that an error repeats, in bytes.
const MAX_CODE_LENGTH: usize = 80;

/// Why the groups could not be read. A read that fails changes nothing.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The time for it was up: the next login finishes it.
    #[error("the time for reading the directory was up")]
    OutOfTime,
    /// There is no token to ask with.
    #[error("no application token")]
    Token(#[source] TokenError),
    /// The connection was refused or cut off, or every answer took too long.
    #[error("Graph did not answer the question for {question}")]
    NoAnswer {
        /// What was asked.
        question: Question,
        /// What happened to the connection.
        source: NoResponse,
    },
    /// 429, or 503, with more to wait than there was time.
    #[error("Graph has too much to do to tell {question}: {refusal}")]
    Throttled {
        /// What was asked.
        question: Question,
        /// How long Graph wants to be left alone, when it says so.
        retry_after: Option<Duration>,
        /// What it said.
        refusal: Refusal,
    },
    /// 5xx, again and again.
    #[error("Graph failed to tell {question}: {refusal}")]
    Failing {
        /// What was asked.
        question: Question,
        /// What it said.
        refusal: Refusal,
    },
    /// 403. Someone must grant a permission.
    #[error(
        "Graph may not tell {question}: {refusal}; grant the app registration the application \
         permission {} and give admin consent",
        question.permission()
    )]
    Forbidden {
        /// What was asked.
        question: Question,
        /// What it said.
        refusal: Refusal,
    },
    /// 401, with a fresh token too.
    #[error("Graph does not take the application's token for {question}: {refusal}")]
    TokenRefused {
        /// What was asked.
        question: Question,
        /// What it said.
        refusal: Refusal,
    },
    /// 404: the directory has no user with this object id.
    #[error("the directory has no user with the object id that the event carries: {refusal}")]
    UnknownUser {
        /// What it said.
        refusal: Refusal,
    },
    /// 404: the directory has no such enterprise application.
    #[error(
        "the directory has no enterprise application with the object id of \
         MICROSOFT_SERVICE_PRINCIPAL_ID: {refusal}"
    )]
    UnknownServicePrincipal {
        /// What it said.
        refusal: Refusal,
    },
    /// Any other status.
    #[error("Graph did not tell {question}: {refusal}")]
    Refused {
        /// What was asked.
        question: Question,
        /// What it said.
        refusal: Refusal,
    },
    /// A 200 that is not what the documentation says.
    #[error("Graph's answer to the question for {question} {problem}")]
    Nonsense {
        /// What was asked.
        question: Question,
        /// What is wrong with the answer.
        problem: &'static str,
    },
    /// Two complete reads of one login that do not agree.
    #[error(
        "Graph gave different groups when it was asked again before a membership or role is taken \
         away; nothing was changed"
    )]
    Contradictory,
    /// More than we are ready to hold.
    #[error("Graph's answer to the question for {question} has {problem}")]
    TooMuch {
        /// What was asked.
        question: Question,
        /// What there is too much of.
        problem: &'static str,
    },
}

/// Why there is no application token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The time for it was up.
    #[error("the time was up")]
    OutOfTime,
    /// The connection was refused or cut off, or every answer took too long.
    #[error("{authority} did not answer")]
    NoAnswer {
        /// Who was asked.
        authority: Authority,
        /// What happened to the connection.
        source: NoResponse,
    },
    /// Asked and refused: a wrong or expired secret, no right to read it, no federated credential.
    #[error("{authority} refused: {refusal}")]
    Refused {
        /// Who was asked.
        authority: Authority,
        /// What it said.
        refusal: Refusal,
    },
    /// A 200 without what was asked for.
    #[error("{authority} gave an answer that has not what was asked for")]
    Nonsense {
        /// Who was asked.
        authority: Authority,
    },
}

/// What Graph is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The groups assigned to the enterprise application.
    AssignedGroups,
    /// The app roles of the enterprise application.
    AppRoles,
    /// The groups of one user.
    UserGroups,
}

impl Question {
    /// The least application permission that lets Graph answer.
    pub const fn permission(self) -> &'static str {
        match self {
            Self::AssignedGroups | Self::AppRoles => "Application.Read.All",
            Self::UserGroups => "GroupMember.Read.All",
        }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::AssignedGroups => "the assigned groups",
            Self::AppRoles => "the app roles",
            Self::UserGroups => "the user's groups",
        })
    }
}

/// Who is asked on the way to a token.
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

/// Why there was no answer at all. Its URL is taken out: the user's object id stands in it.
#[derive(Debug, Error)]
pub enum NoResponse {
    /// Every answer took longer than one call may.
    #[error("no answer within {0:?}")]
    TooSlow(Duration),
    /// Not reached, or cut off.
    #[error("the connection failed")]
    Broken(#[source] reqwest::Error),
    /// Larger than [`MAX_BODY`](crate::MAX_BODY).
    #[error("an answer too large to be one")]
    TooLarge,
}

/// What may be repeated of a refusal: its status, its code, and by which id its maker's support
/// finds it. Never its message, which can name people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: u16,
    code: Option<String>,
    request_id: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: u16, code: Option<String>, request_id: Option<String>) -> Self {
        Self {
            status,
            code: code.filter(|text| is_plain(text)),
            request_id: request_id.filter(|text| is_plain(text)),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Its code, like `Authorization_RequestDenied` or `invalid_client`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "status {}", self.status)?;
        if let Some(code) = &self.code {
            write!(formatter, " {code}")?;
        }
        if let Some(id) = &self.request_id {
            write!(formatter, ", request {id}")?;
        }
        Ok(())
    }
}

/// Codes and ids are words; what is not could be anything.
fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
    (1..=MAX_CODE_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
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
    /// `None`: the deadline.
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
    fn a_missing_permission_is_said_plainly() {
        let refusal = Refusal::new(403, Some("Authorization_RequestDenied".to_owned()), None);
        let question = Question::UserGroups;
        assert_eq!(
            ReadError::Forbidden { question, refusal }.to_string(),
            "Graph may not tell the user's groups: status 403 Authorization_RequestDenied; grant \
             the app registration the application permission GroupMember.Read.All and give admin \
             consent"
        );
    }

    #[test]
    fn what_is_no_plain_code_is_not_repeated() {
        let refusal = |code: &str| Refusal::new(400, Some(code.to_owned()), None).to_string();
        assert_eq!(
            refusal("Request_BadRequest"),
            "status 400 Request_BadRequest"
        );
        for odd in ["", "ada@example.com", "a\nb", &"x".repeat(81)] {
            assert_eq!(refusal(odd), "status 400");
        }
    }
}
