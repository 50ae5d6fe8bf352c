//! Reads the directory again before something is taken away.

use tokio::time::Instant;

use crate::entra::directory::EntraReader;
use crate::entra::error::ReadError;
use crate::plan::{self, HeldMemberships};
use crate::snapshot::DirectorySnapshot;
use muster::domain::{Clock, DirectorySettings, EntraObjectId};

/// Confirms a snapshot that may remove access. Returns a snapshot that removes nothing as it is. Otherwise reads
/// both lists again, which must match the first snapshot.
///
/// Cached assigned groups may be out of date without any contradiction: the group may have been assigned since,
/// and another instance of the function that saw this may have created the membership. In this case the second
/// snapshot replaces the first.
pub(crate) async fn confirmed(
    directory: &EntraReader,
    rules: &DirectorySettings,
    clock: &Clock,
    user: &EntraObjectId,
    mut reading: DirectorySnapshot,
    held: &HeldMemberships,
    deadline: Instant,
) -> Result<DirectorySnapshot, ReadError> {
    while plan::takes_away(&reading, held, rules) {
        let again = directory
            .read_again(user, clock.now(), deadline)
            .await?
            .under(rules);
        if again.agrees_with(&reading) {
            return Ok(again);
        }
        if !reading.is_kept() || !again.has_groups_of(&reading) {
            return Err(ReadError::Contradictory);
        }
        reading = again;
    }
    Ok(reading)
}

/// Returns the snapshot of a directory of a tenant's own, or an error if memberships would end because no group at all is
/// assigned to the application: it had the groups that gave them.
pub(crate) fn not_emptied(
    reading: DirectorySnapshot,
    held: &HeldMemberships,
    rules: &DirectorySettings,
) -> Result<DirectorySnapshot, ReadError> {
    if reading.is_of_empty_application() && plan::ending(&reading, held, rules) > 0 {
        return Err(ReadError::Emptied);
    }
    Ok(reading)
}
