//! Error responses of the directory: the parts that may be shown.

use std::fmt;

use super::call::ServiceResponse;

/// Maximum length of an external text that an error repeats, in bytes.
const MAX_CODE_LENGTH: usize = 80;

/// The parts of an error response that may be shown: its status, its code, and the id by which the service's support
/// finds it. Never its message, which can name people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphRefusal {
    status: u16,
    code: Option<String>,
    request_id: Option<String>,
}

impl GraphRefusal {
    pub(super) fn new(status: u16, code: Option<String>, request_id: Option<String>) -> Self {
        Self {
            status,
            code: code.filter(|text| is_plain(text)),
            request_id: request_id.filter(|text| is_plain(text)),
        }
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// Returns its code, like `Authorization_RequestDenied` or `invalid_client`.
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for GraphRefusal {
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

impl ServiceResponse {
    /// Returns the parts of an error response that may be shown.
    pub(super) fn refusal(&self, code: Option<String>) -> GraphRefusal {
        GraphRefusal::new(self.status.as_u16(), code, self.request_id.clone())
    }
}

/// Returns whether a text looks like a code or an id. Any other text could contain anything and is dropped.
fn is_plain(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte);
    (1..=MAX_CODE_LENGTH).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unusual_codes_are_not_repeated() {
        let refusal = |code: &str| GraphRefusal::new(400, Some(code.to_owned()), None).to_string();
        assert_eq!(
            refusal("Request_BadRequest"),
            "status 400 Request_BadRequest"
        );
        for odd in ["", "ada@example.com", "a\nb", &"x".repeat(81)] {
            assert_eq!(refusal(odd), "status 400");
        }
    }
}
