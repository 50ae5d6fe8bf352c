//! The operations on team memberships.

mod add;
mod clear;
mod read;
mod remove;
mod update;

use crate::domain::{Membership, Status, Team, TeamMembership};
use crate::store::table::{Condition, Unmet, text};
use crate::store::teams::TeamPermissionLabels;
use crate::store::{Refusal, access};

/// A team membership with its team.
#[derive(Clone, Debug, PartialEq)]
pub struct MembershipOfTeam {
    /// The membership.
    pub membership: TeamMembership,
    /// The team, which is live.
    pub team: Team,
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
enum TeamMemberAction {
    Caller,
    Leader,
    Organization,
    Team,
    /// The target's membership in the organization, or their profile for a standalone team.
    User,
    Membership,
    Record,
}

/// The labels of the caller's permission in these transactions.
const LABELS: TeamPermissionLabels<TeamMemberAction> = TeamPermissionLabels {
    caller: TeamMemberAction::Caller,
    leader: TeamMemberAction::Leader,
};

/// Returns the refusal if the condition on the caller, the team or the organization failed.
fn not_held(unmet: &Unmet<TeamMemberAction>) -> Result<(), Refusal> {
    // Checked first: a deleted team or organization is not found for any caller, and the leaders' memberships
    // are deleted with the team.
    if unmet.of(&TeamMemberAction::Organization).is_some()
        || unmet.of(&TeamMemberAction::Team).is_some()
    {
        return Err(Refusal::NotFound);
    }
    if let Some(refusal) = access::refusal(unmet, &TeamMemberAction::Caller) {
        return Err(refusal);
    }
    if unmet.of(&TeamMemberAction::Leader).is_some() {
        return Err(Refusal::Forbidden);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
