//! Changes of organizations and teams, whose names are reserved.

use super::WriteOutcome;
use super::table::Unmet;
use crate::domain::{FoldedName, Transition};

/// A change of an organization or a team, with the name that it has reserved.
#[derive(Debug)]
pub(super) struct NamedChange<'a, T> {
    /// As it was read.
    pub(super) before: &'a T,
    /// The reserved form of its name before.
    pub(super) reserved: &'a FoldedName,
    /// As it is written.
    pub(super) after: &'a T,
}

impl<T> Clone for NamedChange<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for NamedChange<'_, T> {}

impl<'a, T> NamedChange<'a, T> {
    /// Returns the change, for its event.
    pub(super) fn transition(self) -> Transition<'a, T> {
        Transition::Changed(self.before, self.after)
    }
}

/// Returns the result of renaming something on the condition that it is unchanged. `renamed` labels that condition.
pub(super) fn renamed<L: Copy + PartialEq>(
    committed: Result<(), Unmet<L>>,
    renamed: &L,
) -> WriteOutcome {
    match committed {
        Ok(()) => WriteOutcome::Done,
        // What is unchanged still holds the reservation of its old name, so only the new name can be taken.
        Err(unmet) if unmet.of(renamed).is_none() => WriteOutcome::NameTaken,
        Err(_) => WriteOutcome::Unchanged,
    }
}
