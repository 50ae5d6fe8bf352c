//! Changes that are recorded and not finished: more members than one transaction holds, what follows a new name or new
//! settings, and the memberships of what was deleted.
//!
//! A record is written in the transaction that makes the change. The request that made it carries it out, and a run
//! takes up what it leaves. Each batch of a change of members moves the record on, on the condition that it is where it
//! was read, so that two never carry out the same batch, and a late one changes nothing.

use std::time::Duration;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::members::{GroupOfRow, Step, from_member_row};
use super::{Action, PENDING};
use crate::domain::{GroupId, Origin, ScimMember, ScimScope, ScimUserId, Timestamp, UserId};
use crate::store::keys::{self, Key, SCIM_GROUP_PREFIX, SCIM_MEMBER_PREFIX, SCIM_USER_PREFIX};
use crate::store::settle::Unsettled;
use crate::store::table::{
    Change, Condition, Item, Query, Transaction, from_item, in_partition, number, text, to_item,
};
use crate::store::{Error, Refusal, Store, table};

/// How long a request works on its recorded change.
const BUDGET: Duration = Duration::from_secs(6);
/// Number of steps in a batch: three actions for each, and one for the record and one for the group.
const STEPS_AT_ONCE: usize = 32;
/// Number of records that are read at once.
const RECORDS: usize = 10;
/// Number of memberships of what was deleted that are handled at once.
const AT_ONCE: usize = 8;

/// What is left to do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Work {
    /// The change of the members of a group.
    Members,
    /// The memberships of a user or group that was deleted.
    Gone,
    /// The directory has new settings: all linked users follow them.
    Settings,
}

/// The attributes of a record, except its keys.
#[derive(Serialize, Deserialize)]
struct PendingRow {
    id: String,
    work: Work,
    /// The number of steps that are carried out.
    done: usize,
    /// Which change it is. Of members, the item with the steps names it too.
    change: String,
    /// Whether the group has a new name, which may give its members something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    renamed: bool,
    /// The sort key of the last user or member who was looked at, when the linked ones among all are marked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marked_to: Option<String>,
    /// The user of the product whom the deleted user was linked to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
}

impl PendingRow {
    fn new(id: &str, work: Work, change: &str) -> Self {
        Self {
            id: id.to_owned(),
            work,
            done: 0,
            change: change.to_owned(),
            renamed: false,
            marked_to: None,
            user_id: None,
        }
    }

    /// Returns the condition that users are marked up to the same place as when the record was read.
    fn is_unmoved(&self) -> Condition {
        let same = Condition::new(format!("#{CHANGE} = :change"));
        let same = same.value(":change", text(&self.change));
        same.and(match &self.marked_to {
            Some(last) => {
                Condition::new(format!("#{MARKED_TO} = :last")).value(":last", text(last))
            }
            None => Condition::new(format!("attribute_not_exists(#{MARKED_TO})")),
        })
    }

    fn to_item(&self, scope: &ScimScope) -> Result<Item, table::Error> {
        let key = keys::scim_pending(scope, &self.id);
        to_item(self, [key.attributes(), Item::new()])
    }
}

/// The attributes of the item with the steps of a change, by the kind of step: 16 bytes for each id.
const STEPS: [&str; 4] = ["add_users", "add_groups", "remove_users", "remove_groups"];

/// The attribute of that item, and of the record, that names the change.
const CHANGE: &str = "change";
/// The attribute of the record with the place up to which users are marked.
const MARKED_TO: &str = "marked_to";

/// What finishing the recorded changes of a directory did.
#[derive(Debug, Default)]
pub struct ScimFinished {
    /// The linked users that were marked, except those of new settings, who may be all.
    pub affected: Vec<ScimUserId>,
    /// Why changes could not be carried out, one for each of them. They are still recorded.
    pub failures: Vec<Error>,
}

/// Returns the key of the steps of a change.
fn steps_key(scope: &ScimScope, group: &GroupId) -> Key {
    Key::new(keys::scim_members_partition(scope, group), "CHANGE")
}

