//! Generates all that follows from the declarations of the endpoints: `cargo xtask generate`.
//!
//! There are two stages. The first needs no build: it finds the endpoints in the sources, and
//! writes the modules, the registry and the binaries. The second runs
//! `functions/examples/declarations.rs`, and writes the blocks of the template, the `OpenAPI`
//! document, missing example events and the measured cost of each operation.

mod costs;
mod declarations;
mod event;
mod sources;
mod template;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// A generated file. Without content it must not exist.
struct Output {
    path: PathBuf,
    content: Option<String>,
}

/// Whether stale files are written or only reported.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    /// Fails if a file is stale.
    Check,
}

/// Runs both stages.
pub(crate) fn generate(root: &Path, mode: Mode) -> Result<()> {
    settle(root, mode, sources::outputs(root)?)?;
    let declared = declarations::read(root)?;
    let mut outputs = vec![
        template::output(root, &declared)?,
        Output {
            path: "docs/openapi.json".into(),
            content: Some(declared.openapi.clone()),
        },
    ];
    outputs.extend(event::outputs(root, &declared)?);
    outputs.extend(costs::outputs(root)?);
    settle(root, mode, outputs)
}

/// Writes the outputs that differ from the files, or fails because of them.
fn settle(root: &Path, mode: Mode, outputs: Vec<Output>) -> Result<()> {
    let stale: Vec<_> = outputs
        .into_iter()
        .filter(|output| fs::read_to_string(root.join(&output.path)).ok() != output.content)
        .collect();
    if mode == Mode::Check && !stale.is_empty() {
        let paths: Vec<_> = stale
            .iter()
            .map(|it| it.path.display().to_string())
            .collect();
        bail!("stale: {}. Run: cargo xtask generate", paths.join(", "));
    }
    for Output { path, content } in stale {
        let file = root.join(&path);
        match content {
            Some(content) => fs::write(&file, content),
            None => fs::remove_file(&file),
        }
        .with_context(|| file.display().to_string())?;
        eprintln!("generated {}", path.display());
    }
    Ok(())
}

/// Replaces the text between the lines `begin` and `end`.
fn with_block(text: &str, begin: &str, end: &str, content: &str) -> Result<String> {
    let missing = || format!("no line {begin:?} before a line {end:?}");
    let from = text.find(begin).with_context(missing)? + begin.len();
    let (before, rest) = text.split_at_checked(from).with_context(missing)?;
    let to = rest.find(end).with_context(missing)?;
    let after = rest.get(to..).with_context(missing)?;
    Ok(format!("{before}\n{content}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_replaced_between_its_lines() {
        let text = "a\n# begin\nold\n# end\nb\n";
        let new = with_block(text, "# begin", "# end", "new\n").unwrap();
        assert_eq!(new, "a\n# begin\nnew\n# end\nb\n");
        assert!(with_block(text, "# begins", "# end", "").is_err());
    }

    #[test]
    fn a_stale_file_fails_the_check_and_is_written_otherwise() {
        let root = tempfile::tempdir().unwrap();
        let output = |content: Option<&str>| Output {
            path: "file".into(),
            content: content.map(str::to_owned),
        };
        let file = root.path().join("file");
        assert!(settle(root.path(), Mode::Check, vec![output(Some("new"))]).is_err());
        assert!(!file.exists());
        settle(root.path(), Mode::Write, vec![output(Some("new"))]).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        settle(root.path(), Mode::Check, vec![output(Some("new"))]).unwrap();
        settle(root.path(), Mode::Write, vec![output(None)]).unwrap();
        assert!(!file.exists());
    }
}
