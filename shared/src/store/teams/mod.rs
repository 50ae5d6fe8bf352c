//! The operations on teams, and the permissions on them.

mod create;
mod delete;
mod read;
mod restore;
mod standing;
mod update;

pub(super) use standing::{TeamPermissionLabels, require_team};

use crate::domain::{
    FoldedName, Limits, Membership, Organization, OrganizationId, Permission, Team, TeamId,
    TenantId, UserId,
};
use crate::store::access::{self, Requirement};
use crate::store::keys;
use crate::store::rows::teams::{TeamRow, reserved_name};
use crate::store::rows::{Recorded, organizations};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, Transaction, Unmet, text, to_item};
use crate::store::{Error, Refusal, in_version, table};
use serde::{Deserialize, Serialize};

/// Attributes that an update of a team writes.
const CHANGEABLE: [&str; 8] = [
    "name",
    "description",
    "is_default",
    "limits",
    "metadata",
    "version",
    "updated_at",
    "gsi1sk",
];

/// A team and its organization, which is live.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamInOrganization {
    /// The team.
    pub team: Team,
    /// Its organization; `None` for a standalone team.
    pub organization: Option<Organization>,
}

/// A team and the limits of its organization.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamWithLimits {
    /// The team.
    pub team: Team,
    /// The limits of its organization; `None` for a standalone team.
    pub organization_limits: Option<Limits>,
}

impl From<TeamInOrganization> for TeamWithLimits {
    fn from(found: TeamInOrganization) -> Self {
        Self {
            team: found.team,
            organization_limits: found.organization.map(|organization| organization.limits),
        }
    }
}

/// A team with the limits of its organization, as stored in a record.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct RecordedTeam {
    team: TeamRow,
    organization_limits: Option<Limits>,
}

impl Recorded for TeamWithLimits {
    type Row = RecordedTeam;

    fn to_recorded(&self) -> RecordedTeam {
        RecordedTeam {
            team: self.team.to_recorded(),
            organization_limits: self.organization_limits.clone(),
        }
    }

    fn from_recorded(row: RecordedTeam) -> Result<Self, table::Error> {
        Ok(Self {
            team: Team::from_recorded(row.team)?,
            organization_limits: row.organization_limits,
        })
    }
}

/// Labels of the actions in transactions on a team.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TeamAction {
    Caller,
    Leader,
    Organization,
    Team,
    NewName,
    OldName,
    Record,
}

/// The labels of the caller's permission in these transactions.
const LABELS: TeamPermissionLabels<TeamAction> = TeamPermissionLabels {
    caller: TeamAction::Caller,
    leader: TeamAction::Leader,
};

/// The permissions of a caller on a team, and their origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TeamStanding {
    /// Everything, by the token or by the role in the organization.
    Manages,
    /// Everything but deleting it, as a leader of the team.
    Leads,
    /// Seeing it, as a member of the team or of its organization.
    Sees,
}

/// A team with the items that its permissions depend on, read together.
pub(super) struct TeamView {
    pub(super) found: TeamInOrganization,
    pub(super) standing: TeamStanding,
    pub(super) items: access::View,
}

impl TeamView {
    /// Returns the name under which the team is reserved in its organization.
    pub(super) fn reserved_name(&self) -> FoldedName {
        let team = &self.found.team;
        match self.items.item(&keys::team(&team.tenant_id, &team.id)) {
            Some(item) => reserved_name(item, team),
            None => team.name.folded(),
        }
    }

    /// Returns a user's membership in the team's organization, if it was read.
    pub(super) fn membership_in_organization(
        &self,
        user: &UserId,
    ) -> Result<Option<Membership>, table::Error> {
        let Some(organization) = &self.found.team.organization_id else {
            return Ok(None);
        };
        let key = keys::membership(&self.found.team.tenant_id, user, organization);
        self.items.membership(&key)
    }

    /// Requires the permission to change the team and its members.
    pub(super) fn require_lead(&self) -> Result<(), Refusal> {
        match self.standing {
            TeamStanding::Manages | TeamStanding::Leads => Ok(()),
            TeamStanding::Sees => Err(Refusal::Forbidden),
        }
    }
}

/// Returns what a change of a team requires of the caller's membership in the organization.
pub(super) fn requirement(standing: TeamStanding) -> Requirement {
    let permission = match standing {
        TeamStanding::Manages => Permission::ManageTeams,
        TeamStanding::Leads | TeamStanding::Sees => Permission::ViewTeams,
    };
    Requirement {
        permission,
        reach: None,
    }
}

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<TeamAction>) -> Unsettled {
    // Checked first: a deleted team is not found for any caller, and its leaders' memberships are deleted with
    // it.
    match unmet.of(&TeamAction::Team) {
        Some(None) => return Refusal::NotFound.into(),
        // Changed or deleted. The next read finds out which.
        Some(Some(_)) => return Unsettled::Overtaken,
        None => {}
    }
    if let Some(refusal) = access::refusal(unmet, &TeamAction::Caller) {
        return refusal.into();
    }
    if unmet.of(&TeamAction::Leader).is_some() {
        return Refusal::Forbidden.into();
    }
    match unmet.of(&TeamAction::Organization) {
        Some(item) if organizations::is_gone(item) => return Refusal::NotFound.into(),
        // Its limits may have changed.
        Some(_) => return Unsettled::Overtaken,
        None => {}
    }
    if unmet.of(&TeamAction::NewName).is_some() {
        return Refusal::NameTaken.into();
    }
    Unsettled::Overtaken
}

/// Makes the transaction conditional on the team's organization being live. With `limits_of`, also on the
/// organization being unchanged since the read, because the team's limits were compared with it.
fn hold_organization_of(
    transaction: &mut Transaction<'_, TeamAction>,
    team: &Team,
    limits_of: Option<&Organization>,
) {
    let Some(id) = &team.organization_id else {
        return;
    };
    let key = keys::organization(&team.tenant_id, id);
    let mut condition = organizations::live();
    if let Some(organization) = limits_of {
        condition = condition.and(in_version(organization.version));
    }
    transaction.check(TeamAction::Organization, &key, condition);
}

/// Reserves the name of a team in its organization, where names are unique. Standalone teams may share a name.
pub(super) fn reserve_team_name<L: Copy + PartialEq>(
    transaction: &mut Transaction<'_, L>,
    label: L,
    team: &Team,
) -> Result<(), Error> {
    #[derive(Serialize)]
    #[expect(clippy::struct_field_names, reason = "the names of the attributes")]
    struct Reservation<'a> {
        tenant_id: &'a TenantId,
        organization_id: &'a OrganizationId,
        team_id: &'a TeamId,
    }

    let Some(organization_id) = &team.organization_id else {
        return Ok(());
    };
    let name = team.name.folded();
    let key = keys::team_name_reservation(&team.tenant_id, organization_id, &name);
    let reservation = Reservation {
        tenant_id: &team.tenant_id,
        organization_id,
        team_id: &team.id,
    };
    let item = to_item(&reservation, [key.attributes(), Item::new()])?;
    let free = Condition::new("attribute_not_exists(#pk) OR #team_id = :team")
        .value(":team", text(team.id.as_str()));
    transaction.put(label, item, free);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_is_not_found_once_its_organization_is_deleted() {
        let of = |status: &str| {
            let item = Item::from([("status".to_owned(), text(status))]);
            not_changed(&Unmet::one(TeamAction::Organization, Some(item)))
        };
        assert!(of("deleted").is_not_found());
        assert!(matches!(of("active"), Unsettled::Overtaken));
    }
}
