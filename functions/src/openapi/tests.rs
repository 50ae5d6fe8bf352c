use std::path::Path;
use std::{env, fs};

use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");

/// Set by `cargo xtask openapi`.
const REWRITE: &str = "MUSTER_REWRITE_OPENAPI";

#[test]
fn the_file_in_docs_is_the_document() {
    if env::var_os(REWRITE).is_some() {
        fs::write(FILE, text()).unwrap();
    }
    let file = fs::read_to_string(Path::new(FILE)).unwrap_or_default();
    assert!(
        file == text(),
        "docs/openapi.json is not what the code makes. Rewrite it: cargo xtask openapi"
    );
}
