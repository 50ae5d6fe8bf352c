//! The users' requests and their outcomes.

use muster::domain::{Role, Status};
use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray, VariantNames};

use crate::table::{Id, Key};

/// A request of a user. The last three are steps of the user's login.
///
/// To disable and enable users, each caller has the token of a tenant admin. All else they do as a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names say it")]
#[derive(EnumDiscriminants, IntoStaticStr, VariantNames)]
#[strum_discriminants(name(RequestKind), vis(pub(crate)))]
pub enum Request {
    #[strum(serialize = "create organization")]
    Create { organization: Id, name: Id },
    #[strum(serialize = "rename organization")]
    Rename { organization: Id, name: Id },
    #[strum(serialize = "delete organization")]
    Delete { organization: Id },
    #[strum(serialize = "restore organization")]
    Restore { organization: Id },
    #[strum(serialize = "add member")]
    Add {
        organization: Id,
        user: Id,
        role: Role,
        status: Status,
    },
    /// Continues adding a user who has an open invitation already.
    #[strum(serialize = "add member again")]
    AddAgain {
        organization: Id,
        user: Id,
        role: Role,
        status: Status,
    },
    #[strum(serialize = "change role")]
    ChangeRole {
        organization: Id,
        user: Id,
        role: Role,
    },
    #[strum(serialize = "change status")]
    ChangeStatus {
        organization: Id,
        user: Id,
        status: Status,
    },
    #[strum(serialize = "remove member")]
    Remove { organization: Id, user: Id },
    #[strum(serialize = "accept invitation")]
    Accept { organization: Id },
    /// Makes the user an owner; the caller keeps the role.
    #[strum(serialize = "transfer ownership")]
    Transfer {
        organization: Id,
        user: Id,
        role: Role,
    },
    /// Invites the address of a user.
    #[strum(serialize = "create invitation")]
    Invite {
        organization: Id,
        user: Id,
        role: Role,
    },
    /// Issues a new token for the invitation of a user's address.
    #[strum(serialize = "resend invitation")]
    Resend { organization: Id, user: Id },
    #[strum(serialize = "revoke invitation")]
    Revoke { organization: Id, user: Id },
    /// Accepts the invitation of a user's address, which another user can do with its token.
    #[strum(serialize = "accept invitation by email")]
    AcceptByEmail { organization: Id, user: Id },
    #[strum(serialize = "decline invitation by email")]
    DeclineByEmail { organization: Id, user: Id },
    #[strum(serialize = "disable user")]
    Disable { user: Id },
    #[strum(serialize = "enable user")]
    Enable { user: Id },
    #[strum(serialize = "login joins")]
    Join { organization: Id },
    #[strum(serialize = "login leaves")]
    Leave { organization: Id },
    #[strum(serialize = "login suspends")]
    Suspend { organization: Id },
}

impl Request {
    /// The index in the names of all requests.
    pub(crate) fn kind(self) -> usize {
        RequestKind::from(self) as usize
    }

    /// The organization of the request, if it has one.
    pub fn organization(self) -> Option<Id> {
        match self {
            Self::Disable { .. } | Self::Enable { .. } => None,
            Self::Create { organization, .. }
            | Self::Rename { organization, .. }
            | Self::Delete { organization }
            | Self::Restore { organization }
            | Self::Add { organization, .. }
            | Self::AddAgain { organization, .. }
            | Self::ChangeRole { organization, .. }
            | Self::ChangeStatus { organization, .. }
            | Self::Remove { organization, .. }
            | Self::Accept { organization }
            | Self::Transfer { organization, .. }
            | Self::Invite { organization, .. }
            | Self::Resend { organization, .. }
            | Self::Revoke { organization, .. }
            | Self::AcceptByEmail { organization, .. }
            | Self::DeclineByEmail { organization, .. }
            | Self::Join { organization }
            | Self::Leave { organization }
            | Self::Suspend { organization } => Some(organization),
        }
    }

    /// Whether it is about an invitation by email.
    pub fn is_of_invitation(self) -> bool {
        matches!(
            self,
            Self::Invite { .. }
                | Self::Resend { .. }
                | Self::Revoke { .. }
                | Self::AcceptByEmail { .. }
                | Self::DeclineByEmail { .. }
        )
    }

    /// Whether it belongs to a login, which has no caller.
    pub fn is_of_sync(self) -> bool {
        matches!(
            self,
            Self::Join { .. } | Self::Leave { .. } | Self::Suspend { .. }
        )
    }

    /// The items whose versions the transaction requires. The first one is the item that it writes.
    pub fn pinned(self, caller: Id) -> impl Iterator<Item = Key> {
        let pinned = match self {
            Self::Transfer {
                organization, user, ..
            } => [
                Some(Key::Membership(organization, caller)),
                Some(Key::Membership(organization, user)),
                Some(Key::Organization(organization)),
            ],
            Self::AcceptByEmail { organization, user } => [
                Some(Key::Invitation(organization, user)),
                Some(Key::Membership(organization, caller)),
                None,
            ],
            other => [other.pinned_item(caller), None, None],
        };
        pinned.into_iter().flatten()
    }

    fn pinned_item(self, caller: Id) -> Option<Key> {
        match self {
            Self::Rename { organization, .. }
            | Self::Delete { organization }
            | Self::Restore { organization } => Some(Key::Organization(organization)),
            Self::ChangeRole {
                organization, user, ..
            }
            | Self::ChangeStatus {
                organization, user, ..
            }
            | Self::AddAgain {
                organization, user, ..
            }
            | Self::Remove { organization, user } => Some(Key::Membership(organization, user)),
            Self::Accept { organization }
            | Self::Leave { organization }
            | Self::Suspend { organization } => Some(Key::Membership(organization, caller)),
            Self::Resend { organization, user }
            | Self::Revoke { organization, user }
            | Self::DeclineByEmail { organization, user } => {
                Some(Key::Invitation(organization, user))
            }
            Self::Disable { user } | Self::Enable { user } => Some(Key::User(user)),
            Self::Create { .. }
            | Self::Add { .. }
            | Self::Transfer { .. }
            | Self::Invite { .. }
            | Self::AcceptByEmail { .. }
            | Self::Join { .. } => None,
        }
    }
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
#[expect(
    missing_docs,
    reason = "as in `muster::store::Error`, where they are that"
)]
pub enum RequestOutcome {
    /// Applied.
    Applied,
    /// No change needed, or changed before a login's write.
    Nothing,
    /// Reads and decides again.
    Again,
    NotFound,
    Forbidden,
    NameTaken,
    AlreadyMember,
    LastOwner,
    InvitationNotPending,
    InvitationNotValid,
    InvitationPending,
    DirectoryManaged,
    Invalid,
    Conflict,
    NotAnOrganizationMember,
    AlreadyInvited,
    UserDisabled,
    /// The invitation by email has ended. The response depends on how.
    Ended,
}
