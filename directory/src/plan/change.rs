use std::fmt;

use muster::domain::DirectorySettings;
use muster::domain::{GroupId, Limits, MAX_NAME_LENGTH, Name, OrganizationId, Role, TeamId};

/// The list of changes that makes the table match the directory, in the order in which they are written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) changes: Vec<PlannedChange>,
    /// Number of memberships of the user that do not change.
    pub kept: usize,
    /// Whether the user becomes a tenant admin, or is one no longer; `None` if that does not change.
    pub tenant_admin: Option<bool>,
}

impl Plan {
    /// Returns whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.tenant_admin.is_none()
    }

    /// Returns all changes, in order.
    pub fn changes(&self) -> &[PlannedChange] {
        &self.changes
    }

    /// Returns the plan without what it takes from the user: memberships, roles, and being a tenant admin.
    #[must_use]
    pub fn held_back(mut self) -> Self {
        self.changes.retain(|change| {
            !matches!(
                change,
                PlannedChange::Leave { .. }
                    | PlannedChange::Suspend { .. }
                    | PlannedChange::ChangeRole { .. }
            )
        });
        self.tenant_admin = self.tenant_admin.filter(|is_admin| *is_admin);
        self
    }

    /// Returns the changes, grouped by step. The changes of one step can be written in any order and concurrently.
    pub fn steps(&self) -> impl Iterator<Item = (Step, &[PlannedChange])> {
        let steps = self
            .changes
            .chunk_by(|one, other| one.step() == other.step());
        steps.filter_map(|changes| Some((changes.first()?.step(), changes)))
    }
}

/// The order in which changes are written. Changes for this user come first, and adds come before removes, so
/// that a sync that runs out of time has done what this login needs. Creating for groups that the user is not
/// in can wait for the next login; losing access cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Organizations of the user's groups.
    MakeOwnOrganizations,
    /// Teams of the user's groups.
    MakeOwnTeams,
    /// The user's new memberships, and those that become active again.
    Join,
    /// Roles of the user's memberships, and team memberships that follow their team into an organization.
    Follow,
    /// The user's memberships that their groups no longer give.
    Leave,
    /// Organizations of other groups.
    MakeOtherOrganizations,
    /// Teams of other groups.
    MakeOtherTeams,
    /// New names of renamed groups.
    Rename,
}

/// One conditional write.
#[derive(Clone, Debug, PartialEq)]
pub enum PlannedChange {
    /// Creates an organization and its name if neither exists. If this fails, the team with the same id is
    /// created [standalone](NewTeam::standalone), and joining the organization is skipped.
    MakeOrganization(NewOrganization),
    /// Creates a team if it does not exist.
    MakeTeam(NewTeam),
    /// Moves a team into its organization if it still has that version. The sync created the team standalone
    /// because the organization could not be created. If creating the organization fails again, the team keeps
    /// waiting.
    MoveTeam(TeamMove),
    /// Sets the organization of a team on the user's membership in that team.
    MoveTeamMembership {
        /// The team.
        team_id: TeamId,
        /// Its organization.
        organization_id: OrganizationId,
    },
    /// Creates an active membership with source `entra` if there is none.
    JoinOrganization {
        /// The organization.
        organization_id: OrganizationId,
        /// The role.
        role: Role,
        /// The group that gives it through `group_map`; `None` if the group has the id of the organization.
        mapped_from: Option<GroupId>,
    },
    /// Creates an active membership with source `entra` and role `member` if there is none.
    JoinTeam {
        /// The team.
        team_id: TeamId,
    },
    /// Makes an invitation active if it still has that version. Its role and source stay, unless the inviter
    /// may no longer give the role.
    AcceptInvitation {
        /// The organization or team that the user was invited to.
        at: Place,
        /// The version of the invitation.
        version: u64,
        /// The role that the directory gives in an organization. If it is set, the membership gets this role and
        /// the source `entra`.
        role: Option<Role>,
        /// The group that gives it through `group_map`; `None` if the group has the id of the place.
        mapped_from: Option<GroupId>,
    },
    /// Ends a suspension by the sync if the membership still has that version.
    Lift {
        /// The organization or team in which the user becomes active again.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// The role that the directory gives now, if it differs from the role that the sync gave last.
        role: Option<Role>,
    },
    /// Changes the role if the membership still has that version.
    ChangeRole {
        /// The organization.
        organization_id: OrganizationId,
        /// The version of the membership.
        version: u64,
        /// The role that the directory gives now.
        role: Role,
    },
    /// Removes the membership if it still has the source `entra` and that version.
    Leave {
        /// The organization or team that the user leaves.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// Whether the user is an active owner. Active owners are counted, and the last one is kept.
        is_owner: bool,
    },
    /// Suspends the membership if it still has the source `entra` and that version.
    Suspend {
        /// The organization or team in which the user is suspended.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// Whether the user is an active owner. Active owners are counted, and the last one is kept.
        is_owner: bool,
    },
    /// Renames an organization or a team that the sync created if it still has that version.
    Rename {
        /// The organization or team to rename.
        what: Place,
        /// Its current name.
        from: Name,
        /// Its version.
        version: u64,
        /// Its new name.
        naming: Naming,
    },
}

