//! The users and organizations of a history, by number.

/// Users by number, followed by the tenant admin.
pub const USERS: [&str; 4] = ["ada", "bob", "cyd", "root"];

/// Names by number.
pub const NAMES: [&str; 2] = ["Acme", "Globex"];
