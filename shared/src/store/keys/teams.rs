//! Keys of teams and their members.

use super::{Key, TEAM_MEMBERSHIP_PREFIX, name_part, user_partition, user_place};
use crate::domain::{FoldedName, OrganizationId, TeamId, TenantId, UserId};

/// Returns the key of a team.
pub(in crate::store) fn team(tenant: &TenantId, team: &TeamId) -> Key {
    Key::new(team_partition(tenant, team), "TEAM")
}

/// Returns the partition of a team; in [`GSI1`](super::GSI1), the partition of its members.
pub(in crate::store) fn team_partition(tenant: &TenantId, team: &TeamId) -> String {
    format!("TENANT#{tenant}#TEAM#{team}")
}

/// Returns the partition of an organization's teams in [`GSI1`](super::GSI1), or of the tenant's standalone teams.
pub(in crate::store) fn teams_partition(
    tenant: &TenantId,
    organization: Option<&OrganizationId>,
) -> String {
    match organization {
        Some(organization) => format!("TENANT#{tenant}#ORG#{organization}#TEAMS"),
        None => format!("TENANT#{tenant}#TEAMS"),
    }
}

/// Returns the sort key of a team in [`GSI1`](super::GSI1), which sorts by name.
pub(in crate::store) fn team_by_name(name: &FoldedName, team: &TeamId) -> String {
    format!("{}#{team}", name_part(name))
}

/// Returns the key of the reservation of a team's name in its organization.
pub(in crate::store) fn team_name_reservation(
    tenant: &TenantId,
    organization: &OrganizationId,
    name: &FoldedName,
) -> Key {
    Key::new(
        format!(
            "TENANT#{tenant}#ORG#{organization}#TEAMNAME#{}",
            name_part(name)
        ),
        "TEAMNAME",
    )
}

/// Returns the key of a team membership.
pub(in crate::store) fn team_membership(tenant: &TenantId, user: &UserId, team: &TeamId) -> Key {
    Key::new(
        user_partition(tenant, user),
        format!("{TEAM_MEMBERSHIP_PREFIX}{team}"),
    )
}

/// Returns the team in the key of a team membership.
pub(in crate::store) fn team_in(key: &Key) -> Option<TeamId> {
    TeamId::parse(key.sk.strip_prefix(TEAM_MEMBERSHIP_PREFIX)?).ok()
}

/// Returns the key of a team membership in [`GSI1`](super::GSI1), under its team.
pub(in crate::store) fn team_member(tenant: &TenantId, team: &TeamId, user: &UserId) -> Key {
    Key::new(team_partition(tenant, team), user_place(user))
}