/// An organization or a team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An organization.
    Organization(OrganizationId),
    /// A team.
    Team(TeamId),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(formatter, "organization {id}"),
            Self::Team(id) => write!(formatter, "team {id}"),
        }
    }
}

/// An organization to create for a group, with source `entra` and no owner.
#[derive(Clone, Debug, PartialEq)]
pub struct NewOrganization {
    /// The group's id.
    pub id: OrganizationId,
    /// Its name.
    pub naming: Naming,
    /// `DEFAULT_TEAM_PARAMS`.
    pub limits: Limits,
    /// Whether the user is in the group.
    pub is_own: bool,
}

/// A team to create for a group, with source `entra`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTeam {
    /// The group's id.
    pub id: TeamId,
    /// Its organization, or `None` if it is standalone.
    pub organization_id: Option<OrganizationId>,
    /// Its name.
    pub naming: Naming,
    /// `DEFAULT_TEAM_PARAMS`. A team in an organization has the models of that organization.
    pub limits: Limits,
    /// Whether the user is in the group.
    pub is_own: bool,
}

/// A team to move into the organization that could not be created when the team was created.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamMove {
    /// The group's id.
    pub id: TeamId,
    /// The organization of the same group.
    pub organization_id: OrganizationId,
    /// Its version.
    pub version: u64,
    /// Its name. Another team of the organization may already have it.
    pub naming: Naming,
    /// Whether its name follows the name of the group: names are refreshed, and the name was not changed by hand.
    pub is_refreshed: bool,
    /// The limits of a team in an organization, or `None` if its limits were changed by hand and stay.
    pub limits: Option<Limits>,
    /// Whether the user is in the group.
    pub is_own: bool,
}

impl NewTeam {
    /// Returns the team without its organization, which could not be created.
    #[must_use]
    pub fn standalone(&self, rules: &DirectorySettings) -> Self {
        Self {
            organization_id: None,
            limits: rules.team_limits(false),
            ..self.clone()
        }
    }
}

/// A name, and the name to use if it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The group's name.
    pub name: Name,
    /// `Name (8 characters of the id)`.
    pub if_taken: Name,
}

impl Naming {
    pub(super) fn new(name: &Name, id: &GroupId) -> Self {
        Self {
            if_taken: with_id(name, id),
            name: name.clone(),
        }
    }

    /// Returns the naming for a second group of the same name, which starts with the suffixed name.
    pub(super) fn second(self) -> Self {
        Self {
            name: self.if_taken.clone(),
            ..self
        }
    }

