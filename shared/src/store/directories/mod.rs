//! Directories: their rows and operations.
//!
//! A tenant has at most one directory, which an item of the tenant names. An item of the deployment gives each Entra
//! tenant to one directory, another one has the hash of the token of a directory of type `scim`. They are written with
//! the directory, on the condition that they are absent.

mod create;
mod delete;
mod progress;
mod read;
mod rotate_token;
mod run_rows;
mod runs;
mod update;

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use crate::domain::{
    Directory, DirectoryId, DirectoryRun, DirectoryRunId, DirectorySettings, DirectoryStatus,
    DirectoryType, EntraDirectory, EventDraft, EventType, MembershipsOfDeleted, Name, ScimToken,
    Target, TargetType, TenantId, Timestamp, Transition, UserId,
};
use crate::store::keys::{self, GSI2};
use crate::store::rows::Recorded;
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, Unmet, from_item, to_item};
use crate::store::{Refusal, in_version, table};

pub use progress::{RunClaim, RunLease, origin_of_run};
pub use read::LoginDirectory;
pub use run_rows::{ConfirmedRun, OpenRun, RunState};
pub use runs::{WatchedDirectory, WatchedPlace};

/// Attributes that a change of a directory writes.
const CHANGEABLE: [&str; 9] = [
    "name",
    "status",
    "status_reason",
    "entra",
    "settings",
    "version",
    "updated_at",
    "gsi2pk",
    "gsi2sk",
];
/// Attribute of a directory that is being deleted: what happens to its memberships.
const DELETING: &str = "deleting";
/// Attribute of a directory that is being deleted: the last place in the list of users that is done.
const DONE_TO: &str = "done_to";
/// The status reason of a directory that is being deleted.
const BEING_DELETED: &str = "being deleted";

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct DirectoryRow {
    id: DirectoryId,
    tenant_id: TenantId,
    name: Name,
    #[serde(rename = "type")]
    directory_type: DirectoryType,
    status: DirectoryStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entra: Option<EntraDirectory>,
    settings: DirectorySettings,
    /// Absent before the first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_run: Option<DirectoryRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blocked_run_id: Option<DirectoryRunId>,
    version: u64,
    created_by: UserId,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Attributes of a directory that the API does not show.
#[derive(Deserialize)]
struct DeletionRow {
    #[serde(default)]
    deleting: Option<MembershipsOfDeleted>,
    #[serde(default)]
    done_to: Option<String>,
}

/// A directory, with its token if it is new or replaced.
#[derive(Clone, Debug)]
pub struct DirectoryWithToken {
    /// The directory.
    pub directory: Directory,
    /// The token of a directory of type `scim`.
    pub token: Option<ScimToken>,
}

/// A directory with its token, as stored in a record.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct RowWithToken {
    directory: DirectoryRow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// The attributes of the item that names the tenant's directory, and of the one that gives it its Entra tenant.
#[derive(Serialize, Deserialize)]
struct ClaimRow {
    tenant_id: TenantId,
    directory_id: DirectoryId,
}

fn to_row(directory: &Directory) -> Result<Item, table::Error> {
    let (tenant, id) = (&directory.tenant_id, &directory.id);
    let is_watched = directory.status != DirectoryStatus::Paused;
    let place = keys::directory_to_run(tenant, id);
    let in_index = if is_watched {
        place.attributes_of(GSI2)
    } else {
        Item::new()
    };
    let key = keys::directory(tenant, id);
    to_item(&directory.to_recorded(), [key.attributes(), in_index])
}

fn from_row(item: impl Borrow<Item>) -> Result<Directory, table::Error> {
    Directory::from_recorded(from_item(item)?)
}

impl Recorded for Directory {
    type Row = DirectoryRow;

    fn to_recorded(&self) -> DirectoryRow {
        let one = self.clone();
        DirectoryRow {
            id: one.id,
            tenant_id: one.tenant_id,
            name: one.name,
            directory_type: one.directory_type,
            status: one.status,
            status_reason: one.status_reason,
            entra: one.entra,
            settings: one.settings,
            last_run: one.last_run,
            blocked_run_id: one.blocked_run_id,
            version: one.version,
            created_by: one.created_by,
            created_at: one.created_at,
            updated_at: one.updated_at,
        }
    }

    fn from_recorded(row: DirectoryRow) -> Result<Self, table::Error> {
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            name: row.name,
            directory_type: row.directory_type,
            status: row.status,
            status_reason: row.status_reason,
            entra: row.entra,
            settings: row.settings,
            last_run: row.last_run,
            blocked_run_id: row.blocked_run_id,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl Recorded for DirectoryWithToken {
    type Row = RowWithToken;

    fn to_recorded(&self) -> RowWithToken {
        RowWithToken {
            directory: self.directory.to_recorded(),
            token: self.token.as_ref().map(ScimToken::expose_text),
        }
    }

    fn from_recorded(row: RowWithToken) -> Result<Self, table::Error> {
        let token = row.token.as_deref().map(str::parse);
        Ok(Self {
            directory: Directory::from_recorded(row.directory)?,
            token: token.transpose().map_err(table::Error::unreadable)?,
        })
    }
}

/// Labels of the actions in transactions on a directory.
#[derive(Clone, Copy, Debug, PartialEq)]
enum DirectoryAction {
    Directory,
    /// The item that names the tenant's directory.
    Only,
    /// The item that gives the Entra tenant to the directory.
    Claim,
    Domain,
    Deleted,
    /// The item with which requests of SCIM are authenticated.
    Access,
    /// The numbers of users and groups of SCIM.
    Count,
    /// The record of a change that a run of SCIM carries out.
    Pending,
    Membership,
    Record,
    /// The state of its runs.
    Run,
}

/// Returns the change that writes the fields of a directory.
fn to_change(after: &Directory) -> Result<ItemChange, table::Error> {
    Ok(ItemChange::taking(&CHANGEABLE, &to_row(after)?))
}

/// Returns the condition that the directory is in this version, and not being deleted.
fn unchanged(before: &Directory) -> Condition {
    in_version(before.version).and(Condition::new(format!("attribute_not_exists(#{DELETING})")))
}

/// Maps the failed conditions to a refusal, or to another attempt.
fn not_changed(unmet: &Unmet<DirectoryAction>) -> Unsettled {
    match unmet.of(&DirectoryAction::Directory) {
        Some(None) => Refusal::NotFound.into(),
        _ => Unsettled::Overtaken,
    }
}

fn event(event_type: EventType, transition: Transition<'_, Directory>) -> EventDraft {
    let one = transition.resource();
    let target = Target::new(
        TargetType::Directory,
        one.id.as_str(),
        Some(one.name.as_str()),
    );
    EventDraft::other(
        event_type,
        &one.tenant_id,
        None,
        target,
        transition,
        one.version,
    )
}

#[cfg(test)]
mod tests;
