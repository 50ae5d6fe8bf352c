//! What the login sync reads and writes. It acts for no caller: its right is the directory's word.
//!
//! Each write is small, conditional and its own, so that many logins at once never wait for one
//! another: two that make the same thing both find it made.

mod found;
mod login;
mod make;
mod membership;
mod move_team;
mod read;

pub use found::{FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks};
pub use move_team::Move;

use crate::store::Refusal;
use crate::store::table::Unmet;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    Email, EntraObjectId, Membership, Name, OrganizationId, TeamId, TeamMembership, TenantId,
    UserId,
};

/// On a membership that the sync made: the role that it gave last. While it still is the role, nobody
/// has changed it by hand.
pub(super) const SYNCED_ROLE: &str = "synced_role";
/// On a membership or team membership: who suspended it, when that was the sync. A change of the status
/// by hand removes it.
pub(super) const SUSPENDED_BY: &str = "suspended_by";
/// On a team that the sync made standalone because its organization could not be made, and on the team
/// memberships that were made in it meanwhile: that organization. It goes when they are in it.
pub(super) const AWAITS_ORGANIZATION: &str = "awaits_organization";

/// On a user and on a tenant: the fingerprint of the assigned groups for which all was made.
const MADE: &str = "made";

/// Who signs in, and what the event says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Their tenant.
    pub tenant_id: TenantId,
    /// Their id.
    pub user_id: UserId,
    /// Their email address, if the event has one.
    pub email: Option<Email>,
    /// What they are called, if the event says it.
    pub display_name: Option<Name>,
    /// Their object id in Entra, if the event has one.
    pub entra_object_id: Option<EntraObjectId>,
}

/// All that a user has, read at once and as it is now.
#[derive(Clone, Debug, Default)]
pub struct CurrentMemberships {
    /// Their memberships.
    pub organizations: BTreeMap<OrganizationId, Membership>,
    /// Their team memberships.
    pub teams: BTreeMap<TeamId, TeamMembership>,
    /// What the sync did with their memberships.
    pub marks: BTreeMap<OrganizationId, MembershipMarks>,
    /// What the sync did with their team memberships.
    pub team_marks: BTreeMap<TeamId, TeamMembershipMarks>,
    /// What [`JOINED_TEAMS`] of each membership was.
    joined_teams: BTreeMap<OrganizationId, Option<AttributeValue>>,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was done.
    Done,
    /// Nothing was to be done: it was so already, or is no longer what was read.
    Unchanged,
    /// The name is taken.
    NameTaken,
}

impl From<bool> for Written {
    /// Of a write that is done if its condition holds.
    fn from(done: bool) -> Self {
        if done { Self::Done } else { Self::Unchanged }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Made,
    Name,
    Organization,
    Membership,
    Inviter,
    Team,
}

/// What making something came to: what is there already is as good as made.
fn made(committed: Result<(), Unmet<Action>>) -> Written {
    let Err(unmet) = committed else {
        return Written::Done;
    };
    if unmet.of(&Action::Made).is_some() {
        return Written::Unchanged;
    }
    if unmet.of(&Action::Name).is_some() {
        return Written::NameTaken;
    }
    // The membership that a team's would hang on was taken away.
    Written::Unchanged
}

/// What leaving something came to.
fn left(committed: Result<(), Unmet<Action>>) -> Result<Written, Refusal> {
    let Err(unmet) = committed else {
        return Ok(Written::Done);
    };
    if unmet.of(&Action::Organization).is_some() && unmet.of(&Action::Membership).is_none() {
        return Err(Refusal::LastOwner);
    }
    Ok(Written::Unchanged)
}
