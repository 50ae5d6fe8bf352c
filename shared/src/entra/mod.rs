//! The login sync: groups of Microsoft Entra ID become organizations, teams and memberships.
//!
//! [`Directory::read`] reads all that matters, or fails as a whole; [`plan`] makes of it, and of what
//! the table has, a list of changes, each of which is one conditional write.

mod aws;
mod call;
mod directory;
mod error;
mod page;
mod plan;
mod reading;
mod rules;
mod settings;
mod sync;
mod token;

pub use aws::{AwsAccess, SecretArn};
pub use call::{CALL_TIMEOUT, MAX_BODY, http_client};
pub use directory::{ASSIGNED_GROUPS_LIFE, Directory, MAX_PAGES, MAX_ROWS};
pub use error::{Authority, Question, ReadError, Refusal, Silence, TokenError};
pub use page::pages;
pub use plan::{
    Change, Found, Held, HeldOrganization, HeldTeam, Lookups, Made, Naming, NewOrganization,
    NewTeam, Place, Plan, Step, TeamMove, lookups, plan,
};
pub use reading::{Assigned, AssignedGroup, ReadCounts, Reading};
pub use rules::{DEFAULT_ROLE, OnLeave, RoleMap, SyncRules};
pub use settings::{
    Credential, DEFAULT_BUDGET, DEFAULT_GRAPH_ENDPOINT, DirectorySettings, EntraSettings,
    MAX_BUDGET_MS,
};
pub use sync::{Counts, LoginSync, Outcome, Report, SyncLine};