    /// Returns whether `name` is the suffixed name.
    pub fn is_suffixed(&self, name: &Name) -> bool {
        *name == self.if_taken && self.if_taken != self.name
    }

    /// Returns whether the group's own name is left to another group from the start.
    pub fn is_second(&self) -> bool {
        self.name == self.if_taken
    }
}

/// Returns `Name (8 characters of the id)`. Truncates the name if the result would be too long.
fn with_id(name: &Name, id: &GroupId) -> Name {
    let id = id.short();
    let room = MAX_NAME_LENGTH.saturating_sub(id.chars().count() + " ()".len());
    let start: String = name.as_str().chars().take(room).collect();
    let name_with_id = format!("{} ({id})", start.trim_end());
    // It contains only characters of a name and an id, and is not longer than a name may be.
    name_with_id.parse().unwrap_or_else(|_| name.clone())
}

impl PlannedChange {
    /// Returns the step in which it is written.
    pub fn step(&self) -> Step {
        match self {
            Self::MakeOrganization(new) if new.is_own => Step::MakeOwnOrganizations,
            Self::MakeOrganization(_) => Step::MakeOtherOrganizations,
            Self::MakeTeam(NewTeam { is_own, .. }) | Self::MoveTeam(TeamMove { is_own, .. }) => {
                if *is_own {
                    Step::MakeOwnTeams
                } else {
                    Step::MakeOtherTeams
                }
            }
            Self::JoinOrganization { .. }
            | Self::JoinTeam { .. }
            | Self::AcceptInvitation { .. }
            | Self::Lift { .. } => Step::Join,
            Self::ChangeRole { .. } | Self::MoveTeamMembership { .. } => Step::Follow,
            Self::Leave { .. } | Self::Suspend { .. } => Step::Leave,
            Self::Rename { .. } => Step::Rename,
        }
    }

    /// Returns the organization or team that it writes to. No two changes of a step write to the same one.
    pub fn place(&self) -> Place {
        match self {
            Self::MakeOrganization(new) => Place::Organization(new.id.clone()),
            Self::MakeTeam(new) => Place::Team(new.id.clone()),
            Self::MoveTeam(team) => Place::Team(team.id.clone()),
            Self::JoinOrganization {
                organization_id, ..
            }
            | Self::ChangeRole {
                organization_id, ..
            } => Place::Organization(organization_id.clone()),
            Self::JoinTeam { team_id } | Self::MoveTeamMembership { team_id, .. } => {
                Place::Team(team_id.clone())
            }
            Self::AcceptInvitation { at, .. }
            | Self::Lift { at, .. }
            | Self::Leave { at, .. }
            | Self::Suspend { at, .. } => at.clone(),
            Self::Rename { what, .. } => what.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_name_gets_id_suffix() {
        let id = GroupId::parse("cdb555e3-b33e-4fd5-a427-17fadacbdfa7").unwrap();
        let second = |name: &str| with_id(&name.parse().unwrap(), &id).to_string();
        assert_eq!(second("Sales"), "Sales (cdb555e3)");
        assert_eq!(second(&"ä".repeat(255)).chars().count(), 255);
        assert!(second(&"ä".repeat(255)).ends_with("ä (cdb555e3)"));
        // Two that were created within the same minute.
        let of_scim = |id: &str| with_id(&"Sales".parse().unwrap(), &GroupId::parse(id).unwrap());
        assert_eq!(
            of_scim("01a227b6-8e62-715e-83d2-4ca8199f740f").as_str(),
            "Sales (199f740f)"
        );
        assert_eq!(
            of_scim("01a227b6-9eec-7113-90a1-7700894792dd").as_str(),
            "Sales (894792dd)"
        );
        let short = GroupId::parse("g1").unwrap();
        assert_eq!(
            with_id(&"Sales".parse().unwrap(), &short).as_str(),
            "Sales (g1)"
        );
    }
}
