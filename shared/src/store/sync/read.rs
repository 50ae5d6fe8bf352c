//! Reads of the sync before it plans.

use crate::store::table::{Item, in_partition, text_of};
use crate::store::{Error, Store, table, users};
use std::collections::BTreeMap;

use super::{
    CurrentMemberships, FoundOrganization, FoundTeam, MembershipMarks, TeamMembershipMarks,
};
use crate::domain::{GroupId, Name, OrganizationId, Role, TeamId, TenantId, UserId};
use crate::store::keys::{self, MEMBERSHIP_PREFIX, TEAM_MEMBERSHIP_PREFIX};
use crate::store::rows::known_user::{KnownUser, MADE};
use crate::store::rows::members::{JOINED_TEAMS, MAPPED_FROM, SUSPENDED_BY, SYNCED_ROLE};
use crate::store::rows::names::ProfileCopy;
use crate::store::rows::organizations::SYNCED_NAME;
use crate::store::rows::teams::AWAITS_ORGANIZATION;
use crate::store::rows::users::DIRECTORY_ADMIN;
use crate::store::rows::{members, organizations, team_members, teams};

impl Store {
    /// Returns all memberships and team memberships of a user. Makes one `Query`, paged if there are many.
    pub async fn current_memberships(
        &self,
        tenant: &TenantId,
        user: &UserId,
    ) -> Result<CurrentMemberships, Error> {
        let mut current = CurrentMemberships::default();
        let partition = keys::user_partition(tenant, user);
        let all = in_partition(None, partition.clone(), String::new());
        let items = self.table.query_all(&partition, all, None).await?;
        for item in items {
            let sort_key = text_of(&item, "sk")?.to_owned();
            if sort_key.starts_with(MEMBERSHIP_PREFIX) {
                let joined = item.get(JOINED_TEAMS).cloned();
                let marks = MembershipMarks {
                    synced_role: synced_role(&item)?,
                    is_suspended: is_suspended_by_sync(&item),
                    mapped_from: mapped_from(&item)?,
                };
                let copy = ProfileCopy::of(&item)?;
                let membership = members::from_row(item)?;
                let id = membership.organization_id.clone();
                if let Some(copy) = copy {
                    current.copies.insert(id.clone(), copy);
                }
                current.joined_teams.insert(id.clone(), joined);
                current.marks.insert(id.clone(), marks);
                current.organizations.insert(id, membership);
            } else if sort_key.starts_with(TEAM_MEMBERSHIP_PREFIX) {
                let marks = TeamMembershipMarks {
                    is_suspended: is_suspended_by_sync(&item),
                    awaits_organization: item.contains_key(AWAITS_ORGANIZATION),
                };
                let membership = team_members::from_row(item)?;
                let id = membership.team_id.clone();
                current.team_marks.insert(id, marks);
                current.teams.insert(membership.team_id.clone(), membership);
            } else if sort_key == keys::account_entry(tenant, user).sk {
                current.seen_in = users::accounts::seen_in(&item);
            } else if sort_key == keys::user(tenant, user).sk {
                current.is_directory_admin = item.contains_key(DIRECTORY_ADMIN);
                current.known = Some(KnownUser::read(item)?);
            }
        }
        Ok(current)
    }

    /// Returns the fingerprint of what has been created in the tenant.
    pub async fn provisioned_fingerprint(
        &self,
        tenant: &TenantId,
    ) -> Result<Option<String>, Error> {
        let item = self
            .table
            .get(&keys::provisioned_fingerprint(tenant))
            .await?
            .unwrap_or_default();
        Ok(item.get(MADE).and_then(|mark| mark.as_s().ok()).cloned())
    }

