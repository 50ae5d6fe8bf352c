//! Carries out changes that are recorded and not finished: more members than one transaction holds, what follows a new
//! name or new settings, and the memberships of what was deleted.
//!
//! A record is written in the transaction that makes the change. The request that made it carries it out, and a run
//! finishes the rest. Each batch of a change of members moves the record on, on the condition that it is where it
//! was read, so that two never carry out the same batch, and a late one changes nothing.

use std::time::Duration;

use super::records::{CHANGE, MARKED_TO, PendingRow, Work, from_steps_row, steps_key};
use super::step::MemberStep;
use super::{PENDING, ScimAction};
use crate::domain::{GroupId, Origin, ScimMember, ScimScope, ScimUserId, Timestamp};
use crate::store::keys::{self, Key, SCIM_MEMBER_PREFIX, SCIM_USER_PREFIX};
use crate::store::settle::Unsettled;
use crate::store::table::{Condition, Item, ItemChange, Query, from_item, number, text};
use crate::store::{Error, Refusal, Store, table};

/// How long a request works on its recorded change.
const BUDGET: Duration = Duration::from_secs(6);
/// Number of steps in a batch: three actions for each, and one for the record and one for the group.
const STEPS_AT_ONCE: usize = 32;
/// Number of records that are read at once.
const RECORDS: usize = 10;

/// The result of finishing the recorded changes of a directory.
#[derive(Debug, Default)]
pub struct ScimFinished {
    /// The linked users that were marked, except those of new settings, who may be all.
    pub affected: Vec<ScimUserId>,
    /// Why changes could not be carried out, one for each of them. They are still recorded.
    pub failures: Vec<Error>,
}

/// The record of a change of members as it was read.
struct ChangeProgress<'a> {
    group: &'a GroupId,
    change: &'a str,
    done: usize,
}

/// The result of a batch.
enum Batch {
    /// It is carried out, and these linked users are marked.
    Done(Vec<ScimUserId>),
    /// No step is left.
    AllDone { renamed: bool },
    /// The record no longer exists.
    Over,
}

/// The result of marking a page of users.
enum MarkOutcome {
    /// The linked ones among them are marked.
    Page(Vec<ScimUserId>),
    /// All pages are done.
    All,
    /// Another record has taken the place of this one.
    Over,
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
                // Too many to name. They are found by their marks.
                self.mark_users(
                    scope,
                    record,
                    keys::scim_partition(scope),
                    SCIM_USER_PREFIX,
                    |_| {},
                )
                .await?;
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
        partition: String,
        prefix: &str,
        mut marked: impl FnMut(Vec<ScimUserId>),
    ) -> Result<(), Error> {
        loop {
            let page = self.until_settled("mark_scim_users", |_| {
                self.mark_page(scope, record, &partition, prefix)
            });
            match page.await? {
                MarkOutcome::Page(users) => marked(users),
                MarkOutcome::All | MarkOutcome::Over => return Ok(()),
            }
        }
    }

    /// Marks the next users, and saves the place, on the condition that it is where it was read.
    async fn mark_page(
        &self,
        scope: &ScimScope,
        PendingRow { id, change, .. }: &PendingRow,
        partition: &str,
        prefix: &str,
    ) -> Result<MarkOutcome, Unsettled> {
        let place = keys::scim_pending(scope, id);
        let record = self.table.get(&place).await?;
        let record: Option<PendingRow> = record.map(from_item).transpose()?;
        let Some(record) = record.filter(|record| record.change == *change) else {
            return Ok(MarkOutcome::Over);
        };
        let after = record.marked_to.as_deref();
        let after = after.map(|last| Key::new(partition.to_owned(), last).attributes());
        let page = self.page(partition.to_owned(), prefix, after, STEPS_AT_ONCE);
        let items = page.await?;
        let Some(last) = items.last() else {
            return Ok(MarkOutcome::All);
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
        let moved = ItemChange::new().set(MARKED_TO, text(table::key_of(last)?.sk));
        transaction.update(ScimAction::Pending, &place, moved, record.is_unmoved());
        let marked = known.mark(&mut transaction, scope, &users, &write);
        match transaction.commit().await? {
            Ok(()) => Ok(MarkOutcome::Page(marked)),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Carries out the recorded change of the members of a group. Does nothing if another request has. Returns the linked
    /// users that it marked.
    pub(super) async fn carry_out(
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
                    self.batch(scope, group, change, steps, now)
                })
                .await?;
            match batch {
                Batch::Done(marked) => affected.extend(marked),
                Batch::Over => return Ok(affected),
                Batch::AllDone { renamed } => {
                    if renamed {
                        let record = PendingRow::new(group.as_str(), Work::Members, change);
                        let members = keys::scim_members_partition(scope, group);
                        self.mark_users(scope, &record, members, SCIM_MEMBER_PREFIX, |page| {
                            affected.extend(page);
                        })
                        .await?;
                    }
                    let done = steps.len();
                    let progress = ChangeProgress {
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
        group: &GroupId,
        change: &str,
        steps: &[MemberStep],
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
        let progress = ChangeProgress {
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
            .known_members(scope, batch.iter().map(MemberStep::member))
            .await?;
        let mut transaction = self.unrecorded();
        let done = ItemChange::new().set("done", number(to_number(progress.done + batch.len())?));
        transaction.update(ScimAction::Pending, &key, done, progress.is_as_read()?);
        let write = self.clock.new_id().to_string();
        known.apply(&mut transaction, scope, group, batch, &write)?;
        let missing = i32::try_from(known.count_missing(batch)).map_err(table::Error::defect)?;
        if missing > 0 {
            // Members that were deleted since are counted in the group, and shown as its members until now.
            let change = ItemChange::new()
                .add("member_count", -missing)
                .add("version", 1)
                .set("updated_at", text(now.to_string()));
            let key = keys::scim_group(scope, group);
            transaction.touch(ScimAction::Resource, &key, change, Condition::present());
        }
        match transaction.commit().await? {
            Ok(()) => Ok(Batch::Done(known.linked(batch).cloned().collect())),
            Err(_) => Err(Unsettled::Overtaken),
        }
    }

    /// Removes the record of a change that is carried out, unless another request has.
    async fn end_change(
        &self,
        scope: &ScimScope,
        progress: &ChangeProgress<'_>,
    ) -> Result<(), Error> {
        let mut transaction = self.unrecorded();
        let key = keys::scim_pending(scope, progress.group.as_str());
        transaction.delete(ScimAction::Pending, &key, progress.is_as_read()?);
        let steps = steps_key(scope, progress.group);
        transaction.delete(ScimAction::Member, &steps, Condition::none());
        transaction.touch(
            ScimAction::Resource,
            &keys::scim_group(scope, progress.group),
            ItemChange::new().remove(PENDING),
            Condition::present(),
        );
        // Unmet: the record is gone, or the group is deleted and the record is another one.
        let _ = transaction.commit().await?;
        Ok(())
    }

    /// Reads the items of a partition after a place.
    pub(super) async fn page(
        &self,
        partition: String,
        prefix: &str,
        after: Option<Item>,
        limit: usize,
    ) -> Result<Vec<Item>, Error> {
        let query = Query::in_partition(None, partition, prefix)
            .after(after)
            .limit(limit);
        Ok(self.table.query(query).await?.items)
    }
}

fn to_number(count: usize) -> Result<i128, table::Error> {
    i128::try_from(count).map_err(table::Error::defect)
}

impl ChangeProgress<'_> {
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
mod tests;