fn kind_of(step: &Step) -> &'static str {
    let [add_users, add_groups, remove_users, remove_groups] = STEPS;
    match step {
        Step::Add(ScimMember::User(_)) => add_users,
        Step::Add(ScimMember::Group(_)) => add_groups,
        Step::Remove(ScimMember::User(_)) => remove_users,
        Step::Remove(ScimMember::Group(_)) => remove_groups,
    }
}

fn to_steps_row(key: &Key, change: &str, steps: &[Step]) -> Result<Item, table::Error> {
    let mut item = key.attributes();
    item.insert(CHANGE.to_owned(), text(change));
    for kind in STEPS {
        let mut bytes = Vec::new();
        for step in steps.iter().filter(|step| kind_of(step) == kind) {
            let id = Uuid::parse_str(step.member().id()).map_err(table::Error::defect)?;
            bytes.extend_from_slice(id.as_bytes());
        }
        if !bytes.is_empty() {
            item.insert(kind.to_owned(), AttributeValue::B(Blob::new(bytes)));
        }
    }
    Ok(item)
}

pub(super) fn from_steps_row(item: &Item) -> Result<Vec<Step>, table::Error> {
    let mut steps = Vec::new();
    let [add_users, add_groups, remove_users, _] = STEPS;
    for kind in STEPS {
        let Some(AttributeValue::B(bytes)) = item.get(kind) else {
            continue;
        };
        for id in bytes.as_ref().chunks(16) {
            let id = Uuid::from_slice(id).map_err(table::Error::defect)?;
            let user = || ScimMember::User(ScimUserId::from(id));
            let group = || ScimMember::Group(GroupId::from(id));
            steps.push(if kind == add_users {
                Step::Add(user())
            } else if kind == add_groups {
                Step::Add(group())
            } else if kind == remove_users {
                Step::Remove(user())
            } else {
                Step::Remove(group())
            });
        }
    }
    Ok(steps)
}

/// The record of a change of members as it was read.
struct Progress<'a> {
    group: &'a GroupId,
    change: &'a str,
    done: usize,
}

/// What became of a batch.
enum Batch {
    /// It is carried out, and these linked users are marked.
    Done(Vec<ScimUserId>),
    /// No step is left.
    AllDone { renamed: bool },
    /// There is no such record any more.
    Over,
}

/// What became of a page of users to mark.
enum Marked {
    /// The linked ones among them are marked.
    Page(Vec<ScimUserId>),
    /// All pages are done.
    All,
    /// Another record has taken the place of this one.
    Over,
}

/// Records a change of members in the transaction that changes their group, and whether the group has a new name.
/// `change` is an id of its own.
pub(super) fn record_change(
    transaction: &mut Transaction<'_, Action>,
    (scope, group): (&ScimScope, &GroupId),
    (change, steps): (&str, &[Step]),
    renamed: bool,
) -> Result<(), table::Error> {
    let row = to_steps_row(&steps_key(scope, group), change, steps)?;
    transaction.put(Action::Pending, row, Condition::none());
    let record = PendingRow {
        renamed,
        ..PendingRow::new(group.as_str(), Work::Members, change)
    };
    transaction.put(Action::Pending, record.to_item(scope)?, Condition::none());
    Ok(())
}

/// Records that a user or group is deleted, whose memberships are left, and what it gave to the user whom it was linked
/// to. `change` is an id of its own.
pub(super) fn record_gone(
    transaction: &mut Transaction<'_, Action>,
    scope: &ScimScope,
    id: &str,
    (change, linked): (&str, Option<&UserId>),
) -> Result<(), table::Error> {
    let record = PendingRow {
        user_id: linked.cloned(),
        ..PendingRow::new(id, Work::Gone, change)
    };
    transaction.put(Action::Pending, record.to_item(scope)?, Condition::none());
    Ok(())
}

