//! The steps of a change of members.

use crate::domain::ScimMember;

/// One member to add or to remove.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MemberStep {
    Add(ScimMember),
    Remove(ScimMember),
}

impl MemberStep {
    pub(super) fn member(&self) -> &ScimMember {
        match self {
            Self::Add(member) | Self::Remove(member) => member,
        }
    }
}
