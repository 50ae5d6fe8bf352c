//! Properties of every parser for any input: the same functions for the fuzzer, for the replay of
//! its corpus, and for random inputs in the ordinary tests.
//!
//! They check more than panics. An accepted value stays the same when it is shown and parsed again,
//! fits its limits, and reaches nothing of another tenant.

// A violation ends the run.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![expect(clippy::missing_panics_doc, reason = "only tests use it")]

mod bodies;
mod claims;
mod cursor;
mod events;
mod function;
mod graph;
mod headers;
mod ids;
mod input;
mod scim;
mod settings;
mod texts;
mod triggers;

/// A property, with the name of its fuzz target and corpus.
pub struct Property {
    /// The name.
    pub name: &'static str,
    /// Panics if the property does not hold for these bytes.
    pub check: fn(&[u8]),
    /// Typical inputs, as seeds.
    pub seeds: &'static [&'static [u8]],
}

/// All properties.
pub const ALL: [Property; 12] = [
    bodies::PROPERTY,
    claims::PROPERTY,
    cursor::PROPERTY,
    events::PROPERTY,
    graph::PROPERTY,
    headers::PROPERTY,
    ids::PROPERTY,
    scim::FILTER,
    scim::PATCH,
    settings::PROPERTY,
    texts::PROPERTY,
    triggers::PROPERTY,
];

/// Checks the property of this name.
pub fn check(name: &str, data: &[u8]) {
    let property = ALL.iter().find(|property| property.name == name);
    (property.expect("a property of this name").check)(data);
}
