//! The folder of the tools.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Names a folder for the tools other than `.tools/`, such as one shared by several checkouts.
const FOLDER: &str = "MUSTER_TOOLS";

/// Locks this folder while the file is held: tests that need the same tool run in parallel.
pub(crate) fn alone(folder: &Path) -> Result<File> {
    let path = folder.with_added_extension("lock");
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = File::create(path)?;
    file.lock()?;
    Ok(file)
}

/// The folder of the tools.
pub(crate) fn folder_of_all(root: &Path) -> PathBuf {
    let chosen = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty());
    chosen.map_or_else(|| root.join(".tools"), PathBuf::from)
}
