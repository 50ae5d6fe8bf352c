//! The login sync: groups of Microsoft Entra ID become organizations, teams and memberships.
//!
//! [`EntraReader::read`] reads everything for one login, or fails as a whole. [`plan`] compares it with the table and
//! returns a list of changes, each of which is one conditional write.

mod apply;
mod entra;
mod plan;
mod rules;
mod run;
mod scim;
mod snapshot;
mod sync;

pub use apply::report::{Counts, SyncOutcome, SyncReport};
pub use entra::aws::AwsAccess;
pub use entra::call::{CALL_TIMEOUT, MAX_BODY, http_client};
pub use entra::changes::{AccountChanges, Changes, DeltaLink, GroupChanges, MAX_FOLLOWED, Since};
pub use entra::directory::{ASSIGNED_GROUPS_LIFE, EntraReader, MAX_PAGES, MAX_ROWS};
pub use entra::domain_owner::DomainOwners;
pub use entra::error::{Authority, NoResponse, Question, ReadError, TokenError};
pub use entra::page::pages;
pub use entra::refusal::GraphRefusal;
pub use entra::settings::{
    Credential, DEFAULT_BUDGET, DEFAULT_GRAPH_ENDPOINT, EntraConnection, EntraSettings,
    MAX_BUDGET_MS,
};
pub use entra::stack_secret::StackSecret;
pub use muster::domain::{DEFAULT_ROLE, DirectorySettings, OnLeave, RoleMap, SecretArn};
pub use plan::{
    FoundItems, HeldMemberships, HeldOrganization, HeldTeam, Lookups, Naming, NewOrganization,
    NewTeam, Place, Plan, PlannedChange, Provisioned, Step, TeamMove, lookups, plan,
};
pub use run::{Failure, RunEnd, RunError, RunReport, RunTask, Runs};
pub use scim::{ScimEffect, ScimReport};
pub use snapshot::{Assigned, AssignedGroup, DirectorySnapshot, MappedMembership, ReadCounts};
pub use sync::{LoginSync, SyncLine};
