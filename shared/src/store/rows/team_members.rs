//! Team memberships.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::Recorded;
use crate::domain::{
    OrganizationId, Source, Status, TeamId, TeamMembership, TeamRole, TenantId, Timestamp, UserId,
};
use crate::store::keys::{GSI1, USER_PREFIX};
use crate::store::table::{Condition, Item, Query, Table, from_item, number, text, to_item};
use crate::store::{keys, table};

/// Number of members of a team that one page reads: as many as one call deletes.
const PAGE: usize = 25;

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct TeamMembershipRow {
    tenant_id: TenantId,
    team_id: TeamId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    user_id: UserId,
    role: TeamRole,
    status: Status,
    source: Source,
    version: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(in crate::store) fn to_row(membership: &TeamMembership) -> Result<Item, table::Error> {
    let TeamMembership {
        tenant_id,
        team_id,
        user_id,
        ..
    } = membership.clone();
    let keys = [
        keys::team_membership(&tenant_id, &user_id, &team_id).attributes(),
        keys::team_member(&tenant_id, &team_id, &user_id).attributes_of(GSI1),
    ];
    to_item(&membership.to_recorded(), keys)
}

pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<TeamMembership, table::Error> {
    TeamMembership::from_recorded(from_item(item)?)
}

/// Reads a page of the members of a team, of any status, after this user. Returns their items, and the user to continue
/// after. The index is eventually consistent: it may still contain a membership that was deleted a moment ago.
pub(in crate::store) async fn page_of_team(
    table: &Table,
    tenant: &TenantId,
    team: &TeamId,
    after: Option<&UserId>,
) -> Result<(Vec<Item>, Option<UserId>), table::Error> {
    let partition = keys::team_partition(tenant, team);
    let place = |user: &UserId| {
        let mut place = keys::team_membership(tenant, user, team).attributes();
        place.extend(keys::team_member(tenant, team, user).attributes_of(GSI1));
        place
    };
    let query = Query::in_partition(Some(GSI1), partition, USER_PREFIX)
        .after(after.map(place))
        .limit(PAGE);
    let page = table.query(query).await?;
    let last = page.next.as_deref().map(|place| {
        let user = keys::user_at(place);
        user.ok_or_else(|| table::Error::defect("a member of a team without a user"))
    });
    Ok((page.items, last.transpose()?))
}

impl Recorded for TeamMembership {
    type Row = TeamMembershipRow;

    fn to_recorded(&self) -> TeamMembershipRow {
        TeamMembershipRow {
            tenant_id: self.tenant_id.clone(),
            team_id: self.team_id.clone(),
            organization_id: self.organization_id.clone(),
            user_id: self.user_id.clone(),
            role: self.role,
            status: self.status,
            source: self.source,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn from_recorded(row: TeamMembershipRow) -> Result<Self, table::Error> {
        Ok(Self {
            tenant_id: row.tenant_id,
            team_id: row.team_id,
            organization_id: row.organization_id,
            user_id: row.user_id,
            role: row.role,
            status: row.status,
            source: row.source,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(in crate::store) fn as_read(membership: &TeamMembership) -> Condition {
    // Includes the creation time, because a membership that is created again starts with the same version.
    Condition::new("#version = :before AND #created_at = :made")
        .value(":before", number(membership.version))
        .value(":made", text(membership.created_at.to_string()))
}
