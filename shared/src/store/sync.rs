//! What the login sync reads and writes. It acts for no caller: its right is the directory's word.
//!
//! Each write is small, conditional and its own, so that many logins at once never wait for one
//! another: two that make the same thing both find it made.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ReturnConsumedCapacity, ReturnValue};

use super::expression::{Change, Condition, Item, number, text};
use super::keys::{self, Key, MEMBERSHIP_PREFIX, TEAM_MEMBERSHIP_PREFIX};
use super::organizations::SYNCED_NAME;
use super::team_members::JOINED_TEAMS;
use super::transaction::{Transaction, Unmet};
use super::{
    Error, Query, Store, in_partition, memberships, organizations, team_members, teams, text_of,
};
use crate::domain::{
    Email, EntraObjectId, Membership, Name, Organization, OrganizationId, Source, Status, Team,
    TeamId, TeamMembership, TenantId, UserId,
};
use crate::entra::{FoundOrganization, FoundTeam};

/// On a user and on a tenant: the fingerprint of the assigned groups for which all was made.
const MADE: &str = "made";
/// Items that DynamoDB reads in one call.
const BATCH: usize = 100;

/// Who signs in, and what the event says of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// Their tenant.
    pub tenant_id: TenantId,
    /// Their id.
    pub user_id: UserId,
    /// Their email address, if the event has one.
    pub email: Option<Email>,
    /// What they are called, if the event says it.
    pub display_name: Option<Name>,
    /// Their object id in Entra, if the event has one.
    pub entra_object_id: Option<EntraObjectId>,
}

/// All that a user has, read at once and as it is now.
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    /// Their memberships.
    pub organizations: BTreeMap<OrganizationId, Membership>,
    /// Their team memberships.
    pub teams: BTreeMap<TeamId, TeamMembership>,
    /// What [`JOINED_TEAMS`] of each membership was.
    joined_teams: BTreeMap<OrganizationId, Option<aws_sdk_dynamodb::types::AttributeValue>>,
}

/// What came of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was done.
    Done,
    /// Nothing was to be done: it was so already, or is no longer what was read.
    AsItWas,
    /// The name is taken.
    NameTaken,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Made,
    Name,
    Organization,
    Membership,
    Team,
}

impl Store {
    /// Writes or refreshes the profile of who signs in, with the time of it: one `UpdateItem`. Tells
    /// the mark of what was made for them.
    pub async fn record_login(&self, profile: &Profile) -> Result<Option<String>, Error> {
        let now = text(self.clock.now().to_string());
        let mut change = Change::new()
            .set_if_absent("tenant_id", text(profile.tenant_id.as_str()))
            .set_if_absent("user_id", text(profile.user_id.as_str()))
            .set_if_absent("created_at", now.clone())
            .set("updated_at", now.clone())
            .set("last_login_at", now)
            .add("version", 1);
        if let Some(email) = &profile.email {
            let key = keys::user_by_email(&profile.tenant_id, email, &profile.user_id);
            change = change
                .set("email", text(email.as_str()))
                .set("gsi1pk", text(key.pk))
                .set("gsi1sk", text(key.sk));
        }
        if let Some(name) = &profile.display_name {
            change = change.set("display_name", text(name.as_str()));
        }
        if let Some(id) = &profile.entra_object_id {
            change = change.set("entra_object_id", text(id.as_str()));
        }
        let (update, expression) = change.with(Condition::none());
        let output = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(
                keys::user(&profile.tenant_id, &profile.user_id).attributes(),
            ))
            .update_expression(update)
            .set_expression_attribute_names(expression.names)
            .set_expression_attribute_values(expression.values)
            .return_values(ReturnValue::AllNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await?;
        let item = output.attributes.unwrap_or_default();
        Ok(item.get(MADE).and_then(|mark| mark.as_s().ok()).cloned())
    }

