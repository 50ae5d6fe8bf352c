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
pub use login::KnownUser;
pub use move_team::Move;

use crate::store::Refusal;
use crate::store::table::Unmet;
use crate::store::users::names::ProfileCopy;
use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::domain::{
    Actor, ActorType, DirectoryId, Email, EntraObjectId, EventContext, Membership, Name,
    OrganizationId, Origin, TeamId, TeamMembership, TenantId, UserId,
};

/// Attribute of a membership that the sync created: the role that the sync set last. While it equals the role,
/// the role has not been changed by hand.
pub(super) const SYNCED_ROLE: &str = "synced_role";
/// Attribute of a membership or team membership that the sync suspended: the source of the suspension. Removed
/// when the status is changed by hand.
pub(super) const SUSPENDED_BY: &str = "suspended_by";
/// Attribute of a membership that a group gives through `group_map`: the id of that group.
pub(super) const MAPPED_FROM: &str = "mapped_from";
/// Attribute of a user who is a tenant admin by a group of the tenant's directory. Otherwise absent.
pub(super) const DIRECTORY_ADMIN: &str = "directory_admin";
/// Attribute of a team that the sync created as a standalone team because its organization could not be
/// created, and of the team memberships created in it meanwhile: the id of that organization. Removed once they
/// are in the organization.
pub(super) const AWAITS_ORGANIZATION: &str = "awaits_organization";

/// Attribute of a user and of a tenant: the fingerprint of the assigned groups for which everything has been
/// created.
const MADE: &str = "made";

/// The user who signs in, as described by the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The tenant of the user.
    pub tenant_id: TenantId,
    /// The id of the user.
    pub user_id: UserId,
    /// The email address, if the event contains one.
    pub email: Option<Email>,
    /// Whether the event proves that the address belongs to the user.
    pub email_verified: bool,
    /// The display name, if the event contains one.
    pub display_name: Option<Name>,
    /// The Entra object id, if the event contains one.
    pub entra_object_id: Option<EntraObjectId>,
    /// The id of the request.
    pub request_id: String,
}

impl Profile {
    /// Returns the origin of what the login changes in the profile.
    pub(super) fn user_origin(&self) -> Origin {
        let actor = Actor {
            actor_type: ActorType::User,
            id: self.user_id.as_str().to_owned(),
            name: self
                .display_name
                .as_ref()
                .map(|name| name.as_str().to_owned()),
        };
        self.origin(actor)
    }

    /// Returns the origin of what the directory changes at the login.
    pub fn directory_origin(&self) -> Origin {
        self.origin(Actor::directory())
    }

    fn origin(&self, actor: Actor) -> Origin {
        Origin::new(
            actor,
            EventContext {
                request_id: self.request_id.clone(),
                operation: "postLogin".to_owned(),
                ..EventContext::default()
            },
        )
    }
}

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

/// Result of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteOutcome {
    /// The write was applied.
    Done,
    /// Nothing was written: the item was already in the target state, or has changed since it was read.
    Unchanged,
    /// The name is taken.
    NameTaken,
}

impl From<bool> for WriteOutcome {
    /// Converts whether the condition of a write held.
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
    InviterProfile,
    Team,
    Invitation,
    Invitee,
    User,
    Left,
}

/// Returns the result of creating something. An item that already exists is not an error.
fn made(committed: Result<(), Unmet<Action>>) -> WriteOutcome {
    let Err(unmet) = committed else {
        return WriteOutcome::Done;
    };
    if unmet.of(&Action::Made).is_some() {
        return WriteOutcome::Unchanged;
    }
    if unmet.of(&Action::Name).is_some() {
        return WriteOutcome::NameTaken;
    }
    // The organization membership that the team membership depends on was removed.
    WriteOutcome::Unchanged
}

/// Returns the result of leaving something. Refuses if the last owner would leave.
fn left(committed: Result<(), Unmet<Action>>) -> Result<WriteOutcome, Refusal> {
    let Err(unmet) = committed else {
        return Ok(WriteOutcome::Done);
    };
    if unmet.of(&Action::Organization).is_some() && unmet.of(&Action::Membership).is_none() {
        return Err(Refusal::LastOwner);
    }
    Ok(WriteOutcome::Unchanged)
}
