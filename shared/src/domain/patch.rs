/// One member of a JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Patch<T> {
    /// Absent: stays as it is.
    #[default]
    Keep,
    /// `null`: is taken away.
    Clear,
    /// A value: takes the place of what was there.
    Set(T),
}

impl<T: Clone> Patch<T> {
    /// What stands there afterwards.
    pub fn apply(&self, before: &Option<T>) -> Option<T> {
        match self {
            Self::Keep => before.clone(),
            Self::Clear => None,
            Self::Set(value) => Some(value.clone()),
        }
    }

    /// Whether it leaves what is there.
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }
}
