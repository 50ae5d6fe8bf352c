//! A complete read of the directory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use muster::domain::{DirectorySettings, GroupId, Name, OrganizationId, Role, Source};

/// The groups assigned to the enterprise application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assigned {
    groups: BTreeMap<GroupId, AssignedGroup>,
    unusable: usize,
}

/// A group assigned to the enterprise application.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignedGroup {
    /// The name of what is created for it: its display name, or its id if it has none.
    pub name: Name,
    /// The values of the app roles that it was assigned with. Empty unless the role map names any.
    pub app_roles: BTreeSet<String>,
}

/// A membership that a group gives through `group_map`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedMembership {
    /// The highest role that the user's groups give in the organization.
    pub role: Role,
    /// The group that gives it.
    pub group: GroupId,
}

/// A complete read of the directory for one user. A plan is made from a `DirectorySnapshot`, and only a read
/// without any error returns one, so there is no incomplete snapshot.
#[derive(Clone, Debug)]
pub struct DirectorySnapshot {
    /// The source of what the directory gives. The plan changes nothing that has another one.
    source: Source,
    assigned: Option<Arc<Assigned>>,
    user_groups: BTreeSet<GroupId>,
    /// The memberships that the user's groups give through `group_map`, by organization.
    mapped: BTreeMap<OrganizationId, MappedMembership>,
    /// Whether one of the user's groups makes them a tenant admin.
    is_tenant_admin: bool,
    /// Whether the assigned groups were cached by an earlier login.
    is_kept: bool,
    /// Whether no group at all is assigned to the application.
    is_of_empty_application: bool,
}

/// The numbers of groups read, for the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadCounts {
    /// Groups assigned to the enterprise application.
    pub assigned: usize,
    /// Groups of the user.
    pub of_user: usize,
    /// Groups that give the user a membership.
    pub held: usize,
    /// Assigned groups that were left out because their id is not a valid id here.
    pub unusable: usize,
}

impl Assigned {
    pub(super) fn new(groups: BTreeMap<GroupId, AssignedGroup>, unusable: usize) -> Self {
        Self { groups, unusable }
    }

    /// Returns the groups, by id.
    pub fn groups(&self) -> impl Iterator<Item = (&GroupId, &AssignedGroup)> {
        self.groups.iter()
    }

    fn of<'a>(groups: impl Iterator<Item = (&'a GroupId, &'a AssignedGroup)>) -> Self {
        Self {
            groups: groups
                .map(|(id, group)| (id.clone(), group.clone()))
                .collect(),
            unusable: 0,
        }
    }

    /// Returns how many groups were left out because their id is not a valid id here.
    pub fn unusable(&self) -> usize {
        self.unusable
    }
}

impl DirectorySnapshot {
    pub(super) fn new(assigned: Option<Arc<Assigned>>, user_groups: BTreeSet<GroupId>) -> Self {
        Self {
            source: Source::Entra,
            is_of_empty_application: assigned.as_ref().is_some_and(|all| all.groups.is_empty()),
            assigned,
            user_groups,
            mapped: BTreeMap::new(),
            is_tenant_admin: false,
            is_kept: false,
        }
    }

    /// Returns the snapshot of the groups of a user of a directory of type `scim`. Only these count as assigned, so that
    /// nothing is created for groups that no user follows. The role map finds a group by its id or its name.
    pub(crate) fn of_scim(groups: &[(GroupId, Name)]) -> Self {
        let assigned = groups.iter().map(|(id, name)| {
            let app_roles = std::iter::once(name.as_str().to_owned()).collect();
            let name = name.clone();
            (id.clone(), AssignedGroup { name, app_roles })
        });
        let assigned = Assigned::new(assigned.collect(), 0);
        let user_groups = groups.iter().map(|(id, _)| id.clone()).collect();
        Self {
            source: Source::Scim,
            ..Self::new(Some(Arc::new(assigned)), user_groups)
        }
    }

    /// Returns whether the assigned groups are the same for all users of the directory.
    pub(super) fn is_of_all_users(&self) -> bool {
        self.source != Source::Scim
    }

    /// Returns the snapshot of a directory that gives memberships with this source.
    #[cfg(test)]
    pub(super) fn given_by(self, source: Source) -> Self {
        Self { source, ..self }
    }

    /// Returns the snapshot as the settings see it: without the groups that do not count, and with the groups in
    /// `group_map` as memberships in the organizations that it names.
    #[must_use]
    pub fn under(mut self, rules: &DirectorySettings) -> Self {
        let mut groups = self.user_groups.iter();
        self.is_tenant_admin = groups.any(|group| rules.tenant_admin_groups.contains(group));
        let mut mapped: BTreeMap<OrganizationId, MappedMembership> = BTreeMap::new();
        for (group, _) in self.held() {
            let Some(to) = rules.group_map.get(group) else {
                continue;
            };
            let given = MappedMembership {
                role: to.role,
                group: group.clone(),
            };
            match mapped.entry(to.organization_id.clone()) {
                Entry::Vacant(place) => {
                    place.insert(given);
                }
                Entry::Occupied(mut place) if given.role.rank() > place.get().role.rank() => {
                    place.insert(given);
                }
                Entry::Occupied(_) => {}
            }
        }
        self.mapped = mapped;
        if rules.group_map.is_empty() && rules.group_filter.is_none() {
            return self;
        }
        let is_mapped = |group: &GroupId| rules.group_map.get(group).is_some();
        match &self.assigned {
            Some(assigned) => {
                let groups = assigned.groups();
                let counting = groups
                    .filter(|(id, group)| !is_mapped(id) && rules.counts(group.name.as_str()));
                let counting = Assigned {
                    unusable: assigned.unusable,
                    ..Assigned::of(counting)
                };
                self.assigned = Some(Arc::new(counting));
            }
            // The names of the groups are not known, so that no filter applies.
            None => self.user_groups.retain(|group| !is_mapped(group)),
        }
        self
    }

