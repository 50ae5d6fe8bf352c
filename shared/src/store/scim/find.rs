//! Finding and listing users and groups of a directory.

use std::collections::BTreeSet;

use super::members::GroupOfRow;
use super::{LookupRow, ScimNamespace, from_group_row, from_user_row};
use crate::domain::{
    GroupId, MAX_SCIM_FOUND, Name, ScimGroup, ScimLookup, ScimScope, ScimUser, ScimUserId,
};
use crate::store::keys::{self, Key, SCIM_GROUP_PREFIX, SCIM_USER_PREFIX, ScimIndex};
use crate::store::table::{Item, Query, from_item, in_partition};
use crate::store::{Error, Store, table};

/// The most users among whom a login looks for its own.
const MOST_CANDIDATES: usize = 10;

/// A part of all users or groups of a directory, in an order that stays.
#[derive(Clone, Debug, PartialEq)]
pub struct ScimPage<T> {
    /// The number of all.
    pub total: usize,
    /// The page.
    pub items: Vec<T>,
}

impl Store {
    /// Returns the users of a directory with a value, or `None` if more than 1,000 have it. Strongly consistent. A user
    /// has no members: that lookup finds none.
    pub async fn scim_users_found(
        &self,
        scope: &ScimScope,
        lookup: &ScimLookup,
    ) -> Result<Option<Vec<ScimUser>>, Error> {
        let ids = match lookup {
            ScimLookup::Id(id) => vec![id.clone()],
            ScimLookup::Name(folded) => self.named(scope, SCIM_USER_PREFIX, folded).await?,
            ScimLookup::ExternalId(value) => {
                let start = keys::scim_found_start(ScimIndex::UserExternalId, value);
                self.found(scope, start).await?
            }
            ScimLookup::Email(folded) => {
                let start = keys::scim_found_start(ScimIndex::Email, folded);
                self.found(scope, start).await?
            }
            ScimLookup::Member(_) => Vec::new(),
        };
        let keys = ids.iter().filter_map(|id| {
            let id = ScimUserId::parse(id.as_str()).ok()?;
            Some(keys::scim_user(scope, &id))
        });
        if ids.len() > MAX_SCIM_FOUND {
            return Ok(None);
        }
        Ok(Some(self.items(keys.collect(), from_user_row).await?))
    }

    /// Returns the groups of a directory with a value, without their members, or `None` if more than 1,000 have it.
    /// Strongly consistent. A group has no email address: that lookup finds none.
    pub async fn scim_groups_found(
        &self,
        scope: &ScimScope,
        lookup: &ScimLookup,
    ) -> Result<Option<Vec<ScimGroup>>, Error> {
        let ids = match lookup {
            ScimLookup::Id(id) => vec![id.clone()],
            ScimLookup::Name(folded) => self.named(scope, SCIM_GROUP_PREFIX, folded).await?,
            ScimLookup::ExternalId(value) => {
                let start = keys::scim_found_start(ScimIndex::GroupExternalId, value);
                self.found(scope, start).await?
            }
            ScimLookup::Member(id) => {
                // What is no id cannot be part of a key.
                match ScimUserId::parse(id.as_str()) {
                    Ok(id) => self.some_groups_of(scope, &id).await?,
                    Err(_) => Vec::new(),
                }
            }
            ScimLookup::Email(_) => Vec::new(),
        };
        let keys = ids.iter().filter_map(|id| {
            let id = GroupId::parse(id.as_str()).ok()?;
            Some(keys::scim_group(scope, &id))
        });
        if ids.len() > MAX_SCIM_FOUND {
            return Ok(None);
        }
        Ok(Some(self.items(keys.collect(), from_group_row).await?))
    }

    /// Returns the groups of a user of a directory with their names, in the order of their ids. Strongly consistent. A
    /// recorded change of many members counts for each of them once it is carried out.
    pub async fn scim_groups_of(
        &self,
        scope: &ScimScope,
        user: &ScimUserId,
    ) -> Result<Vec<(GroupId, Name)>, Error> {
        let ids = self.group_ids_of(scope, user.as_str()).await?;
        let keys = ids.iter().map(|id| keys::scim_group(scope, id)).collect();
        let groups = self.items(keys, from_group_row).await?;
        Ok(groups
            .into_iter()
            .map(|group| (group.id, group.name))
            .collect())
    }

    /// Returns which of these ids are members of a group. Strongly consistent.
    pub async fn scim_members_among(
        &self,
        scope: &ScimScope,
        group: &GroupId,
        ids: &[String],
    ) -> Result<BTreeSet<String>, Error> {
        let ids = ids
            .iter()
            .filter(|id| ScimUserId::parse(id.as_str()).is_ok());
        let asked: Vec<_> = ids
            .map(|id| (id, keys::scim_member(scope, group, id)))
            .collect();
        let keys: Vec<_> = asked.iter().map(|(_, key)| key).collect();
        let found = self.table.get_all(&keys).await?;
        let members = asked.iter().filter(|(_, key)| found.contains_key(key));
        Ok(members.map(|(id, _)| (*id).clone()).collect())
    }

    /// Returns a page of the users of a directory: `count` from the position `start`, which counts from 0. Strongly
    /// consistent. Reads only the number of all if the page is empty, and else few names before it.
    pub async fn scim_users_page(
        &self,
        scope: &ScimScope,
        start: usize,
        count: usize,
    ) -> Result<ScimPage<ScimUser>, Error> {
        let names = ScimNamespace::of_users(scope);
        let (total, ids) = self.names(names, start, count).await?;
        let keys = ids.iter().filter_map(|id| {
            let id = ScimUserId::parse(id.as_str()).ok()?;
            Some(keys::scim_user(scope, &id))
        });
        let items = self.items(keys.collect(), from_user_row).await?;
        Ok(ScimPage { total, items })
    }