    /// Returns the organizations of these ids that exist, including deleted ones.
    pub async fn found_organizations(
        &self,
        tenant: &TenantId,
        ids: &[OrganizationId],
    ) -> Result<BTreeMap<OrganizationId, FoundOrganization>, Error> {
        let keys: Vec<_> = ids
            .iter()
            .map(|id| keys::organization(tenant, id))
            .collect();
        let keys: Vec<_> = keys.iter().collect();
        let mut found = BTreeMap::new();
        for item in self.table.get_all(&keys).await?.into_values() {
            let synced_name = synced_name(&item)?;
            let organization = organizations::from_row(item)?;
            found.insert(
                organization.id.clone(),
                FoundOrganization {
                    is_live: organization.is_live(),
                    name: organization.name,
                    synced_name,
                    version: organization.version,
                },
            );
        }
        Ok(found)
    }

    /// Returns the teams of these ids that exist, including tombstones of deleted ones.
    pub async fn found_teams(
        &self,
        tenant: &TenantId,
        ids: &[TeamId],
    ) -> Result<BTreeMap<TeamId, FoundTeam>, Error> {
        let keys: Vec<_> = ids.iter().map(|id| keys::team(tenant, id)).collect();
        let keys: Vec<_> = keys.iter().collect();
        let mut found = BTreeMap::new();
        for item in self.table.get_all(&keys).await?.into_values() {
            let synced_name = synced_name(&item)?;
            let is_live = !item.contains_key(teams::DELETED_AT);
            let awaits_organization = item.contains_key(AWAITS_ORGANIZATION);
            let team = teams::from_row(item)?;
            found.insert(
                team.id.clone(),
                FoundTeam {
                    is_live,
                    organization_id: team.organization_id,
                    awaits_organization,
                    limits: team.limits,
                    name: team.name,
                    synced_name,
                    version: team.version,
                },
            );
        }
        Ok(found)
    }
}

fn synced_role(item: &Item) -> Result<Option<Role>, table::Error> {
    if !item.contains_key(SYNCED_ROLE) {
        return Ok(None);
    }
    text_of(item, SYNCED_ROLE)?
        .parse()
        .map(Some)
        .map_err(table::Error::defect)
}

fn mapped_from(item: &Item) -> Result<Option<GroupId>, table::Error> {
    if !item.contains_key(MAPPED_FROM) {
        return Ok(None);
    }
    let group = text_of(item, MAPPED_FROM)?.to_owned();
    group.try_into().map(Some).map_err(table::Error::defect)
}

fn is_suspended_by_sync(item: &Item) -> bool {
    // A directory suspends only what it gave.
    let suspended_by = item.get(SUSPENDED_BY);
    suspended_by.is_some() && suspended_by == item.get("source")
}

fn synced_name(item: &Item) -> Result<Option<Name>, table::Error> {
    if !item.contains_key(SYNCED_NAME) {
        return Ok(None);
    }
    let name = text_of(item, SYNCED_NAME)?.to_owned();
    name.try_into().map(Some).map_err(table::Error::defect)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Source;
    use crate::store::table::text;

    #[test]
    fn a_directory_has_suspended_only_what_it_gave() {
        let entra = Source::Entra.as_str();
        for (suspended_by, source, is_by_sync) in [
            (None, entra, false),
            (Some(entra), entra, true),
            (Some(entra), Source::Manual.as_str(), false),
            (Some(Source::Scim.as_str()), entra, false),
        ] {
            let mut item = Item::from([("source".to_owned(), text(source))]);
            item.extend(suspended_by.map(|by| (SUSPENDED_BY.to_owned(), text(by))));
            assert_eq!(is_suspended_by_sync(&item), is_by_sync, "{suspended_by:?}");
        }
    }

    #[test]
    fn a_membership_names_the_group_that_is_mapped_to_it() {
        let group = "8e881353-1735-45af-af21-ee1344582a4d";
        let item = Item::from([(MAPPED_FROM.to_owned(), text(group))]);
        let found = mapped_from(&item).unwrap().unwrap();
        assert_eq!(found.as_str(), group);
        assert_eq!(mapped_from(&Item::new()).unwrap(), None);
    }
}
