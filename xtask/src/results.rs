//! The results of long runs: generated files in `docs/results/`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The folder of the results, from the root of the repository.
const FOLDER: &str = "docs/results";

/// A file of results.
pub(crate) struct Results {
    /// Its name, without `.md`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// The command that writes it.
    pub(crate) command: &'static str,
    /// A link to the explanation.
    pub(crate) explained: &'static str,
}

impl Results {
    /// Its path in this root.
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        root.join(FOLDER).join(self.name).with_extension("md")
    }

    /// The results of the last run. Empty if there was none.
    pub(crate) fn read(&self, root: &Path) -> Result<String> {
        let path = self.path(root);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(String::new()),
            text => text.with_context(|| path.display().to_string()),
        }
    }

    pub(crate) fn write(&self, root: &Path, content: &str) -> Result<()> {
        let path = self.path(root);
        fs::write(&path, self.text(content)).with_context(|| path.display().to_string())
    }

    /// The whole file with this content.
    pub(crate) fn text(&self, content: &str) -> String {
        format!(
            "# {}: the last results\n\n<!-- Written by `{}`; do not edit. -->\n\nExplained in {}.\n\n{}\n",
            self.title,
            self.command,
            self.explained,
            content.trim_end()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fuzz, mutants, proofs};

    #[test]
    fn result_files_have_the_generated_form() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let others = [fuzz::RESULTS, mutants::RESULTS];
        for results in proofs::RESULTS.into_iter().chain(others) {
            let text = results.read(root).unwrap();
            let (_, content) = text
                .split_once(&format!("{}.\n\n", results.explained))
                .unwrap();
            assert_eq!(text, results.text(content), "{}", results.name);
        }
    }

    #[test]
    fn results_without_a_run_are_empty() {
        let never = Results {
            name: "never",
            ..fuzz::RESULTS
        };
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert_eq!(never.read(root).unwrap(), "");
    }
}
