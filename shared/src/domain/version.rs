use thiserror::Error;

/// The versions in which a resource may be changed: what `If-Match` and `If-None-Match` ask for.
/// The default allows every version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExpectedVersion {
    /// `If-Match`: the resource exists, in one of these versions.
    pub if_match: Option<VersionTags>,
    /// `If-None-Match`: the resource is in none of these versions.
    pub if_none_match: Option<VersionTags>,
}

/// What a precondition names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VersionTags {
    /// `*`: every version.
    Every,
    /// These versions.
    These(Vec<u64>),
}

/// The resource is in a version that the preconditions do not allow.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the resource is in a version that the preconditions do not allow")]
pub struct VersionMismatch;

impl VersionTags {
    /// Whether this version is named.
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

    /// Whether a resource in this version may be changed.
    pub fn allows(&self, version: u64) -> bool {
        let names = |tags: &VersionTags| tags.name(version);
        self.if_match.as_ref().is_none_or(names) && !self.if_none_match.as_ref().is_some_and(names)
    }

    /// Fails unless a resource in this version may be changed.
    pub fn require(&self, version: u64) -> Result<(), VersionMismatch> {
        if self.allows(version) {
            Ok(())
        } else {
            Err(VersionMismatch)
        }
    }

    /// Whether a resource that does not exist may be created.
    pub fn allows_absence(&self) -> bool {
        self.if_match.is_none()
    }
}
