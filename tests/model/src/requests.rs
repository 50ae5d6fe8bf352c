//! The users' requests and their outcomes.

use muster::domain::{Role, Status};

use crate::table::{Id, Key};

/// A request of a user. The last three are steps of the user's login.
///
/// To disable and enable users, each caller has the token of a tenant admin. All else they do as a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Request {
    Create {
        organization: Id,
        name: Id,
    },
    Rename {
        organization: Id,
        name: Id,
    },
    Delete {
        organization: Id,
    },
    Restore {
        organization: Id,
    },
    Add {
        organization: Id,
        user: Id,
        role: Role,
        status: Status,
    },
    /// Continues adding a user who has an open invitation already.
    AddAgain {
        organization: Id,
        user: Id,
        role: Role,
        status: Status,
    },
    ChangeRole {
        organization: Id,
        user: Id,
        role: Role,
    },
    ChangeStatus {
        organization: Id,
        user: Id,
        status: Status,
    },
    Remove {
        organization: Id,
        user: Id,
    },
    Accept {
        organization: Id,
    },
    /// Makes the user an owner; the caller keeps the role.
    Transfer {
        organization: Id,
        user: Id,
        role: Role,
    },
    /// Invites the address of a user.
    Invite {
        organization: Id,
        user: Id,
        role: Role,
    },
    /// Issues a new token for the invitation of a user's address.
    Resend {
        organization: Id,
        user: Id,
    },
    Revoke {
        organization: Id,
        user: Id,
    },
    /// Accepts the invitation of a user's address, which another user can do with its token.
    AcceptByEmail {
        organization: Id,
        user: Id,
    },
    DeclineByEmail {
        organization: Id,
        user: Id,
    },
    Disable {
        user: Id,
    },
    Enable {
        user: Id,
    },
    Join {
        organization: Id,
    },
    Leave {
        organization: Id,
    },
    Suspend {
        organization: Id,
    },
}

impl Request {
    /// The names of all kinds, for counts.
    pub const NAMES: [&str; 21] = [
        "create organization",
        "rename organization",
        "delete organization",
        "restore organization",
        "add member",
        "change role",
        "change status",
        "remove member",
        "accept invitation",
        "login joins",
        "login leaves",
        "login suspends",
        "add member again",
        "transfer ownership",
        "create invitation",
        "resend invitation",
        "revoke invitation",
        "accept invitation by email",
        "decline invitation by email",
        "disable user",
        "enable user",
    ];

    /// The index in [`Self::NAMES`].
    pub fn kind(self) -> usize {
        match self {
            Self::Create { .. } => 0,
            Self::Rename { .. } => 1,
            Self::Delete { .. } => 2,
            Self::Restore { .. } => 3,
            Self::Add { .. } => 4,
            Self::ChangeRole { .. } => 5,
            Self::ChangeStatus { .. } => 6,
            Self::Remove { .. } => 7,
            Self::Accept { .. } => 8,
            Self::Join { .. } => 9,
            Self::Leave { .. } => 10,
            Self::Suspend { .. } => 11,
            Self::AddAgain { .. } => 12,
            Self::Transfer { .. } => 13,
            Self::Invite { .. } => 14,
            Self::Resend { .. } => 15,
            Self::Revoke { .. } => 16,
            Self::AcceptByEmail { .. } => 17,
            Self::DeclineByEmail { .. } => 18,
            Self::Disable { .. } => 19,
            Self::Enable { .. } => 20,
        }
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

impl RequestOutcome {
    /// All outcomes.
    pub const ALL: [Self; 18] = [
        Self::Applied,
        Self::Nothing,
        Self::Again,
        Self::NotFound,
        Self::Forbidden,
        Self::NameTaken,
        Self::AlreadyMember,
        Self::LastOwner,
        Self::InvitationNotPending,
        Self::InvitationNotValid,
        Self::InvitationPending,
        Self::DirectoryManaged,
        Self::Invalid,
        Self::Conflict,
        Self::NotAnOrganizationMember,
        Self::AlreadyInvited,
        Self::UserDisabled,
        Self::Ended,
    ];
}
