//! The parts of documents that a tool writes: what stands between `<!-- name -->` and `<!-- /name -->`.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// What stands there.
pub(crate) fn read(document: &Path, name: &str) -> Result<String> {
    let text = fs::read_to_string(document).with_context(|| document.display().to_string())?;
    let (_, block, _) = split(&text, name).with_context(|| format!("no block {name}"))?;
    Ok(block.trim().to_owned())
}

/// Puts something else there.
pub(crate) fn write(document: &Path, name: &str, content: &str) -> Result<()> {
    let text = fs::read_to_string(document).with_context(|| document.display().to_string())?;
    let (before, _, after) = split(&text, name).with_context(|| format!("no block {name}"))?;
    let content = content.trim_end();
    fs::write(document, format!("{before}\n{content}\n{after}"))?;
    Ok(())
}

/// What stands before its content, its content, and what stands behind.
fn split<'a>(text: &'a str, name: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let (start, end) = (format!("<!-- {name} -->"), format!("<!-- /{name} -->"));
    let from = text.find(&start)? + start.len();
    let (before, rest) = text.split_at_checked(from)?;
    let (content, after) = rest.split_at_checked(rest.find(&end)?)?;
    Some((before, content, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_between_the_marks_is_replaced() {
        let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
        assert_eq!(
            split(text, "x"),
            Some(("a\n<!-- x -->", "\nold\n", "<!-- /x -->\nb\n"))
        );
        assert_eq!(split(text, "y"), None);
    }
}