/// Returns the record that the directory has new settings. `change` is an id of its own.
pub(in crate::store) fn settings_row(
    scope: &ScimScope,
    change: &str,
) -> Result<Item, table::Error> {
    PendingRow::new(scope.directory_id.as_str(), Work::Settings, change).to_item(scope)
}

impl Store {
    /// Finishes the recorded change of one user or group, if there is one. Makes one read if there is none. Returns the
    /// linked users that it marked.
    ///
    /// Returns [`Refusal::Unfinished`] when the time is up; a repeated call continues.
    pub(super) async fn finish_change_of(
        &self,
        scope: &ScimScope,
        id: &str,
        origin: &Origin,
    ) -> Result<Vec<ScimUserId>, Error> {
        let work = Box::pin(async {
            match self.table.get(&keys::scim_pending(scope, id)).await? {
                Some(item) => self.finish(scope, &from_item(item)?, origin).await,
                None => Ok(Vec::new()),
            }
        });
        tokio::time::timeout(BUDGET, work)
            .await
            .unwrap_or_else(|_| Err(Refusal::Unfinished.into()))
    }

    /// Finishes all recorded changes of a directory, however long it takes. One that fails does not keep the others
    /// from being finished. Returns an error if the records cannot be read.
    ///
    /// Each batch is written on the condition that the record is where it was read, so a call that is cut off does no
    /// harm, and the next one continues where it stopped.
    pub async fn finish_scim_changes(
        &self,
        scope: &ScimScope,
        origin: &Origin,
    ) -> Result<ScimFinished, Error> {
        let mut finished = ScimFinished::default();
        // While records come, their places may be before those that are done.
        while self.finish_each(scope, origin, &mut finished).await? > 0
            && finished.failures.is_empty()
        {}
        Ok(finished)
    }

    /// Finishes the recorded changes that there are, one after the other. Returns their number.
    async fn finish_each(
        &self,
        scope: &ScimScope,
        origin: &Origin,
        finished: &mut ScimFinished,
    ) -> Result<usize, Error> {
        let (mut count, mut after) = (0, None);
        loop {
            let partition = keys::scim_pending_partition(scope);
            let records = self.page(partition, "", after, RECORDS).await?;
            let Some(last) = records.last() else {
                return Ok(count);
            };
            count += records.len();
            after = Some(table::key_of(last)?.attributes());
            for record in records {
                let done = async { self.finish(scope, &from_item(record)?, origin).await };
                match Box::pin(done).await {
                    Ok(affected) => finished.affected.extend(affected),
                    Err(error) => finished.failures.push(error),
                }
            }
        }
    }

