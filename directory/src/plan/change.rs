use std::fmt;

use crate::rules::SyncRules;
use muster::domain::{GroupId, Limits, MAX_NAME_LENGTH, Name, OrganizationId, Role, TeamId};

/// How many characters of an id tell two of one name apart.
const ID_PREFIX: usize = 8;

/// The list of changes that makes the table what the directory says, in the order in which they are
/// to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub(super) changes: Vec<Change>,
    /// Memberships of the user that stay as they are.
    pub kept: usize,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// All changes, in order.
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The changes, step by step. Those of one step can be written in any order and at once.
    pub fn steps(&self) -> impl Iterator<Item = (Step, &[Change])> {
        let steps = self
            .changes
            .chunk_by(|one, other| one.step() == other.step());
        steps.filter_map(|changes| Some((changes.first()?.step(), changes)))
    }
}

/// In which order changes are written. What concerns this user comes first, adds before removes, so
/// that a sync that runs out of time has done what this login needs; what is made for groups that
/// the user is not in can wait for the next login, a lost access cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Organizations of the user's groups.
    MakeOwnOrganizations,
    /// Teams of the user's groups.
    MakeOwnTeams,
    /// The user's new memberships, and those that hold again.
    Join,
    /// Roles of the user's memberships, and team memberships that follow their team.
    Follow,
    /// The user's memberships that no longer hold.
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
pub enum Change {
    /// Put an organization, with its name, if neither is there. When it fails, the team of the
    /// same id is made [standalone](NewTeam::standalone), and joining the organization is skipped.
    MakeOrganization(NewOrganization),
    /// Put a team, if it is not there.
    MakeTeam(NewTeam),
    /// Put a team that the sync made standalone, because its organization could not be made, into that
    /// organization, if it still is of that version. When the organization fails again, it waits on.
    MoveTeam(TeamMove),
    /// Put the organization of a team on the user's membership in it.
    MoveTeamMembership {
        /// The team.
        team_id: TeamId,
        /// Its organization.
        organization_id: OrganizationId,
    },
    /// Put an active membership of source `entra`, if there is none.
    JoinOrganization {
        /// The organization.
        organization_id: OrganizationId,
        /// The role.
        role: Role,
    },
    /// Put an active membership of source `entra` and role `member`, if there is none.
    JoinTeam {
        /// The team.
        team_id: TeamId,
    },
    /// Make an invitation active, if it still is one of that version. Its role and source stay, unless
    /// its inviter may no longer give the role.
    AcceptInvitation {
        /// Where the user was invited to.
        at: Place,
        /// The version of the invitation.
        version: u64,
        /// The role that the directory gives in an organization: then the membership has that one, and
        /// is of source `entra`.
        role: Option<Role>,
    },
    /// End a suspension that the sync made, if the membership still is of that version.
    Lift {
        /// Where the user is active again.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// The role that the directory gives now, when it is another one than the sync gave last.
        role: Option<Role>,
    },
    /// Change the role, if the membership still is of that version.
    ChangeRole {
        /// The organization.
        organization_id: OrganizationId,
        /// The version of the membership.
        version: u64,
        /// The role that the directory gives now.
        role: Role,
    },
    /// Take the membership away, if it still is of source `entra` and of that version.
    Leave {
        /// What the user leaves.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// Whether they are its active owner, who is counted, and kept when they are the last one.
        is_owner: bool,
    },
    /// Suspend the membership, if it still is of source `entra` and of that version.
    Suspend {
        /// Where the user is suspended.
        at: Place,
        /// The version of the membership.
        version: u64,
        /// Whether they are its active owner, who is counted, and kept when they are the last one.
        is_owner: bool,
    },
    /// Rename what the sync made, if it still is of that version.
    Rename {
        /// What is renamed.
        what: Place,
        /// Its name now.
        from: Name,
        /// Its version.
        version: u64,
        /// Its name from now on.
        naming: Naming,
    },
}

/// An organization or a team.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// That organization.
    Organization(OrganizationId),
    /// That team.
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

/// An organization to make for a group, of source `entra`, with no owner.
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

/// A team to make for a group, of source `entra`.
#[derive(Clone, Debug, PartialEq)]
pub struct NewTeam {
    /// The group's id.
    pub id: TeamId,
    /// Its organization; `None`: it is standalone.
    pub organization_id: Option<OrganizationId>,
    /// Its name.
    pub naming: Naming,
    /// `DEFAULT_TEAM_PARAMS`; in an organization with that organization's models.
    pub limits: Limits,
    /// Whether the user is in the group.
    pub is_own: bool,
}

/// A team to put into the organization that could not be made when it was.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamMove {
    /// The group's id.
    pub id: TeamId,
    /// The organization of the same group.
    pub organization_id: OrganizationId,
    /// Its version.
    pub version: u64,
    /// Its name, which another team of the organization may have.
    pub naming: Naming,
    /// Whether its name follows that of the group: names are refreshed, and nobody changed this one.
    pub is_refreshed: bool,
    /// The limits of a team in an organization; `None`: its limits were changed by hand, and stay.
    pub limits: Option<Limits>,
    /// Whether the user is in the group.
    pub is_own: bool,
}

impl NewTeam {
    /// The team without its organization, which could not be made.
    #[must_use]
    pub fn standalone(&self, rules: &SyncRules) -> Self {
        Self {
            organization_id: None,
            limits: rules.team_limits(false),
            ..self.clone()
        }
    }
}

/// A name, and the one to take when it is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Naming {
    /// The group's name.
    pub name: Name,
    /// `Name (first 8 characters of the id)`.
    pub if_taken: Name,
}

impl Naming {
    pub(super) fn new(name: &Name, id: &GroupId) -> Self {
        Self {
            if_taken: with_id(name, id),
            name: name.clone(),
        }
    }

    /// For something whose name another one is going to take.
    pub(super) fn second(self) -> Self {
        Self {
            name: self.if_taken.clone(),
            ..self
        }
    }

    /// Whether that name is the one to take when the group's own is taken.
    pub fn is_suffixed(&self, name: &Name) -> bool {
        *name == self.if_taken && self.if_taken != self.name
    }

    /// Whether the group's own name is left to another group from the start.
    pub fn is_second(&self) -> bool {
        self.name == self.if_taken
    }
}

/// `Name (first 8 characters of the id)`, the name cut where the whole would be too long.
fn with_id(name: &Name, id: &GroupId) -> Name {
    let id: String = id.as_str().chars().take(ID_PREFIX).collect();
    let room = MAX_NAME_LENGTH.saturating_sub(id.chars().count() + " ()".len());
    let start: String = name.as_str().chars().take(room).collect();
    let name_with_id = format!("{} ({id})", start.trim_end());
    // It has the characters of a name and an id, and their length at most.
    name_with_id.parse().unwrap_or_else(|_| name.clone())
}

impl Change {
    /// When it is written.
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

    /// What it writes to. No two changes of a step write to the same.
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
    fn the_second_of_a_name_bears_the_start_of_its_id() {
        let id = GroupId::parse("cdb555e3-b33e-4fd5-a427-17fadacbdfa7").unwrap();
        let second = |name: &str| with_id(&name.parse().unwrap(), &id).to_string();
        assert_eq!(second("Sales"), "Sales (cdb555e3)");
        assert_eq!(second(&"ä".repeat(255)).chars().count(), 255);
        assert!(second(&"ä".repeat(255)).ends_with("ä (cdb555e3)"));
        let short = GroupId::parse("g1").unwrap();
        assert_eq!(
            with_id(&"Sales".parse().unwrap(), &short).as_str(),
            "Sales (g1)"
        );
    }
}
