//! Items that a list or a token only shows, and that are read with eventual consistency.

use std::collections::HashMap;
use std::time::Duration;

use super::Store;
use super::keys::Key;
use super::table::{self, Item};
use crate::domain::{Membership, TeamMembership, Timestamp};

/// How long after a write an eventually consistent read may not have it. DynamoDB usually needs less than a second.
const SETTLES_WITHIN: Duration = Duration::from_mins(1);

/// Items to read that do not decide about access: organizations and teams. Every write of a user to one of them also
/// writes their own membership ([`require`](super::access::require)). So an item is settled, and half the read units
/// suffice, if the membership, which was read with strong consistency, was not written a moment ago: users read their
/// own writes.
#[derive(Default)]
pub(super) struct ShownItems {
    unsettled: Vec<Key>,
    settled: Vec<Key>,
}

impl ShownItems {
    /// Adds an item to read.
    pub(super) fn add(&mut self, key: Key, is_settled: bool) {
        if is_settled {
            self.settled.push(key);
        } else {
            self.unsettled.push(key);
        }
    }
}

impl Store {
    /// Reads these items, in up to two concurrent calls.
    pub(super) async fn shown(
        &self,
        items: &ShownItems,
    ) -> Result<HashMap<Key, Item>, table::Error> {
        let unsettled: Vec<_> = items.unsettled.iter().collect();
        let settled: Vec<_> = items.settled.iter().collect();
        let (mut found, settled) = tokio::try_join!(
            self.table.get_all(&unsettled),
            self.table.get_all_eventually(&settled)
        )?;
        // A key in both was read with strong consistency too.
        for (key, item) in settled {
            found.entry(key).or_insert(item);
        }
        Ok(found)
    }
}

/// A membership that shows when its user wrote last.
pub(super) trait Settles {
    /// Returns whether an eventually consistent read has the last write of the user, as far as the membership shows it.
    fn is_settled(&self, now: Timestamp) -> bool;
}

impl Settles for Membership {
    /// Returns whether neither the membership was changed, nor did its user write to the organization, a moment ago.
    fn is_settled(&self, now: Timestamp) -> bool {
        let written = self.last_active_at.max(Some(self.updated_at));
        written < Some(now.before(SETTLES_WITHIN))
    }
}

impl Settles for TeamMembership {
    /// Returns whether the membership was not changed a moment ago. A write of its user to the team is not known from it.
    fn is_settled(&self, now: Timestamp) -> bool {
        self.updated_at < now.before(SETTLES_WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{OrganizationId, Role, Status, Team, TeamId, TeamRole, TenantId, UserId};

    #[test]
    fn memberships_settle_only_after_a_minute() {
        let at = Timestamp::EPOCH;
        let tenant = TenantId::parse("acme").unwrap();
        let organization = OrganizationId::parse("o").unwrap();
        let user = UserId::parse("ada").unwrap();
        let team = Team::new(
            TeamId::parse("t").unwrap(),
            tenant.clone(),
            Some(organization.clone()),
            "Sales".parse().unwrap(),
            user.clone(),
            at,
        );
        let in_team = TeamMembership::new(&team, user.clone(), TeamRole::Member, at);
        let mut membership =
            Membership::new(tenant, organization, user, Role::Member, Status::Active, at);
        let (minute, later) = (
            at.after(SETTLES_WITHIN),
            at.after(SETTLES_WITHIN + Duration::from_millis(1)),
        );
        assert!(!membership.is_settled(at) && !in_team.is_settled(at));
        assert!(!membership.is_settled(minute) && !in_team.is_settled(minute));
        assert!(membership.is_settled(later) && in_team.is_settled(later));
        // What the user writes in the organization counts as well.
        membership.last_active_at = Some(minute);
        assert!(!membership.is_settled(later));
    }
}
