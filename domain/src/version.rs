use thiserror::Error;

/// The versions in which a resource may be changed, from `If-Match` and `If-None-Match`.
/// Allows every version by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedVersion {
    /// `If-Match`: the resource must exist in one of these versions.
    pub if_match: Option<VersionTags>,
    /// `If-None-Match`: the resource must not be in one of these versions.
    pub if_none_match: Option<VersionTags>,
}

/// The versions that a precondition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionTags {
    /// `*`: every version.
    Every,
    /// These versions.
    These(Vec<u64>),
}

/// The error that the preconditions do not allow the version of the resource.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the resource is in a version that the preconditions do not allow")]
pub struct VersionMismatch;

impl VersionTags {
    /// Returns whether this version is named.
    pub fn name(&self, version: u64) -> bool {
        match self {
            Self::Every => true,
            Self::These(versions) => versions.contains(&version),
        }
    }
}

impl ExpectedVersion {
    /// Allows every version.
    pub const ANY: Self = Self {
        if_match: None,
        if_none_match: None,
    };

    /// Returns whether a resource in this version may be changed.
    pub fn allows(&self, version: u64) -> bool {
        let names = |tags: &VersionTags| tags.name(version);
        self.if_match.as_ref().is_none_or(names) && !self.if_none_match.as_ref().is_some_and(names)
    }

    /// Fails if a resource in this version must not be changed.
    pub fn require(&self, version: u64) -> Result<(), VersionMismatch> {
        if self.allows(version) {
            Ok(())
        } else {
            Err(VersionMismatch)
        }
    }

    /// Returns whether a resource that does not exist may be created.
    pub fn allows_absence(&self) -> bool {
        self.if_match.is_none()
    }
}
