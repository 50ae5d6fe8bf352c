//! Keys of directories, of their runs, and of accounts in them.

use super::{Key, user_partition};
use crate::domain::{DirectoryId, DirectoryRunId, EntraId, EntraObjectId, TenantId, UserId};

/// Sort key prefix of a directory.
pub(in crate::store) const DIRECTORY_PREFIX: &str = "DIRECTORY#";

/// Returns the partition of a tenant's directories.
pub(in crate::store) fn directories_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#DIRECTORIES")
}

/// Returns the key of a directory.
pub(in crate::store) fn directory(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("{DIRECTORY_PREFIX}{directory}"))
}

/// Returns the key of a directory with this sort key.
pub(in crate::store) fn directory_at(tenant: &TenantId, place: impl Into<String>) -> Key {
    Key::new(directories_partition(tenant), place)
}

/// Returns the key of the item that names the tenant's only directory of Entra.
pub(in crate::store) fn entra_directory(tenant: &TenantId) -> Key {
    directory_at(tenant, "ENTRA")
}

/// Returns the key of what is left of a deleted directory, for logins that were under way.
pub(in crate::store) fn deleted_directory(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("DELETED#{directory}"))
}

/// Returns the key of the item that gives an Entra tenant to one directory of the deployment. No tenant has an empty
/// id.
pub(in crate::store) fn entra_claim(tenant: &EntraId) -> Key {
    Key::new(format!("TENANT##ENTRA#{tenant}"), "ENTRA")
}

/// Returns the partition in [`GSI2`](super::GSI2) of the directories of all tenants that runs read. No tenant has an empty id.
pub(in crate::store) fn runs_partition() -> String {
    "TENANT##RUNS".to_owned()
}

/// Returns the place of a directory in that partition.
pub(in crate::store) fn directory_to_run(tenant: &TenantId, directory: &DirectoryId) -> Key {
    Key::new(runs_partition(), format!("{tenant}#{directory}"))
}

/// Returns the key of what is kept between the runs of a directory.
pub(in crate::store) fn run_state(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("RUNS#{directory}"))
}

/// Returns the partition of what belongs to a directory.
pub(in crate::store) fn directory_partition(tenant: &TenantId, directory: &DirectoryId) -> String {
    format!("TENANT#{tenant}#DIRECTORY#{directory}")
}

/// Sort key prefix of a run.
pub(in crate::store) const RUN_PREFIX: &str = "RUN#";

/// Returns the key of a run of a directory.
pub(in crate::store) fn run(
    tenant: &TenantId,
    directory: &DirectoryId,
    run: &DirectoryRunId,
) -> Key {
    let partition = directory_partition(tenant, directory);
    Key::new(partition, format!("{RUN_PREFIX}{run}"))
}

/// Returns the key of the item that lists a user by the object id of their account in [`GSI3`](super::GSI3). In the user's partition it
/// sorts before all memberships.
pub(in crate::store) fn account_entry(tenant: &TenantId, user: &UserId) -> Key {
    Key::new(user_partition(tenant, user), "ACCOUNT")
}

/// Returns the partition in [`GSI3`](super::GSI3) of the users with this account in Entra: one, or several who sign in through
/// different user pools.
pub(in crate::store) fn users_of_account(tenant: &TenantId, account: &EntraObjectId) -> String {
    let account = account.as_str().to_ascii_lowercase();
    format!("TENANT#{tenant}#ACCOUNT#{account}")
}