    /// All that a user has: one `Query`, in pages when there is much.
    pub async fn holdings(&self, tenant: &TenantId, user: &UserId) -> Result<Holdings, Error> {
        let mut holdings = Holdings::default();
        let mut after = None;
        loop {
            let partition = keys::user_partition(tenant, user);
            let page = self
                .query(Query {
                    index: None,
                    condition: in_partition(None, partition.clone(), String::new()),
                    filter: None,
                    after,
                    limit: usize::MAX,
                })
                .await?;
            for item in page.items {
                let sort_key = text_of(&item, "sk")?.to_owned();
                if sort_key.starts_with(MEMBERSHIP_PREFIX) {
                    let joined = item.get(JOINED_TEAMS).cloned();
                    let membership = memberships::from_row(item)?;
                    let id = membership.organization_id.clone();
                    holdings.joined_teams.insert(id.clone(), joined);
                    holdings.organizations.insert(id, membership);
                } else if sort_key.starts_with(TEAM_MEMBERSHIP_PREFIX) {
                    let membership = team_members::from_row(item)?;
                    holdings
                        .teams
                        .insert(membership.team_id.clone(), membership);
                }
            }
            let Some(last) = page.next else {
                return Ok(holdings);
            };
            after = Some(
                Key {
                    pk: partition,
                    sk: last,
                }
                .attributes(),
            );
        }
    }

    /// The mark of what was made in the tenant.
    pub async fn made_mark(&self, tenant: &TenantId) -> Result<Option<String>, Error> {
        let item = self
            .get(&keys::made_mark(tenant))
            .await?
            .unwrap_or_default();
        Ok(item.get(MADE).and_then(|mark| mark.as_s().ok()).cloned())
    }

    /// Marks that all was made, for the tenant and for the user.
    pub async fn mark_made(
        &self,
        tenant: &TenantId,
        user: Option<&UserId>,
        fingerprint: &str,
    ) -> Result<(), Error> {
        let key = match user {
            Some(user) => keys::user(tenant, user),
            None => keys::made_mark(tenant),
        };
        let condition = if user.is_some() {
            Condition::present()
        } else {
            Condition::none()
        };
        let change = Change::new().set(MADE, text(fingerprint));
        self.change_one(&key, change, condition).await.map(|_| ())
    }

