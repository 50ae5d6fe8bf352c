//! Who may call SCIM on a directory.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{
    DirectoryId, DirectoryStatus, ScimScope, ScimToken, ScimTokenHash, TenantId, Timestamp,
};
use crate::store::keys;
use crate::store::table::{Item, ItemChange, from_item, number, text, to_item};
use crate::store::{Error, Store, table};

/// How long the token before the last rotation works.
const OVERLAP: Duration = Duration::from_hours(24);

/// The attributes of the item with which requests are authenticated, except its keys.
#[derive(Serialize, Deserialize)]
struct AccessRow {
    tenant_id: TenantId,
    directory_id: DirectoryId,
    token_hash: ScimTokenHash,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_hash: Option<ScimTokenHash>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_until: Option<i64>,
    status: DirectoryStatus,
}

/// The access that a SCIM request has.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimAccess {
    /// The directory.
    pub scope: ScimScope,
    /// Its status. A directory that is not active can be read only.
    pub status: DirectoryStatus,
}

/// Returns the item of a new directory.
pub(in crate::store) fn access_row(
    scope: &ScimScope,
    hash: ScimTokenHash,
) -> Result<Item, table::Error> {
    let row = AccessRow {
        tenant_id: scope.tenant_id.clone(),
        directory_id: scope.directory_id.clone(),
        token_hash: hash,
        previous_hash: None,
        previous_until: None,
        status: DirectoryStatus::Active,
    };
    let key = keys::scim_access(&scope.directory_id);
    to_item(&row, [key.attributes(), Item::new()])
}

/// Returns the change that replaces the token. The one before works for a day longer.
pub(in crate::store) fn rotate(hash: ScimTokenHash, now: Timestamp) -> ItemChange {
    ItemChange::new()
        .copy("previous_hash", "token_hash")
        .set("previous_until", number(now.after(OVERLAP).as_second()))
        .set("token_hash", text(String::from(hash)))
}

/// Returns the change that lets requests change users and groups, or only read them.
pub(in crate::store) fn set_status(status: DirectoryStatus) -> ItemChange {
    ItemChange::new().set("status", text(status.as_str()))
}

impl Store {
    /// Returns what a token may do to a directory; `None` if it is not a token of the directory, or there is no such
    /// directory. Makes one read. Compares the token in constant time.
    pub async fn scim_access(
        &self,
        directory: &DirectoryId,
        token: &ScimToken,
        now: Timestamp,
    ) -> Result<Option<ScimAccess>, Error> {
        let Some(item) = self.table.get(&keys::scim_access(directory)).await? else {
            return Ok(None);
        };
        let row: AccessRow = from_item(item)?;
        let hash = token.hash();
        let is_current = row.token_hash.is_same(&hash);
        let is_previous = row
            .previous_hash
            .is_some_and(|previous| previous.is_same(&hash));
        let overlaps = row
            .previous_until
            .is_some_and(|until| now.as_second() < until);
        Ok(
            (is_current || is_previous && overlaps).then_some(ScimAccess {
                scope: ScimScope {
                    tenant_id: row.tenant_id,
                    directory_id: row.directory_id,
                },
                status: row.status,
            }),
        )
    }
}
