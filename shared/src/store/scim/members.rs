//! The members of groups, and how one transaction carries out the steps of their change.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::records::from_steps_row;
use super::step::MemberStep;
use super::{ScimAction, from_user_row, mark, still_linked};
use crate::domain::{
    GroupId, Invalid, MAX_SCIM_MEMBERS, ScimGroup, ScimMember, ScimMembersChange, ScimScope,
    ScimUserId, UserId,
};
use crate::store::keys::{self, Key, SCIM_MEMBER_PREFIX};
use crate::store::table::{
    Condition, Item, ItemChange, Transaction, from_item, in_partition, key_of, to_item,
};
use crate::store::{Error, Refusal, Store, table};

/// The type of a member, in the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MemberType {
    User,
    Group,
}

/// The attributes of a member of a group, except its keys.
#[derive(Serialize, Deserialize)]
struct MemberRow {
    id: String,
    #[serde(rename = "type")]
    member_type: MemberType,
}

/// The attributes of the item that lists a group under a member, except its keys.
#[derive(Serialize, Deserialize)]
pub(super) struct GroupOfRow {
    pub(super) group_id: GroupId,
}

pub(super) fn from_member_row(item: Item) -> Result<ScimMember, table::Error> {
    let row: MemberRow = from_item(item)?;
    let unreadable = table::Error::unreadable;
    Ok(match row.member_type {
        MemberType::User => ScimMember::User(ScimUserId::parse(row.id).map_err(unreadable)?),
        MemberType::Group => ScimMember::Group(GroupId::parse(row.id).map_err(unreadable)?),
    })
}

/// How users and groups are at the time of a batch of steps.
#[derive(Default)]
pub(super) struct Known {
    /// The users that exist, with the users of the product that they are linked to.
    users: HashMap<ScimUserId, Option<UserId>>,
    /// The groups that exist.
    groups: BTreeSet<GroupId>,
}

impl Known {
    /// Returns whether a member that a step adds still exists.
    fn has(&self, member: &ScimMember) -> bool {
        match member {
            ScimMember::User(id) => self.users.contains_key(id),
            ScimMember::Group(id) => self.groups.contains(id),
        }
    }

