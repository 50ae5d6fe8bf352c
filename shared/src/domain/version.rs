/// In which versions a thing may be for a change to be made: what `If-Match` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ExpectedVersion {
    /// In any.
    #[default]
    Any,
    /// In any, but it must be there.
    Present,
    /// In one of these.
    OneOf(Vec<u64>),
}

impl ExpectedVersion {
    /// Whether this version will do.
    pub fn allows(&self, version: u64) -> bool {
        match self {
            Self::Any | Self::Present => true,
            Self::OneOf(versions) => versions.contains(&version),
        }
    }
}
