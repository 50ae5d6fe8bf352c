//! The data of the runs of a directory in the table: the progress on an item of its own, the record of each run, and
//! attributes of the directory.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{
    DirectoryRun, DirectoryRunId, RunKind, RunNumbers, TenantId, Timestamp, UserId,
};
use crate::store::keys;
use crate::store::table::{self, Item, to_item};

/// How long the record of a run is kept.
const KEPT: Duration = Duration::from_hours(90 * 24);

/// Attribute of the item: the progress, as JSON.
pub(super) const STATE: &str = "state";

/// Attribute of the item: the blocked run that a tenant admin has confirmed, as JSON.
pub(super) const CONFIRMED: &str = "confirmed";

/// Attribute of a directory: the latest blocked run, until one succeeds.
pub(super) const BLOCKED: &str = "blocked_run_id";

/// Attribute of a directory: the end of the last run that could read it.
pub(super) const READ_AT: &str = "read_at";

/// State that is kept between the runs of a directory, and while one is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunState {
    /// The run under way.
    pub open: Option<OpenRun>,
    /// Links to the changes since the last run: of groups, and of accounts.
    pub group_links: Vec<String>,
    /// As `group_links`, of accounts.
    pub account_link: Option<String>,
    /// Fingerprint of what the links follow and of the settings that were applied. Another value needs a complete run.
    pub followed: String,
    /// Number of groups assigned to the application in the last run.
    pub groups: usize,
    /// Memberships that the directory gives.
    pub given: u64,
    /// Whether accounts were read, with what they say about being enabled: the application may read that.
    pub sees_accounts: bool,
    /// The end of the last complete run.
    pub complete_at: Option<Timestamp>,
    /// Users whom the last run could not read.
    pub again: Vec<UserId>,
}

/// A run under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenRun {
    /// The id.
    pub id: DirectoryRunId,
    /// Its scope.
    pub kind: RunKind,
    /// The fingerprint ([`RunState::followed`]) when a complete run began; empty in a run of changes. If it differs at the
    /// end, another complete run is needed.
    #[serde(default)]
    pub followed: String,
    /// Who asked for it.
    pub requested_by: Option<UserId>,
    /// The start.
    pub started_at: Timestamp,
    /// Whether everything is counted, and what is taken away is taken away now.
    pub takes_away: bool,
    /// Number of memberships taken away so far: those that ended, and those of users who were disabled.
    pub taken: u64,
    /// The place of the last user who is done.
    pub done_to: Option<String>,
    /// The numbers so far.
    pub numbers: RunNumbers,
    /// The links that replace those of the state at the end.
    pub group_links: Vec<String>,
    /// As `group_links`, of accounts.
    pub account_link: Option<String>,
    /// Users who could not be read.
    pub again: Vec<UserId>,
    /// Number of users who could not be followed.
    #[serde(default)]
    pub unread: u64,
    /// Whether it has read accounts, as in the state.
    #[serde(default)]
    pub sees_accounts: bool,
    /// The numbers when a run of changes became a complete one, and started again.
    #[serde(default)]
    pub earlier: RunNumbers,
    /// Users from whom something is to be taken away; `None` if there are too many to name.
    pub leaving: Option<Vec<UserId>>,
}

/// A blocked run that a tenant admin has confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfirmedRun {
    /// The run.
    pub run_id: DirectoryRunId,
    /// How many memberships the next run may end.
    pub may_end: u64,
}

/// The attributes of the record of a run, except its keys.
#[derive(Serialize, Deserialize)]
pub(super) struct RunRow {
    #[serde(flatten)]
    pub(super) run: DirectoryRun,
    /// In seconds since 1970.
    expires_at: i64,
}

/// Returns the item that records a run.
pub(super) fn row_of(tenant: &TenantId, run: &DirectoryRun) -> Result<Item, table::Error> {
    let row = RunRow {
        run: run.clone(),
        expires_at: run.ended_at.after(KEPT).as_second(),
    };
    let key = keys::run(tenant, &run.directory_id, &run.id);
    to_item(&row, [key.attributes(), Item::new()])
}

pub(super) fn json(value: &impl Serialize) -> Result<String, table::Error> {
    serde_json::to_string(value).map_err(table::Error::defect)
}

pub(super) fn parsed<T: for<'de> Deserialize<'de>>(
    item: &Item,
    attribute: &str,
) -> Result<Option<T>, table::Error> {
    let Some(value) = item.get(attribute) else {
        return Ok(None);
    };
    let text = value.as_s().map_err(|_| table::Error::defect("no text"))?;
    serde_json::from_str(text)
        .map(Some)
        .map_err(table::Error::defect)
}
