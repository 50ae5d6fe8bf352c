//! Teams.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

use super::Recorded;
use crate::domain::{
    Description, FoldedName, Limits, Metadata, Name, OrganizationId, Source, Team, TeamId,
    TenantId, Timestamp, UserId,
};
use crate::store::keys::{GSI1, Key};
use crate::store::table::{Condition, Item, from_item, text, to_item};
use crate::store::{keys, table};

/// Attribute of a deleted team that the login sync had created. The item remains as a tombstone, so that the
/// sync does not create the team again. It is not in any list.
pub(in crate::store) const DELETED_AT: &str = "deleted_at";

/// Attribute of a team that the sync created as a standalone team because its organization could not be
/// created, and of the team memberships created in it meanwhile: the id of that organization. Removed once they
/// are in the organization.
pub(in crate::store) const AWAITS_ORGANIZATION: &str = "awaits_organization";

/// The attributes of the item, except its keys.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct TeamRow {
    id: TeamId,
    tenant_id: TenantId,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization_id: Option<OrganizationId>,
    name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Description>,
    is_default: bool,
    limits: Limits,
    /// JSON, because DynamoDB's numbers differ from those of JSON.
    metadata: String,
    source: Source,
    version: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<UserId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

pub(in crate::store) fn to_row(team: &Team) -> Result<Item, table::Error> {
    let in_index = Key {
        pk: keys::teams_partition(&team.tenant_id, team.organization_id.as_ref()),
        sk: keys::team_by_name(&team.name.folded(), &team.id),
    };
    let keys = [
        keys::team(&team.tenant_id, &team.id).attributes(),
        in_index.attributes_of(GSI1),
    ];
    to_item(&team.to_recorded(), keys)
}

pub(in crate::store) fn from_row(item: impl Borrow<Item>) -> Result<Team, table::Error> {
    Team::from_recorded(from_item(item)?)
}

/// Returns the team, or `None` if the item is the tombstone of a deleted team.
pub(in crate::store) fn live_from_row(
    item: impl Borrow<Item>,
) -> Result<Option<Team>, table::Error> {
    if item.borrow().contains_key(DELETED_AT) {
        return Ok(None);
    }
    from_row(item).map(Some)
}

impl Recorded for Team {
    type Row = TeamRow;

    fn to_recorded(&self) -> TeamRow {
        TeamRow {
            id: self.id.clone(),
            tenant_id: self.tenant_id.clone(),
            organization_id: self.organization_id.clone(),
            name: self.name.clone(),
            description: self.description.clone(),
            is_default: self.is_default,
            limits: self.limits.clone(),
            metadata: self.metadata.to_json(),
            source: self.source,
            version: self.version,
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }

    fn from_recorded(row: TeamRow) -> Result<Self, table::Error> {
        let metadata: Metadata =
            serde_json::from_str(&row.metadata).map_err(table::Error::unreadable)?;
        Ok(Self {
            id: row.id,
            tenant_id: row.tenant_id,
            organization_id: row.organization_id,
            name: row.name,
            description: row.description,
            is_default: row.is_default,
            limits: row.limits,
            metadata,
            source: row.source,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// Returns the name under which a stored team is reserved in its organization. The name of a team from the
/// first release may be reserved in the form in which that release compared names. The sort key in the list by
/// name shows the form.
pub(in crate::store) fn reserved_name(item: &Item, team: &Team) -> FoldedName {
    let before = team.name.folded_in_first_release();
    let is_reserved_so =
        |name: &FoldedName| item.get("gsi1sk") == Some(&text(keys::team_by_name(name, &team.id)));
    before
        .filter(is_reserved_so)
        .unwrap_or_else(|| team.name.folded())
}

/// Returns the condition that the team exists and is not deleted.
pub(in crate::store) fn is_there() -> Condition {
    Condition::new(format!(
        "attribute_exists(#pk) AND attribute_not_exists(#{DELETED_AT})"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_of_the_first_release_is_reserved_as_listed() {
        let name: Name = serde_json::from_value("Sales\u{2800}".into()).unwrap();
        let tenant = TenantId::parse("acme").unwrap();
        let ada = UserId::parse("ada").unwrap();
        let id = TeamId::parse("t").unwrap();
        let team = Team::new(
            id.clone(),
            tenant,
            None,
            name.clone(),
            ada,
            Timestamp::EPOCH,
        );
        let before = name.folded_in_first_release().unwrap();
        for folded in [before, name.folded()] {
            let place = text(keys::team_by_name(&folded, &id));
            let item = Item::from([("gsi1sk".to_owned(), place)]);
            assert_eq!(reserved_name(&item, &team), folded);
        }
    }
}
