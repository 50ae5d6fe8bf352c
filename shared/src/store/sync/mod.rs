//! Reads and writes of the login sync. It acts without a caller; the directory authorizes it.
//!
//! Each write is small, conditional and independent, so concurrent logins never wait for each other. When two
//! logins create the same thing, both find it created.

mod found;
mod login;
mod make;
mod membership;
mod move_team;
mod read;
mod team_membership;

pub use found::{FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks};
pub use move_team::Move;

use crate::store::rows::known_user::KnownUser;
use crate::store::rows::names::ProfileCopy;
use crate::store::table::Unmet;
use crate::store::{Refusal, WriteOutcome};
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{DirectoryId, GroupId, Membership, OrganizationId, TeamId, TeamMembership};

/// All memberships of a user and their marks, read with strong consistency.
#[derive(Clone, Debug, Default)]
pub struct CurrentMemberships {
    /// The memberships in organizations.
    pub organizations: BTreeMap<OrganizationId, Membership>,
    /// The team memberships.
    pub teams: BTreeMap<TeamId, TeamMembership>,
    /// The marks of the sync on the memberships.
    pub marks: BTreeMap<OrganizationId, MembershipMarks>,
    /// The marks of the sync on the team memberships.
    pub team_marks: BTreeMap<TeamId, TeamMembershipMarks>,
    /// The value of [`JOINED_TEAMS`] on each membership when it was read.
    joined_teams: BTreeMap<OrganizationId, Option<AttributeValue>>,
    /// The user, unless they are not known.
    pub known: Option<KnownUser>,
    /// The directory in which their account was seen.
    pub seen_in: Option<DirectoryId>,
    /// Whether they are a tenant admin by a group of the directory.
    pub is_directory_admin: bool,
    /// The names on the memberships that have a copy.
    pub(in crate::store) copies: BTreeMap<OrganizationId, ProfileCopy>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum SyncAction {
    Made,
    Name,
    Organization,
    Membership,
    Inviter,
    InviterProfile,
    Team,
    Invitation,
    Invitee,
    User,
    Left,
}

/// A membership that the sync changes.
#[derive(Clone, Copy, Debug)]
pub struct SyncedMembership<'a> {
    /// As it was read.
    pub before: &'a Membership,
    /// The group that gives it through `group_map`, if one does.
    pub mapped_from: Option<&'a GroupId>,
}

/// Returns the result of creating something. An item that already exists is not an error.
fn made(committed: Result<(), Unmet<SyncAction>>) -> WriteOutcome {
    let Err(unmet) = committed else {
        return WriteOutcome::Done;
    };
    if unmet.of(&SyncAction::Made).is_some() {
        return WriteOutcome::Unchanged;
    }
    if unmet.of(&SyncAction::Name).is_some() {
        return WriteOutcome::NameTaken;
    }
    // The organization membership that the team membership depends on was removed.
    WriteOutcome::Unchanged
}

/// Returns the result of leaving something. Refuses if the last owner would leave.
fn left(committed: Result<(), Unmet<SyncAction>>) -> Result<WriteOutcome, Refusal> {
    let Err(unmet) = committed else {
        return Ok(WriteOutcome::Done);
    };
    if unmet.of(&SyncAction::Organization).is_some() && unmet.of(&SyncAction::Membership).is_none()
    {
        return Err(Refusal::LastOwner);
    }
    Ok(WriteOutcome::Unchanged)
}

#[cfg(test)]
mod tests;
