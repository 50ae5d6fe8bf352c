//! Log lines on stderr for developers. They never contain a token, a body, a query or a concrete
//! path, which can contain an email address.

use std::fmt;
use std::io::{Write as _, stderr};

/// Writes log lines, or nothing.
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
    /// Writes a line. Continues if the terminal is gone.
    pub(crate) fn line(self, text: fmt::Arguments<'_>) {
        if self.on {
            let _ = writeln!(stderr(), "{text}");
        }
    }
}