    /// Returns the linked users among the members of steps that [`Known::apply`] carries out.
    pub(super) fn linked<'a>(
        &'a self,
        steps: &'a [MemberStep],
    ) -> impl Iterator<Item = &'a ScimUserId> + 'a {
        let users = steps.iter().filter_map(|step| step.member().user());
        users.filter(|id| matches!(self.users.get(*id), Some(Some(_))))
    }

    /// Returns the number of members to add that do not exist any more.
    pub(super) fn count_missing(&self, steps: &[MemberStep]) -> usize {
        let missing =
            |step: &&MemberStep| matches!(step, MemberStep::Add(member) if !self.has(member));
        steps.iter().filter(missing).count()
    }

    /// Adds the steps to a transaction: at most three actions for each. Adds members on the condition that they exist,
    /// and leaves out those that are known not to. Marks linked users, on the condition that their link is unchanged.
    pub(super) fn apply(
        &self,
        transaction: &mut Transaction<'_, ScimAction>,
        scope: &ScimScope,
        group: &GroupId,
        steps: &[MemberStep],
        write: &str,
    ) -> Result<(), table::Error> {
        for step in steps {
            let member = step.member();
            let key = keys::scim_member(scope, group, member.id());
            let reverse = keys::scim_group_of(scope, member.id(), group);
            let linked = member.user().and_then(|id| self.users.get(id));
            match step {
                MemberStep::Add(member) if !self.has(member) => continue,
                MemberStep::Add(member) => {
                    let row = MemberRow {
                        id: member.id().to_owned(),
                        member_type: match member {
                            ScimMember::User(_) => MemberType::User,
                            ScimMember::Group(_) => MemberType::Group,
                        },
                    };
                    let row = to_item(&row, [key.attributes(), Item::new()])?;
                    transaction.put(ScimAction::Member, row, Condition::none());
                    let row = GroupOfRow {
                        group_id: group.clone(),
                    };
                    let row = to_item(&row, [reverse.attributes(), Item::new()])?;
                    transaction.put(ScimAction::Member, row, Condition::none());
                }
                MemberStep::Remove(_) => {
                    transaction.delete(ScimAction::Member, &key, Condition::none());
                    transaction.delete(ScimAction::Member, &reverse, Condition::none());
                }
            }
            match (member, linked, step) {
                (ScimMember::User(id), Some(Some(user)), _) => {
                    let change = mark(ItemChange::new(), scope, id, write);
                    let key = keys::scim_user(scope, id);
                    transaction.touch(ScimAction::Member, &key, change, still_linked(Some(user)));
                }
                (ScimMember::User(id), Some(None), MemberStep::Add(_)) => {
                    let key = keys::scim_user(scope, id);
                    transaction.check(ScimAction::Member, &key, still_linked(None));
                }
                (ScimMember::User(id), _, MemberStep::Remove(_)) => {
                    // A user linked meanwhile may already have what the group grants, so mark them.
                    let key = keys::scim_user(scope, id);
                    let unlinked = Condition::new("attribute_not_exists(#user_id)");
                    transaction.check(ScimAction::Member, &key, unlinked);
                }
                (ScimMember::Group(id), _, MemberStep::Add(_)) => {
                    let key = keys::scim_group(scope, id);
                    transaction.check(ScimAction::Member, &key, Condition::present());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Marks the linked users among these, each on the condition that its link is unchanged. Returns them.
    pub(super) fn mark(
        &self,
        transaction: &mut Transaction<'_, ScimAction>,
        scope: &ScimScope,
        members: &[ScimMember],
        write: &str,
    ) -> Vec<ScimUserId> {
        let mut marked = Vec::new();
        for id in members.iter().filter_map(ScimMember::user) {
            if let Some(Some(user)) = self.users.get(id) {
                let change = mark(ItemChange::new(), scope, id, write);
                let key = keys::scim_user(scope, id);
                transaction.touch(ScimAction::Member, &key, change, still_linked(Some(user)));
                marked.push(id.clone());
            }
        }
        marked
    }
}

impl Store {
    /// Reads the users and groups that steps are about.
    pub(super) async fn known_members(
        &self,
        scope: &ScimScope,
        members: impl Iterator<Item = &ScimMember>,
    ) -> Result<Known, Error> {
        let keys: Vec<Key> = members
            .map(|member| match member {
                ScimMember::User(id) => keys::scim_user(scope, id),
                ScimMember::Group(id) => keys::scim_group(scope, id),
            })
            .collect();
        let found = self.table.get_all(&keys.iter().collect::<Vec<_>>()).await?;
        let mut known = Known::default();
        for (key, item) in found {
            known.insert(&key, item)?;
        }
        Ok(known)
    }

    /// Returns the steps that a change needs. Reads only the members that it names, unless it replaces all.
    pub(super) async fn member_steps(
        &self,
        scope: &ScimScope,
        group: &ScimGroup,
        change: &ScimMembersChange,
    ) -> Result<(Vec<MemberStep>, Known), Error> {
        let (add, remove, current) = match change {
            ScimMembersChange::Some { add, remove } => (add, remove.clone(), None),
            ScimMembersChange::Replace(all) => {
                let current = self.scim_members(scope, &group.id).await?;
                let ids = current.iter().map(|member| member.id().to_owned());
                let gone = ids.filter(|id| !all.contains(id)).collect();
                (all, gone, Some(current))
            }
        };
        let current_ids: Option<BTreeSet<&str>> = current
            .as_ref()
            .map(|current| current.iter().map(ScimMember::id).collect());
        let mut asked: Vec<Key> = Vec::new();
        for id in add.iter().chain(&remove) {
            // What is no id is no member, and cannot be part of a key.
            let Ok(user) = ScimUserId::parse(id.as_str()) else {
                continue;
            };
            if current_ids
                .as_ref()
                .is_some_and(|ids| ids.contains(id.as_str()))
                && !remove.contains(id)
            {
                continue;
            }
            if current.is_none() {
                asked.push(keys::scim_member(scope, &group.id, id));
            }
            asked.push(keys::scim_user(scope, &user));
            if add.contains(id) {
                let group = GroupId::parse(id.as_str());
                asked.extend(group.ok().map(|group| keys::scim_group(scope, &group)));
            }
        }
        let found = self
            .table
            .get_all(&asked.iter().collect::<Vec<_>>())
            .await?;
        let mut members: BTreeSet<ScimMember> = current.unwrap_or_default();
        let mut known = Known::default();
        for (key, item) in found {
            if key.sk.starts_with(SCIM_MEMBER_PREFIX) {
                members.insert(from_member_row(item)?);
            } else {
                known.insert(&key, item)?;
            }
        }
        let steps = steps_of(&group.id, add, &remove, &members, &known)?;
        Ok((steps, known))
    }

    /// Returns the members of a group. Strongly consistent. Of a recorded change that is not finished, all of it counts.
    pub async fn scim_members(
        &self,
        scope: &ScimScope,
        group: &GroupId,
    ) -> Result<BTreeSet<ScimMember>, Error> {
        let partition = keys::scim_members_partition(scope, group);
        // Reads the item with the steps of a change, too.
        let condition = in_partition(None, partition.clone(), String::new());
        let items = self.table.query_all(&partition, condition, None).await?;
        let mut members = BTreeSet::new();
        let mut steps = Vec::new();
        for item in items {
            if key_of(&item)?.sk.starts_with(SCIM_MEMBER_PREFIX) {
                members.insert(from_member_row(item)?);
            } else {
                steps = from_steps_row(&item)?;
            }
        }
        for step in steps {
            match step {
                MemberStep::Add(member) => members.insert(member),
                MemberStep::Remove(member) => members.remove(&member),
            };
        }
        Ok(members)
    }
}

impl Known {
    fn insert(&mut self, key: &Key, item: Item) -> Result<(), table::Error> {
        if let Some(id) = key.sk.strip_prefix(keys::SCIM_GROUP_PREFIX) {
            let id = GroupId::parse(id).map_err(table::Error::unreadable)?;
            self.groups.insert(id);
        } else {
            let user = from_user_row(item)?;
            self.users.insert(user.id, user.user_id);
        }
        Ok(())
    }
}

/// Returns the steps to members that are not there, and to members that are.
fn steps_of(
    group: &GroupId,
    add: &BTreeSet<String>,
    remove: &BTreeSet<String>,
    members: &BTreeSet<ScimMember>,
    known: &Known,
) -> Result<Vec<MemberStep>, Refusal> {
    let by_id: HashMap<&str, &ScimMember> =
        members.iter().map(|member| (member.id(), member)).collect();
    let mut steps = Vec::new();
    for id in add {
        if by_id.contains_key(id.as_str()) {
            continue;
        }
        let user = ScimUserId::parse(id.as_str()).ok();
        let user = user.filter(|id| known.users.contains_key(id));
        let nested = GroupId::parse(id.as_str()).ok();
        let nested = nested.filter(|id| known.groups.contains(id) && id != group);
        let member = user.map(ScimMember::User).or(nested.map(ScimMember::Group));
        let Some(member) = member else {
            return Err(Refusal::Invalid {
                field: "members",
                reason: Invalid::new("must be the ids of users or other groups of the directory"),
            });
        };
        steps.push(MemberStep::Add(member));
    }
    let removed = remove.iter().filter_map(|id| by_id.get(id.as_str()));
    steps.extend(removed.map(|member| MemberStep::Remove((*member).clone())));
    Ok(steps)
}

/// Returns the number of members after the steps, unless it exceeds the limit.
pub(super) fn count_after(before: usize, steps: &[MemberStep]) -> Result<usize, Refusal> {
    let is_added = |step: &&MemberStep| matches!(step, MemberStep::Add(_));
    let added = steps.iter().filter(is_added).count();
    let after = (before + added).saturating_sub(steps.len() - added);
    if after > MAX_SCIM_MEMBERS {
        return Err(Refusal::LimitReached);
    }
    Ok(after)
}

#[cfg(test)]
mod tests;
