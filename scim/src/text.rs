//! Texts that are compared without regard to case.

/// A text as names are compared without regard to case: the form of index keys for `userName`,
/// `displayName` and addresses.
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}