    /// Organizations of these ids that exist, deleted ones too.
    pub async fn found_organizations(
        &self,
        tenant: &TenantId,
        ids: &[OrganizationId],
    ) -> Result<BTreeMap<OrganizationId, FoundOrganization>, Error> {
        let keys: Vec<_> = ids
            .iter()
            .map(|id| keys::organization(tenant, id))
            .collect();
        let mut found = BTreeMap::new();
        for item in self.get_many(&keys).await? {
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

    /// Teams of these ids that exist.
    pub async fn found_teams(
        &self,
        tenant: &TenantId,
        ids: &[TeamId],
    ) -> Result<BTreeMap<TeamId, FoundTeam>, Error> {
        let keys: Vec<_> = ids.iter().map(|id| keys::team(tenant, id)).collect();
        let mut found = BTreeMap::new();
        for item in self.get_many(&keys).await? {
            let synced_name = synced_name(&item)?;
            let is_live = !item.contains_key(teams::DELETED_AT);
            let team = teams::from_row(item)?;
            found.insert(
                team.id.clone(),
                FoundTeam {
                    is_live,
                    organization_id: team.organization_id,
                    name: team.name,
                    synced_name,
                    version: team.version,
                },
            );
        }
        Ok(found)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Item>, Error> {
        let batches = keys.chunks(BATCH).map(|batch| async {
            let items = self.get_all(&batch.iter().collect::<Vec<_>>()).await?;
            Ok::<_, Error>(items.into_values())
        });
        let found = futures_util::future::try_join_all(batches).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Makes an organization, if neither it nor its name is there. It has no owner until it gets one.
    pub async fn make_organization(&self, organization: &Organization) -> Result<Written, Error> {
        let mut transaction = Transaction::new(self.clock.new_id());
        let mut item = organizations::to_row(organization)?;
        item.insert("owner_count".to_owned(), number(0));
        item.insert(SYNCED_NAME.to_owned(), text(organization.name.as_str()));
        transaction.put(self, Part::Made, item, Condition::absent());
        self.reserve_name(&mut transaction, Part::Name, organization)?;
        Ok(made(transaction.commit(self).await?))
    }

    /// Makes a team, if it is not there, and in an organization if its name is not.
    pub async fn make_team(&self, team: &Team) -> Result<Written, Error> {
        let mut item = teams::to_row(team)?;
        item.insert(SYNCED_NAME.to_owned(), text(team.name.as_str()));
        if team.organization_id.is_none() {
            return self.put_one(item).await;
        }
        let mut transaction = Transaction::new(self.clock.new_id());
        transaction.put(self, Part::Made, item, Condition::absent());
        self.reserve_team_name(&mut transaction, Part::Name, team)?;
        Ok(made(transaction.commit(self).await?))
    }

    /// Puts a user into an organization, if they are not in it.
    pub async fn join_organization(&self, membership: &Membership) -> Result<Written, Error> {
        let mut item = memberships::to_row(membership)?;
        // The team of the same group is joined with it: whoever takes the user out looks for it.
        item.insert(JOINED_TEAMS.to_owned(), number(1));
        self.put_one(item).await
    }

    /// Puts a user into a team, if they are not in it. Where they had been in its organization by
    /// hand, that membership tells of it from now on.
    pub async fn join_team(
        &self,
        membership: &TeamMembership,
        holdings: &Holdings,
    ) -> Result<Written, Error> {
        let item = team_members::to_row(membership)?;
        let TeamMembership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = membership;
        let held = organization_id
            .as_ref()
            .filter(|id| holdings.organizations.contains_key(id));
        let Some(organization) = held else {
            return self.put_one(item).await;
        };
        let mut transaction = Transaction::new(self.clock.new_id());
        transaction.put(self, Part::Made, item, Condition::absent());
        let key = keys::membership(tenant_id, user_id, organization);
        let join = Change::new().add(JOINED_TEAMS, 1);
        transaction.touch(self, Part::Membership, &key, join, Condition::present());
        Ok(made(transaction.commit(self).await?))
    }

    /// Writes role and status of a membership, if it still is of this version and source: its
    /// organization keeps count of its active owners, of whom the last one stays.
    pub async fn change_synced_membership(
        &self,
        before: &Membership,
        status: Status,
    ) -> Result<Written, Error> {
        let now = self.clock.now();
        let after = Membership {
            status,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        };
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let change = memberships::change_to(&after);
        let condition = memberships::unchanged(before);
        if before.is_active_owner() == after.is_active_owner() {
            return self.change_one(&key, change, condition).await;
        }
        let mut transaction = Transaction::new(self.clock.new_id());
        transaction.update(self, Part::Membership, &key, change, condition);
        self.count_owners(&mut transaction, before, Some(&after));
        left(transaction.commit(self).await?)
    }

    /// Takes a user out of an organization, if the membership still is of this version and made by
    /// the sync, and with it out of the organization's teams but for those in `apart`.
    pub async fn leave_organization(
        &self,
        before: &Membership,
        holdings: &Holdings,
        apart: &[TeamId],
    ) -> Result<Written, Error> {
        let Membership {
            tenant_id,
            user_id,
            organization_id,
            ..
        } = before;
        let key = keys::membership(tenant_id, user_id, organization_id);
        let joined = holdings
            .joined_teams
            .get(organization_id)
            .cloned()
            .flatten();
        let no_more_teams = memberships::joined_no_more_teams(joined);
        let condition = memberships::unchanged(before).and(no_more_teams);
        let teams: Vec<_> = holdings
            .teams
            .values()
            .filter(|team| team.organization_id.as_ref() == Some(organization_id))
            .filter(|team| !apart.contains(&team.team_id))
            .take(memberships::MOST_TEAMS)
            .map(|team| keys::team_membership(tenant_id, user_id, &team.team_id))
            .collect();
        if teams.is_empty() && !before.is_active_owner() {
            return self.delete_one(&key, condition).await;
        }
        let mut transaction = Transaction::new(self.clock.new_id());
        transaction.delete(self, Part::Membership, &key, condition);
        for team in &teams {
            let of_organization = memberships::of_organization(organization_id);
            transaction.delete(self, Part::Team, team, of_organization);
        }
        self.count_owners(&mut transaction, before, None);
        left(transaction.commit(self).await?)
    }

    /// Writes the status of a team membership, if it still is of this version and source.
    pub async fn change_synced_team_membership(
        &self,
        before: &TeamMembership,
        status: Status,
    ) -> Result<Written, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        let change = Change::new()
            .set("status", text(status.as_str()))
            .set("version", number(before.version + 1))
            .set("updated_at", text(self.clock.now().to_string()));
        self.change_one(&key, change, unchanged(before.version, before.source))
            .await
    }

    /// Takes a user out of a team, if the membership still is of this version and made by the sync.
    pub async fn leave_team(&self, before: &TeamMembership) -> Result<Written, Error> {
        let TeamMembership {
            tenant_id,
            user_id,
            team_id,
            ..
        } = before;
        let key = keys::team_membership(tenant_id, user_id, team_id);
        self.delete_one(&key, unchanged(before.version, before.source))
            .await
    }

    /// Renames an organization that the sync made, if it still is of this version.
    pub async fn rename_organization(
        &self,
        tenant: &TenantId,
        id: &OrganizationId,
        version: u64,
        name: &Name,
    ) -> Result<Written, Error> {
        let Some(item) = self.get(&keys::organization(tenant, id)).await? else {
            return Ok(Written::AsItWas);
        };
        let before = organizations::from_row(item)?;
        if before.version != version || !before.is_live() {
            return Ok(Written::AsItWas);
        }
        let after = Organization {
            name: name.clone(),
            version: version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        let renamed = self.rename_synced_organization(&before, &after).await?;
        Ok(renamed)
    }

    /// Renames a team that the sync made, if it still is of this version.
    pub async fn rename_team(
        &self,
        tenant: &TenantId,
        id: &TeamId,
        version: u64,
        name: &Name,
    ) -> Result<Written, Error> {
        let Some(item) = self.get(&keys::team(tenant, id)).await? else {
            return Ok(Written::AsItWas);
        };
        let before = teams::from_row(item)?;
        if before.version != version {
            return Ok(Written::AsItWas);
        }
        let after = Team {
            name: name.clone(),
            version: version + 1,
            updated_at: self.clock.now(),
            ..before.clone()
        };
        self.rename_synced_team(&before, &after).await
    }

    fn count_owners(
        &self,
        transaction: &mut Transaction<Part>,
        before: &Membership,
        after: Option<&Membership>,
    ) {
        let key = keys::organization(&before.tenant_id, &before.organization_id);
        let is_owner = after.is_some_and(Membership::is_active_owner);
        match (before.is_active_owner(), is_owner) {
            (true, false) => {
                let change = Change::new().add("owner_count", -1);
                let another = memberships::another_owner();
                transaction.touch(self, Part::Organization, &key, change, another);
            }
            (false, true) => {
                let change = Change::new().add("owner_count", 1);
                let present = Condition::present();
                transaction.touch(self, Part::Organization, &key, change, present);
            }
            _ => {}
        }
    }

    async fn put_one(&self, item: Item) -> Result<Written, Error> {
        let expression = Condition::absent().into_expression();
        let put = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression(expression.text)
            .set_expression_attribute_names(expression.names)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match put {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(Written::AsItWas),
                _ => Err(error.into()),
            },
        }
    }

    async fn change_one(
        &self,
        key: &Key,
        change: Change,
        condition: Condition,
    ) -> Result<Written, Error> {
        let (update, expression) = change.with(condition);
        let changed = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .update_expression(update)
            .set_condition_expression((!expression.text.is_empty()).then_some(expression.text))
            .set_expression_attribute_names(expression.names)
            .set_expression_attribute_values(expression.values)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match changed {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Written::AsItWas),
                _ => Err(error.into()),
            },
        }
    }

    async fn delete_one(&self, key: &Key, condition: Condition) -> Result<Written, Error> {
        let expression = condition.into_expression();
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key.attributes()))
            .condition_expression(expression.text)
            .set_expression_attribute_names(expression.names)
            .set_expression_attribute_values(expression.values)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(Written::Done),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(Written::AsItWas),
                _ => Err(error.into()),
            },
        }
    }
}

