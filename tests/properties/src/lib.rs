//! What must be true of every parser, whatever it is given: the same functions for the fuzzer, for the
//! replay of what it found, and for random inputs in the ordinary tests.
//!
//! None of them only looks for panics. What a parser takes comes back when it is shown and parsed
//! again, fits its limits, and reaches nothing of another tenant.

// What does not hold ends the run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(clippy::missing_panics_doc)]

mod bodies;
mod claims;
mod cursor;
mod events;
mod function;
mod graph;
mod headers;
mod ids;
mod input;
mod settings;
mod texts;
mod triggers;

/// A property, and the name of its fuzz target and corpus.
pub struct Property {
    /// The name.
    pub name: &'static str,
    /// Panics when the property does not hold for these bytes.
    pub check: fn(&[u8]),
    /// What the parser is made for, to begin with.
    pub seeds: &'static [&'static [u8]],
}

/// All of them.
pub const ALL: [Property; 10] = [
    bodies::PROPERTY,
    claims::PROPERTY,
    cursor::PROPERTY,
    events::PROPERTY,
    graph::PROPERTY,
    headers::PROPERTY,
    ids::PROPERTY,
    settings::PROPERTY,
    texts::PROPERTY,
    triggers::PROPERTY,
];

/// Checks the property of that name.
pub fn check(name: &str, data: &[u8]) {
    let property = ALL.iter().find(|property| property.name == name);
    (property.expect("a property of that name").check)(data);
}
