//! Team memberships: their rows and operations.

mod add;
mod change;
mod read;

pub(super) use change::as_read;

use crate::domain::{
    Membership, OrganizationId, Source, Status, Team, TeamId, TeamMembership, TeamRole, TenantId,
    Timestamp, UserId,
};
use crate::store::idempotency::Recorded;
use crate::store::keys::{self, GSI1};
use crate::store::table::{Condition, Item, Unmet, from_item, text, to_item};
use crate::store::{Refusal, access, table};
use serde::{Deserialize, Serialize};

/// Attribute of a membership in an organization: counts how often the user was added to a team of the
/// organization. Leaving the organization is conditional on this count, so that no team is joined in between.
pub(super) const JOINED_TEAMS: &str = "joined_teams";

/// A team membership with its team.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipOfTeam {
    /// The membership.
    pub membership: TeamMembership,
    /// The team, which is live.
    pub team: Team,
}

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct TeamMembershipRow {
    tenant_id: TenantId,
    team_id: TeamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    user_id: UserId,
    role: TeamRole,
    status: Status,
    source: Source,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(super) fn to_row(membership: &TeamMembership) -> Result<Item, table::Error> {
    let TeamMembership {
        tenant_id,
        team_id,
        user_id,
        ..
    } = membership.clone();
    let keys = [
        keys::team_membership(&tenant_id, &user_id, &team_id).attributes(),
        keys::team_member(&tenant_id, &team_id, &user_id).attributes_of(GSI1),
    ];
    to_item(&membership.to_recorded(), keys)
}

pub(super) fn from_row(item: Item) -> Result<TeamMembership, table::Error> {
    TeamMembership::from_recorded(from_item(item)?)
}

impl Recorded for TeamMembership {
    type Row = TeamMembershipRow;

    fn to_recorded(&self) -> TeamMembershipRow {
        TeamMembershipRow {
            tenant_id: self.tenant_id.clone(),
            team_id: self.team_id.clone(),
            organization_id: self.organization_id.clone(),
            user_id: self.user_id.clone(),
            role: self.role,
            status: self.status,
            source: self.source,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn from_recorded(row: TeamMembershipRow) -> Result<Self, table::Error> {
        Ok(Self {
            tenant_id: row.tenant_id,
            team_id: row.team_id,
            organization_id: row.organization_id,
            user_id: row.user_id,
            role: row.role,
            status: row.status,
            source: row.source,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Returns the condition that a membership in an organization or in a team is active.
fn active() -> Condition {
    Condition::new("#status = :active").value(":active", text(Status::Active.as_str()))
}

/// Returns whether a user is an active member of the organization.
fn is_active(own: Option<&Membership>) -> bool {
    own.is_some_and(|own| own.status == Status::Active)
}

/// Returns a team membership as the API shows it. A membership whose user is not an active member of the team's
/// organization grants nothing, and is shown as suspended.
fn as_shown(membership: TeamMembership, counts: bool) -> TeamMembership {
    let status = if counts {
        membership.status
    } else {
        Status::Suspended
    };
    TeamMembership {
        status,
        ..membership
    }
}

/// Labels of the actions in transactions on a team membership.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Caller,
    Leader,
    Organization,
    Team,
    /// The target's membership in the organization, or their profile for a standalone team.
    User,
    Membership,
    Record,
}

/// Returns the refusal if the condition on the caller, the team or the organization failed.
fn not_held(unmet: &Unmet<Action>) -> Result<(), Refusal> {
    // Checked first: a deleted team or organization is not found for any caller, and the leaders' memberships
    // are deleted with the team.
    if unmet.of(&Action::Organization).is_some() || unmet.of(&Action::Team).is_some() {
        return Err(Refusal::NotFound);
    }
    if let Some(refusal) = access::refusal(unmet, &Action::Caller) {
        return Err(refusal);
    }
    if unmet.of(&Action::Leader).is_some() {
        return Err(Refusal::Forbidden);
    }
    Ok(())
}