/// That a team membership is as it was read.
fn unchanged(version: u64, source: Source) -> Condition {
    Condition::new("#version = :before AND #source = :source")
        .value(":before", number(version))
        .value(":source", text(source.as_str()))
}

fn synced_name(item: &Item) -> Result<Option<Name>, Error> {
    if !item.contains_key(SYNCED_NAME) {
        return Ok(None);
    }
    text_of(item, SYNCED_NAME)?
        .parse()
        .map(Some)
        .map_err(Error::defect)
}

/// What making something came to: what is there already is as good as made.
fn made(committed: Result<(), Unmet<Part>>) -> Written {
    let Err(unmet) = committed else {
        return Written::Done;
    };
    if unmet.of(&Part::Made).is_some() {
        return Written::AsItWas;
    }
    if unmet.of(&Part::Name).is_some() {
        return Written::NameTaken;
    }
    // The membership that a team's would hang on was taken away.
    Written::AsItWas
}

/// What leaving something came to.
fn left(committed: Result<(), Unmet<Part>>) -> Result<Written, Error> {
    let Err(unmet) = committed else {
        return Ok(Written::Done);
    };
    if unmet.of(&Part::Organization).is_some() && unmet.of(&Part::Membership).is_none() {
        return Err(Error::LastOwner);
    }
    Ok(Written::AsItWas)
}