    /// Returns a page of the groups of a directory, like [`Store::scim_users_page`].
    pub async fn scim_groups_page(
        &self,
        scope: &ScimScope,
        start: usize,
        count: usize,
    ) -> Result<ScimPage<ScimGroup>, Error> {
        let names = ScimNamespace::of_groups(scope);
        let (total, ids) = self.names(names, start, count).await?;
        let keys = ids.iter().filter_map(|id| {
            let id = GroupId::parse(id.as_str()).ok()?;
            Some(keys::scim_group(scope, &id))
        });
        let items = self.items(keys.collect(), from_group_row).await?;
        Ok(ScimPage { total, items })
    }

    async fn named(
        &self,
        scope: &ScimScope,
        prefix: &str,
        folded: &str,
    ) -> Result<Vec<String>, Error> {
        let key = keys::scim_name(scope, prefix, folded);
        let row: Option<LookupRow> = self.table.get(&key).await?.map(from_item).transpose()?;
        Ok(row.into_iter().map(|row| row.id).collect())
    }

    async fn found(&self, scope: &ScimScope, start: String) -> Result<Vec<String>, Error> {
        let items = self
            .up_to(
                MAX_SCIM_FOUND + 1,
                keys::scim_found_partition(scope),
                start,
                None,
            )
            .await?;
        let rows = items.into_iter().map(from_item::<LookupRow>);
        let ids = rows.map(|row| row.map(|row| row.id));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    async fn some_groups_of(
        &self,
        scope: &ScimScope,
        member: &ScimUserId,
    ) -> Result<Vec<String>, Error> {
        let partition = keys::scim_groups_partition(scope, member.as_str());
        let items = self
            .up_to(
                MAX_SCIM_FOUND + 1,
                partition,
                SCIM_GROUP_PREFIX.to_owned(),
                None,
            )
            .await?;
        let rows = items.into_iter().map(from_item::<GroupOfRow>);
        let ids = rows.map(|row| row.map(|row| row.group_id.into()));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Returns whether a value that need not be unique finds more than ten users. Makes one read.
    pub(super) async fn are_too_many(
        &self,
        scope: &ScimScope,
        lookup: &ScimLookup,
    ) -> Result<bool, Error> {
        let start = match lookup {
            ScimLookup::ExternalId(value) => {
                keys::scim_found_start(ScimIndex::UserExternalId, value)
            }
            ScimLookup::Email(folded) => keys::scim_found_start(ScimIndex::Email, folded),
            ScimLookup::Id(_) | ScimLookup::Name(_) | ScimLookup::Member(_) => return Ok(false),
        };
        let query = Query::in_partition(None, keys::scim_found_partition(scope), start)
            .limit(MOST_CANDIDATES + 1);
        Ok(self.table.query(query).await?.items.len() > MOST_CANDIDATES)
    }

    async fn group_ids_of(&self, scope: &ScimScope, member: &str) -> Result<Vec<GroupId>, Error> {
        let partition = keys::scim_groups_partition(scope, member);
        let condition = in_partition(None, partition.clone(), SCIM_GROUP_PREFIX.to_owned());
        let items = self.table.query_all(&partition, condition, None).await?;
        let rows = items.into_iter().map(from_item::<GroupOfRow>);
        let ids = rows.map(|row| row.map(|row| row.group_id));
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Returns the number of all names, and the ids under `count` of them from a position.
    async fn names(
        &self,
        namespace: ScimNamespace<'_>,
        start: usize,
        count: usize,
    ) -> Result<(usize, Vec<String>), Error> {
        let ScimNamespace { scope, prefix } = namespace;
        let numbers = self.scim_numbers(scope, prefix).await?;
        let total = numbers.total();
        let count = count.min(total.saturating_sub(start));
        if count == 0 {
            return Ok((total, Vec::new()));
        }
        let from = match start {
            0 => None,
            _ => self.scim_position(namespace, &numbers, start).await?,
        };
        let (after, before) = match from {
            Some((key, before)) => (Some(key.attributes()), before),
            None => (None, 0),
        };
        let items = self
            .up_to(
                before + count,
                keys::scim_names_partition(scope),
                prefix.to_owned(),
                after,
            )
            .await?;
        let rows = items.into_iter().skip(before).map(from_item::<LookupRow>);
        let ids = rows.map(|row| row.map(|row| row.id));
        let ids = ids.collect::<Result<_, _>>()?;
        Ok((total, ids))
    }

    /// Reads up to that many items of a partition that start with a prefix, after a place.
    async fn up_to(
        &self,
        count: usize,
        partition: String,
        prefix: String,
        mut after: Option<Item>,
    ) -> Result<Vec<Item>, Error> {
        let mut items = Vec::new();
        while items.len() < count {
            let query = Query::in_partition(None, partition.clone(), prefix.clone())
                .after(after)
                .limit(count);
            let page = self.table.query(query).await?;
            items.extend(page.items);
            let Some(last) = page.next else {
                break;
            };
            after = Some(Key::new(partition.clone(), last).attributes());
        }
        items.truncate(count);
        Ok(items)
    }

    /// Reads items in the order of their keys. Leaves out what does not exist.
    async fn items<T>(
        &self,
        keys: Vec<Key>,
        read: impl Fn(Item) -> Result<T, table::Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        let items = keys.iter().filter_map(|key| found.remove(key));
        Ok(items.map(read).collect::<Result<_, _>>()?)
    }
}
