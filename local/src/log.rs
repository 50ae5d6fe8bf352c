//! One line on stderr for people who watch. Never a token, a body, a query or a path as it was
//! called: a path can carry somebody's email address.

use std::fmt;
use std::io::{Write as _, stderr};

/// Says something, or nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Log {
    on: bool,
}

impl From<bool> for Log {
    fn from(on: bool) -> Self {
        Self { on }
    }
}

impl Log {
    /// One line. A terminal that is gone is no reason to stop.
    pub(crate) fn line(self, text: fmt::Arguments<'_>) {
        if self.on {
            let _ = writeln!(stderr(), "{text}");
        }
    }
}