    /// Returns the source of what the directory gives.
    pub fn source(&self) -> Source {
        self.source
    }

    /// Returns the memberships that the user's groups give through `group_map`, by organization.
    pub fn mapped(&self) -> impl Iterator<Item = (&OrganizationId, &MappedMembership)> {
        self.mapped.iter()
    }

    /// Returns the role that a group gives in an organization through `group_map`.
    pub(super) fn mapped_role(&self, organization: &OrganizationId) -> Option<Role> {
        self.mapped.get(organization).map(|given| given.role)
    }

    /// Returns whether one of the user's groups makes them a tenant admin.
    pub fn is_tenant_admin(&self) -> bool {
        self.is_tenant_admin
    }

    /// Returns the snapshot with the mark whether its assigned groups were cached by an earlier login.
    pub(super) fn kept(self, is_kept: bool) -> Self {
        Self { is_kept, ..self }
    }

    /// Returns whether the assigned groups were cached by an earlier login.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Returns whether no group at all is assigned to the application, also none that the settings leave out.
    pub(super) fn is_of_empty_application(&self) -> bool {
        self.is_of_empty_application
    }

    /// Returns whether both snapshots give the user the same: the same groups of the user, and the same assigned
    /// groups with the same app roles. Names are not compared.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let gives = |reading: &Self| -> Option<Vec<(GroupId, BTreeSet<String>)>> {
            let groups = reading.assigned.as_ref()?.groups();
            Some(
                groups
                    .map(|(id, group)| (id.clone(), group.app_roles.clone()))
                    .collect(),
            )
        };
        self.user_groups == other.user_groups
            && self.mapped == other.mapped
            && self.is_tenant_admin == other.is_tenant_admin
            && gives(self) == gives(other)
    }

    /// Returns whether both snapshots have the same groups of the user.
    pub(super) fn has_groups_of(&self, other: &Self) -> bool {
        self.user_groups == other.user_groups
    }

    /// Returns the groups assigned to the enterprise application. Empty if the application is not known
    /// (`MICROSOFT_SERVICE_PRINCIPAL_ID` is not set), so that nothing is created.
    pub fn assigned(&self) -> impl Iterator<Item = (&GroupId, &AssignedGroup)> {
        self.assigned.iter().flat_map(|assigned| assigned.groups())
    }

    /// Returns the groups that give the user a membership: the user's groups that are assigned to the enterprise
    /// application, or all of the user's groups if the application is not known.
    pub fn held(&self) -> impl Iterator<Item = (&GroupId, Option<&AssignedGroup>)> {
        self.user_groups
            .iter()
            .filter_map(|id| match &self.assigned {
                None => Some((id, None)),
                Some(assigned) => assigned.groups.get(id).map(|group| (id, Some(group))),
            })
    }

    /// Returns whether what is made for the group is for the user: they are in it, or another group gives them a
    /// membership in its organization.
    pub(super) fn is_own(&self, id: &GroupId) -> bool {
        self.user_groups.contains(id) || self.mapped.contains_key(&id.organization_id())
    }

    /// Returns the snapshot reduced to the groups that affect the user.
    #[must_use]
    pub fn own(&self) -> Self {
        let of_user = |all: &Arc<Assigned>| {
            let groups = all.groups();
            Arc::new(Assigned::of(groups.filter(|(id, _)| self.is_own(id))))
        };
        Self {
            assigned: self.assigned.as_ref().map(of_user),
            user_groups: self.user_groups.clone(),
            mapped: self.mapped.clone(),
            ..*self
        }
    }

    /// Returns the other assigned groups, in snapshots of at most `at_a_time` groups for a user without groups.
    pub fn others(&self, at_a_time: usize) -> Vec<Self> {
        let others = self.assigned();
        let others: Vec<_> = others.filter(|(id, _)| !self.is_own(id)).collect();
        let parts = others.chunks(at_a_time).map(|part| Self {
            source: self.source,
            assigned: Some(Arc::new(Assigned::of(part.iter().copied()))),
            user_groups: BTreeSet::new(),
            mapped: BTreeMap::new(),
            is_tenant_admin: false,
            is_kept: self.is_kept,
            is_of_empty_application: false,
        });
        parts.collect()
    }

    /// Returns whether that group gives the user a membership.
    pub fn holds(&self, id: &GroupId) -> bool {
        self.user_groups.contains(id)
            && self
                .assigned
                .as_ref()
                .is_none_or(|assigned| assigned.groups.contains_key(id))
    }

    /// Returns the numbers of groups read.
    pub fn counts(&self) -> ReadCounts {
        ReadCounts {
            assigned: self.assigned().count(),
            of_user: self.user_groups.len(),
            held: self.held().count() + self.mapped.len(),
            unusable: self.assigned.as_ref().map_or(0, |all| all.unusable),
        }
    }

    /// Returns 32 hexadecimal digits that change when there may be something to create or rename for the assigned
    /// groups. They do not depend on the user. They are stored as the marker of what was created.
    pub fn fingerprint(&self, rules: &DirectorySettings) -> String {
        let mut hash = Sha256::new();
        hash.update([
            u8::from(self.assigned.is_some()),
            u8::from(rules.create_organizations),
            // 2: names that an earlier release left with a suffix are checked again.
            if rules.refresh_names { 2 } else { 0 },
        ]);
        for (id, group) in self.assigned() {
            // Neither ids nor names contain control characters, so no value can imitate a line.
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
