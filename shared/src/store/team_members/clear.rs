//! Removing what a deleted team leaves.

use crate::domain::Team;
use crate::store::rows::team_members::{from_row, page_of_team};
use crate::store::table::{Condition, key_of, text};
use crate::store::{Error, Store, keys};

impl Store {
    /// Removes all members of a deleted team. Memberships that remain after a failure or a timeout have no
    /// effect and are not shown anywhere.
    pub(in crate::store) async fn clear_team(&self, team: &Team) {
        let (tenant, id) = (&team.tenant_id, &team.id);
        let cleared = async {
            let mut after = None;
            loop {
                let (items, last) = page_of_team(&self.table, tenant, id, after.as_ref()).await?;
                let keys: Vec<_> = items.iter().flat_map(key_of).collect();
                self.table.delete_batch(&keys).await?;
                if last.is_none() {
                    return Ok::<_, Error>(());
                }
                after = last;
            }
        };
        let _ = tokio::time::timeout(self.table.retry_budget(), cleared).await;
    }

    /// Removes the members left in a team that was deleted at `deleted_at`, so that it can be restored without
    /// members.
    pub(in crate::store) async fn clear_left_over(
        &self,
        team: &Team,
        deleted_at: &str,
    ) -> Result<(), Error> {
        let (tenant, id) = (&team.tenant_id, &team.id);
        let mut after = None;
        loop {
            let (items, last) = page_of_team(&self.table, tenant, id, after.as_ref()).await?;
            for item in items {
                let user = from_row(item)?.user_id;
                // Keeps members who joined since: another request may have restored the team meanwhile.
                let before = Condition::new("#created_at <= :deleted_at")
                    .value(":deleted_at", text(deleted_at));
                let key = keys::team_membership(tenant, &user, id);
                self.table.delete(&key, before).await?;
            }
            if last.is_none() {
                return Ok(());
            }
            after = last;
        }
    }
}
