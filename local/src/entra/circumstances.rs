//! The context of a response of Graph.

use super::links::Links;
use super::query::Query;

/// The context of a response besides the directory.
pub(super) struct Circumstances<'a> {
    /// `http://127.0.0.1:3000/_local/entra/v1.0`
    pub(super) root: &'a str,
    /// The path below it.
    pub(super) path: &'a str,
    pub(super) query: &'a Query,
    /// The header `ConsistencyLevel` is `eventual`.
    pub(super) eventual: bool,
    pub(super) generation: u64,
    /// The links of delta queries.
    pub(super) links: &'a Links,
}
