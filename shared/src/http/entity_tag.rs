//! The versions that entity tags of preconditions name.

use crate::domain::VersionTags;

/// Returns the versions in a precondition: `*`, or versions. A tag of another kind names no version.
pub(super) fn named(tags: &str, version: impl Fn(&str) -> Option<u64>) -> VersionTags {
    if tags.trim() == "*" {
        return VersionTags::Every;
    }
    let versions = tags.split(',').filter_map(|tag| version(tag.trim()));
    VersionTags::These(versions.collect())
}

/// Returns the version in an entity tag: `"7.0a1b2c3d4e5f6071"`, or `"7"` as in the first release. Returns `None` for
/// a weak tag: `If-Match` compares strongly (RFC 9110, section 13.1.1).
pub(super) fn version(tag: &str) -> Option<u64> {
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    let (number, digest) = match tag.split_once('.') {
        Some((number, digest)) => (number, Some(digest)),
        None => (tag, None),
    };
    let is_digest = |text: &str| text.len() == 16 && text.bytes().all(|it| it.is_ascii_hexdigit());
    let version: u64 = number.parse().ok()?;
    (version.to_string() == number && digest.is_none_or(is_digest)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entity_tag_names_its_version() {
        for tag in ["\"7\"", "\"7.0a1b2c3d4e5f6071\""] {
            assert_eq!(version(tag), Some(7), "{tag}");
        }
        for other in [
            "7",
            "\"07\"",
            "\"+7\"",
            "\"\"",
            "\"7",
            "\" 7\"",
            "W/\"7\"",
            "\"7.\"",
            "\"7.x\"",
            "\"7.0a1b2c3d4e5f607\"",
            "\".0a1b2c3d4e5f6071\"",
            "\"7.0a1b2c3d4e5f607.\"",
        ] {
            assert_eq!(version(other), None, "{other}");
        }
    }
}
