//! The responses of a history.

use muster::domain::{InvitationStatus, Role, Status};
use muster_model::table::Id;

/// A response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HistoryResponse {
    /// A problem with this code.
    Problem(&'static str),
    /// An organization.
    Organization {
        /// The number of its name.
        name: Id,
        /// Its version.
        version: u32,
        /// Whether this request created it.
        is_new: bool,
    },
    /// A membership.
    Membership {
        /// Its role.
        role: Role,
        /// Its status.
        status: Status,
        /// Its version.
        version: u32,
        /// Whether this request created it.
        is_new: bool,
    },
    /// A user, and whether they are disabled.
    User {
        /// Whether they are disabled.
        is_disabled: bool,
    },
    /// An invitation by email.
    Invitation {
        /// Its role.
        role: Role,
        /// Its status.
        status: InvitationStatus,
        /// Its version.
        version: u32,
        /// The number of its tokens.
        sends: u32,
        /// The user who accepted it.
        accepted_by: Option<Id>,
        /// Whether this request created it.
        is_new: bool,
    },
    /// No content.
    Gone,
}
