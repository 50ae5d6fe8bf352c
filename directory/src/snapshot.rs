//! What was read of the directory, all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::rules::SyncRules;
use muster::domain::{GroupId, Name};

/// The groups assigned to the enterprise application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assigned {
    groups: BTreeMap<GroupId, AssignedGroup>,
    unusable: usize,
}

/// A group assigned to the enterprise application.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignedGroup {
    /// What is made for it is called so: its display name, or its id when it has none.
    pub name: Name,
    /// The values of the app roles that it was assigned with; empty unless the role map names any.
    pub app_roles: BTreeSet<String>,
}

/// A complete read of the directory for one user. There is no incomplete one: a plan is made from a
/// `DirectorySnapshot`, and only a read without any error gives one.
#[derive(Clone, Debug)]
pub struct DirectorySnapshot {
    assigned: Option<Arc<Assigned>>,
    user_groups: BTreeSet<GroupId>,
    /// Whether the assigned groups were read for an earlier login and kept.
    is_kept: bool,
}

/// How much was read, for the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Groups assigned to the enterprise application.
    pub assigned: usize,
    /// Groups of the user.
    pub of_user: usize,
    /// Groups that give the user something.
    pub held: usize,
    /// Assigned groups left out because their id cannot be one of ours.
    pub unusable: usize,
}

impl Assigned {
    pub(super) fn new(groups: BTreeMap<GroupId, AssignedGroup>, unusable: usize) -> Self {
        Self { groups, unusable }
    }

    /// The groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &AssignedGroup)> {
        self.groups.iter()
    }

    fn of<'a>(groups: impl Iterator<Item = (&'a GroupId, &'a AssignedGroup)>) -> Arc<Self> {
        Arc::new(Self {
            groups: groups
                .map(|(id, group)| (id.clone(), group.clone()))
                .collect(),
            unusable: 0,
        })
    }

    /// How many were left out because their id cannot be one of ours.
    pub fn unusable(&self) -> usize {
        self.unusable
    }
}

impl DirectorySnapshot {
    pub(super) fn new(assigned: Option<Arc<Assigned>>, user_groups: BTreeSet<GroupId>) -> Self {
        Self {
            assigned,
            user_groups,
            is_kept: false,
        }
    }

    /// The same, marked as one whose assigned groups were kept from an earlier login, or not.
    pub(super) fn kept(self, is_kept: bool) -> Self {
        Self { is_kept, ..self }
    }

    /// Whether the assigned groups were read for an earlier login and kept.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Whether both give the user the same: the same groups of the user, and the same assigned groups
    /// with the same app roles. Names give nothing.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let gives = |reading: &Self| -> Option<Vec<(GroupId, BTreeSet<String>)>> {
            let groups = reading.assigned.as_ref()?.groups();
            Some(
                groups
                    .map(|(id, group)| (id.clone(), group.app_roles.clone()))
                    .collect(),
            )
        };
        self.user_groups == other.user_groups && gives(self) == gives(other)
    }

    /// Whether both have the same groups of the user.
    pub(super) fn has_groups_of(&self, other: &Self) -> bool {
        self.user_groups == other.user_groups
    }

    /// The groups assigned to the enterprise application; none when it is not known
    /// (`MICROSOFT_SERVICE_PRINCIPAL_ID` not set), so that nothing is made.
    pub fn assigned(&self) -> impl Iterator<Item = (&GroupId, &AssignedGroup)> {
        self.assigned.iter().flat_map(|assigned| assigned.groups())
    }

    /// The groups that give the user something: theirs that are assigned to the enterprise
    /// application; all of theirs when it is not known.
    pub fn held(&self) -> impl Iterator<Item = (&GroupId, Option<&AssignedGroup>)> {
        self.user_groups
            .iter()
            .filter_map(|id| match &self.assigned {
                None => Some((id, None)),
                Some(assigned) => assigned.groups.get(id).map(|group| (id, Some(group))),
            })
    }

    /// The same, of the groups alone that the user is in.
    #[must_use]
    pub fn own(&self) -> Self {
        let of_user = |all: &Arc<Assigned>| {
            let ids = self.user_groups.iter();
            Assigned::of(ids.filter_map(|id| all.groups.get_key_value(id)))
        };
        Self {
            assigned: self.assigned.as_ref().map(of_user),
            user_groups: self.user_groups.clone(),
            is_kept: self.is_kept,
        }
    }

    /// The assigned groups that the user is not in, so many at a time, as somebody in no group would
    /// read them.
    pub fn others(&self, at_a_time: usize) -> Vec<Self> {
        let others = self.assigned();
        let others: Vec<_> = others
            .filter(|(id, _)| !self.user_groups.contains(*id))
            .collect();
        let parts = others.chunks(at_a_time).map(|part| Self {
            assigned: Some(Assigned::of(part.iter().copied())),
            user_groups: BTreeSet::new(),
            is_kept: self.is_kept,
        });
        parts.collect()
    }

    /// Whether that group gives the user something.
    pub fn holds(&self, id: &GroupId) -> bool {
        self.user_groups.contains(id)
            && self
                .assigned
                .as_ref()
                .is_none_or(|assigned| assigned.groups.contains_key(id))
    }

    /// How much was read.
    pub fn counts(&self) -> ReadCounts {
        ReadCounts {
            assigned: self.assigned().count(),
            of_user: self.user_groups.len(),
            held: self.held().count(),
            unusable: self.assigned.as_ref().map_or(0, |all| all.unusable),
        }
    }

    /// 32 hexadecimal digits that change whenever there may be something to make or rename for the
    /// assigned groups, whoever the user is. Kept as the marker of what was made.
    pub fn fingerprint(&self, rules: &SyncRules) -> String {
        let mut hash = Sha256::new();
        hash.update([
            u8::from(self.assigned.is_some()),
            u8::from(rules.also_create_organizations),
            // 2: what an earlier release left with a suffix is looked at again.
            if rules.refresh_names { 2 } else { 0 },
        ]);
        for (id, group) in self.assigned() {
            // Neither an id nor a name has a control character, so nothing can imitate a line.
            hash.update(id.as_str());
            if rules.refresh_names {
                hash.update("\t");
                hash.update(group.name.as_str());
            }
            hash.update("\n");
        }
        let mut text = String::new();
        for byte in hash.finalize().iter().take(16) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