    async fn finish(
        &self,
        scope: &ScimScope,
        record: &PendingRow,
        origin: &Origin,
    ) -> Result<Vec<ScimUserId>, Error> {
        match record.work {
            Work::Members => {
                let group = GroupId::parse(&*record.id).map_err(table::Error::unreadable)?;
                self.carry_out(scope, &group).await
            }
            Work::Gone => {
                let mut affected = self.end_memberships(scope, &record.id).await?;
                if let Some(user) = &record.user_id {
                    let id = ScimUserId::parse(&*record.id).map_err(table::Error::unreadable)?;
                    let ended = self.end_given_by_scim_user(scope, &id, user, origin);
                    affected.extend(ended.await?);
                }
                self.forget(scope, record).await?;
                Ok(affected)
            }
            Work::Settings => {
                let users = (keys::scim_partition(scope), SCIM_USER_PREFIX);
                // Too many to name. They are found by their marks.
                self.mark_users(scope, record, users, |_| {}).await?;
                self.forget(scope, record).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Removes a record that is carried out, unless another one has taken its place.
    async fn forget(&self, scope: &ScimScope, record: &PendingRow) -> Result<(), Error> {
        let key = keys::scim_pending(scope, &record.id);
        let same = Condition::new(format!("#{CHANGE} = :change"));
        let same = same.value(":change", text(&record.change));
        self.table.delete(&key, same).await?;
        Ok(())
    }

    /// Marks the linked users among the items of a partition, each on the condition that its link is unchanged. Continues
    /// where a call that was cut off has stopped. Stops if another record has taken the place of this one.
    async fn mark_users(
        &self,
        scope: &ScimScope,
        record: &PendingRow,
        (partition, prefix): (String, &str),
        mut marked: impl FnMut(Vec<ScimUserId>),
    ) -> Result<(), Error> {
        loop {
            let page = self.until_settled("mark_scim_users", |_| {
                self.mark_page(scope, record, (&partition, prefix))
            });
            match page.await? {
                Marked::Page(users) => marked(users),
                Marked::All | Marked::Over => return Ok(()),
            }
        }
    }

    /// Marks the next users, and saves the place, on the condition that it is where it was read.
    async fn mark_page(
        &self,
        scope: &ScimScope,
        PendingRow { id, change, .. }: &PendingRow,
        (partition, prefix): (&str, &str),
    ) -> Result<Marked, Unsettled> {
        let place = keys::scim_pending(scope, id);
        let record = self.table.get(&place).await?;
        let record: Option<PendingRow> = record.map(from_item).transpose()?;
        let Some(record) = record.filter(|record| record.change == *change) else {
            return Ok(Marked::Over);
        };
        let after = record.marked_to.as_deref();
        let after = after.map(|last| Key::new(partition.to_owned(), last).attributes());
        let page = self.page(partition.to_owned(), prefix, after, STEPS_AT_ONCE);
        let items = page.await?;
        let Some(last) = items.last() else {
            return Ok(Marked::All);
        };
        let users = items.iter().map(|item| {
            let id = table::text_of(item, "id")?;
            // A group in a group has no users.
            Ok(ScimUserId::parse(id).ok().map(ScimMember::User))
        });
        let users: Vec<_> = users
            .filter_map(Result::transpose)
            .collect::<Result<_, table::Error>>()?;
        let known = self.known_members(scope, users.iter()).await?;
        let write = self.clock.new_id().to_string();
        let mut transaction = self.unrecorded();
        let moved = Change::new().set(MARKED_TO, text(table::key_of(last)?.sk));
        transaction.update(Action::Pending, &place, moved, record.is_unmoved());
        let marked = known.mark(&mut transaction, scope, &users, &write);
        match transaction.commit().await? {
            Ok(()) => Ok(Marked::Page(marked)),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Carries out the recorded change of the members of a group. Does nothing if another request has. Returns the linked
    /// users that it marked.
    async fn carry_out(
        &self,
        scope: &ScimScope,
        group: &GroupId,
    ) -> Result<Vec<ScimUserId>, Error> {
        let Some(item) = self.table.get(&steps_key(scope, group)).await? else {
            return Ok(Vec::new());
        };
        let steps = &from_steps_row(&item)?;
        let change = table::text_of(&item, CHANGE)?;
        let mut affected = Vec::new();
        loop {
            let batch = self
                .until_settled("carry_out_scim_change", |now| {
                    self.batch(scope, (group, change), steps, now)
                })
                .await?;
            match batch {
                Batch::Done(marked) => affected.extend(marked),
                Batch::Over => return Ok(affected),
                Batch::AllDone { renamed } => {
                    if renamed {
                        let record = PendingRow::new(group.as_str(), Work::Members, change);
                        let members = keys::scim_members_partition(scope, group);
                        let members = (members, SCIM_MEMBER_PREFIX);
                        self.mark_users(scope, &record, members, |page| affected.extend(page))
                            .await?;
                    }
                    let done = steps.len();
                    let progress = Progress {
                        group,
                        change,
                        done,
                    };
                    self.end_change(scope, &progress).await?;
                    return Ok(affected);
                }
            }
        }
    }

    /// Carries out the next batch.
    async fn batch(
        &self,
        scope: &ScimScope,
        (group, change): (&GroupId, &str),
        steps: &[Step],
        now: Timestamp,
    ) -> Result<Batch, Unsettled> {
        let key = keys::scim_pending(scope, group.as_str());
        let Some(item) = self.table.get(&key).await? else {
            return Ok(Batch::Over);
        };
        let record: PendingRow = from_item(item)?;
        if record.work != Work::Members || record.change != change {
            return Ok(Batch::Over);
        }
        let progress = Progress {
            group,
            change,
            done: record.done,
        };
        let left = steps.get(progress.done..).unwrap_or_default();
        let batch = left.get(..STEPS_AT_ONCE).unwrap_or(left);
        if batch.is_empty() {
            return Ok(Batch::AllDone {
                renamed: record.renamed,
            });
        }
        let known = self
            .known_members(scope, batch.iter().map(Step::member))
            .await?;
        let mut transaction = self.unrecorded();
        let done = Change::new().set("done", number(to_number(progress.done + batch.len())?));
        transaction.update(Action::Pending, &key, done, progress.is_as_read()?);
        let write = self.clock.new_id().to_string();
        known.apply(&mut transaction, (scope, group), batch, &write)?;
        let missing = i32::try_from(known.count_missing(batch)).map_err(table::Error::defect)?;
        if missing > 0 {
            // Members that were deleted since are counted in the group, and shown as its members until now.
            let change = Change::new()
                .add("member_count", -missing)
                .add("version", 1)
                .set("updated_at", text(now.to_string()));
            let key = keys::scim_group(scope, group);
            transaction.touch(Action::Resource, &key, change, Condition::present());
        }
        match transaction.commit().await? {
            Ok(()) => Ok(Batch::Done(known.linked(batch).cloned().collect())),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Removes the record of a change that is carried out, unless another request has.
    async fn end_change(&self, scope: &ScimScope, progress: &Progress<'_>) -> Result<(), Error> {
        let mut transaction = self.unrecorded();
        let key = keys::scim_pending(scope, progress.group.as_str());
        transaction.delete(Action::Pending, &key, progress.is_as_read()?);
        let steps = steps_key(scope, progress.group);
        transaction.delete(Action::Member, &steps, Condition::none());
        transaction.touch(
            Action::Resource,
            &keys::scim_group(scope, progress.group),
            Change::new().remove(PENDING),
            Condition::present(),
        );
        // Unmet: the record is gone, or the group is deleted and the record is another one.
        let _ = transaction.commit().await?;
        Ok(())
    }

    /// Ends the memberships of a user or group that was deleted, in groups and of members. Returns the linked users
    /// among the members of a deleted group. Can be repeated.
    async fn end_memberships(&self, scope: &ScimScope, id: &str) -> Result<Vec<ScimUserId>, Error> {
        loop {
            let partition = keys::scim_groups_partition(scope, id);
            let groups = self.some(partition, SCIM_GROUP_PREFIX).await?;
            if groups.is_empty() {
                break;
            }
            stream::iter(groups)
                .map(|item| async move {
                    let row: GroupOfRow = from_item(item)?;
                    let left = self.until_settled("leave_scim_group", |now| {
                        self.leave_group(scope, id, &row.group_id, now)
                    });
                    left.await
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
        }
        let mut affected = Vec::new();
        if let Ok(group) = GroupId::parse(id) {
            loop {
                let partition = keys::scim_members_partition(scope, &group);
                let members = self.some(partition, SCIM_MEMBER_PREFIX).await?;
                if members.is_empty() {
                    break;
                }
                let members = members.into_iter().map(from_member_row);
                let members: Vec<_> = members.collect::<Result<_, _>>()?;
                let marked = self.until_settled("empty_scim_group", |_| {
                    self.drop_members(scope, &group, &members)
                });
                affected.extend(marked.await?);
            }
        }
        if let Ok(group) = GroupId::parse(id) {
            let steps = steps_key(scope, &group);
            self.table.delete(&steps, Condition::none()).await?;
        }
        Ok(affected)
    }

    /// Reads the next items of a partition.
    async fn some(&self, partition: String, prefix: &str) -> Result<Vec<Item>, Error> {
        self.page(partition, prefix, None, STEPS_AT_ONCE).await
    }

    /// Reads the items of a partition after a place.
    async fn page(
        &self,
        partition: String,
        prefix: &str,
        after: Option<Item>,
        limit: usize,
    ) -> Result<Vec<Item>, Error> {
        let query = Query {
            index: None,
            condition: in_partition(None, partition, prefix.to_owned()),
            filter: None,
            after,
            limit,
            is_backwards: false,
        };
        Ok(self.table.query(query).await?.items)
    }

    /// Takes a deleted member out of a group that exists.
    async fn leave_group(
        &self,
        scope: &ScimScope,
        id: &str,
        group: &GroupId,
        now: Timestamp,
    ) -> Result<(), Unsettled> {
        let mut transaction = self.unrecorded();
        let key = keys::scim_member(scope, group, id);
        transaction.delete(Action::Member, &key, Condition::present());
        let reverse = keys::scim_group_of(scope, id, group);
        transaction.delete(Action::Lookup, &reverse, Condition::none());
        let change = Change::new()
            .add("member_count", -1)
            .add("version", 1)
            .set("updated_at", text(now.to_string()));
        let settled =
            Condition::present().and(Condition::new(format!("attribute_not_exists(#{PENDING})")));
        let group_key = keys::scim_group(scope, group);
        transaction.update(Action::Resource, &group_key, change, settled);
        let Err(unmet) = transaction.commit().await? else {
            return Ok(());
        };
        let is_group_pending = matches!(unmet.of(&Action::Resource), Some(Some(_)));
        if is_group_pending {
            self.carry_out(scope, group).await?;
            return Err(Unsettled::Overtaken);
        }
        // The group is deleted too, or another request has taken the member out.
        let is_group_gone = unmet.of(&Action::Resource).is_some();
        if is_group_gone {
            self.table.delete(&key, Condition::none()).await?;
        }
        self.table.delete(&reverse, Condition::none()).await?;
        Ok(())
    }

    /// Takes members out of a deleted group. Returns those that are linked.
    async fn drop_members(
        &self,
        scope: &ScimScope,
        group: &GroupId,
        members: &[ScimMember],
    ) -> Result<Vec<ScimUserId>, Unsettled> {
        let steps: Vec<_> = members.iter().cloned().map(Step::Remove).collect();
        let known = self.known_members(scope, members.iter()).await?;
        let write = self.clock.new_id().to_string();
        let mut transaction = self.unrecorded();
        known.apply(&mut transaction, (scope, group), &steps, &write)?;
        match transaction.commit().await? {
            Ok(()) => Ok(known.linked(&steps).cloned().collect()),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }
}

fn to_number(count: usize) -> Result<i128, table::Error> {
    i128::try_from(count).map_err(table::Error::defect)
}

impl Progress<'_> {
    /// Returns the condition that the record is where it was read.
    fn is_as_read(&self) -> Result<Condition, table::Error> {
        let condition = Condition::new(format!(
            "#done = :before AND #work = :members AND #{CHANGE} = :change"
        ));
        Ok(condition
            .value(":before", number(to_number(self.done)?))
            .value(":members", text("members"))
            .value(":change", text(self.change)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_steps_come_back_as_they_were() {
        let id = |n: u128| Uuid::from_u128(n);
        let steps = [
            Step::Add(ScimMember::User(id(1).into())),
            Step::Add(ScimMember::User(id(2).into())),
            Step::Add(ScimMember::Group(id(3).into())),
            Step::Remove(ScimMember::User(id(4).into())),
            Step::Remove(ScimMember::Group(id(5).into())),
        ];
        let key = Key::new("p".to_owned(), "s");
        let row = to_steps_row(&key, "c", &steps).unwrap();
        assert_eq!(from_steps_row(&row).unwrap(), steps);
    }
}
