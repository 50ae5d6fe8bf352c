//! Adding many members at once.

use super::add::{event_of, invited_again, refused_already};
use super::{Action, Membership, Row, from_row, to_row};
use crate::domain::{IdempotencyKey, OrganizationId, Permission, UserId};
use crate::store::access::{self, Requirement, standing};
use crate::store::idempotency::{self, Record, Recorded};
use crate::store::table::{Change, Condition, Transaction, Unmet};
use crate::store::{
    Added, Context, Error, Outcome, Refusal, Store, keys, organizations, table, users,
};
use serde::{Deserialize, Serialize};

/// Number of members that one transaction adds. Each takes up to four of its 100 actions: the user, the membership,
/// the event and the idempotency record. The caller, their profile and the organization
/// take three more.
const AT_ONCE: usize = 24;

/// The result of adding one member of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberBatchResult {
    /// The membership.
    Added(Added<Membership>),
    /// The member was not added.
    Refused(RefusedMember),
}

/// A member of a batch who was not added, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedMember {
    /// The id as it was sent, if it was a string.
    pub user_id: Option<String>,
    /// The status of the error.
    pub status: u16,
    /// The code of the error.
    pub code: String,
    /// What went wrong and what to do.
    pub detail: String,
}

/// The record of a batch: its results, or `None` while they are not complete.
struct BatchRecord(Option<Vec<MemberBatchResult>>);

#[derive(Serialize, Deserialize)]
enum ResultRow {
    Added(Added<Row>),
    Refused(RefusedMember),
}

impl Recorded for BatchRecord {
    type Row = Option<Vec<ResultRow>>;

    fn to_recorded(&self) -> Self::Row {
        let row = |result: &MemberBatchResult| match result {
            MemberBatchResult::Added(added) => ResultRow::Added(added.to_recorded()),
            MemberBatchResult::Refused(refused) => ResultRow::Refused(refused.clone()),
        };
        let results = self.0.as_ref()?;
        Some(results.iter().map(row).collect())
    }

    fn from_recorded(row: Self::Row) -> Result<Self, table::Error> {
        let result = |row| match row {
            ResultRow::Added(row) => Added::from_recorded(row).map(MemberBatchResult::Added),
            ResultRow::Refused(refused) => Ok(MemberBatchResult::Refused(refused)),
        };
        let results = row.map(|rows| rows.into_iter().map(result).collect::<Result<_, _>>());
        Ok(Self(results.transpose()?))
    }
}

/// Returns the results in a record; `None` if they are not complete.
fn complete(outcome: Outcome<BatchRecord>) -> Option<Outcome<Vec<MemberBatchResult>>> {
    Some(match outcome {
        Outcome::Fresh(BatchRecord(results)) => Outcome::Fresh(results?),
        Outcome::Replayed(BatchRecord(results)) => Outcome::Replayed(results?),
        Outcome::ReplayedAnswer(kept) => Outcome::ReplayedAnswer(kept),
    })
}

/// Returns the context of one member of the batch. Its record shows, when the batch is repeated, that this key added
/// the member.
fn context_of(cx: &Context, user: &UserId) -> Context {
    let key = cx.idempotency_key.as_ref().map(|key| IdempotencyKey {
        route: format!("{}/{{user_id}}", key.route),
        // A key of a request has no blank.
        key: format!("{} {user}", key.key),
        fingerprint: key.fingerprint.clone(),
    });
    Context {
        idempotency_key: key,
        ..cx.clone()
    }
}

type Label = (Action, usize);
type AddResult = Result<Added<Membership>, Refusal>;

impl Store {
    /// Begins a batch of members. Requires an owner or admin. Returns the results of the first request with the same
    /// `Idempotency-Key` if they are complete.
    ///
    /// The record of the key is put before the first member is added, so that no other batch can use the key.
    pub async fn begin_member_batch(
        &self,
        cx: &Context,
        organization: &OrganizationId,
    ) -> Result<Option<Outcome<Vec<MemberBatchResult>>>, Error> {
        let caller = &cx.caller;
        let record = cx.record();
        let record = record.as_ref();
        let keys: Vec<_> = record.iter().map(|record| record.key()).collect();
        let view = self.view(caller, organization, &keys).await?;
        let begun = idempotency::found::<BatchRecord>(record, &view)?;
        let is_begun = begun.is_some();
        if let Some(first) = begun.and_then(complete) {
            return Ok(Some(first));
        }
        view.organization(caller, organization, cx.now)?;
        let own = view.membership(&access::own_key(caller, organization))?;
        standing(caller, own.as_ref())?.require(Permission::ManageMembers)?;
        let Some(record) = record.filter(|_| !is_begun) else {
            return Ok(None);
        };
        let mut transaction = self.unrecorded();
        record.write(&mut transaction, Action::Record, &BatchRecord(None))?;
        match transaction.commit().await? {
            Ok(()) => Ok(None),
            Err(unmet) => {
                let first = record.replay::<BatchRecord, _>(&unmet, &Action::Record)?;
                Ok(first.and_then(complete))
            }
        }
    }

    /// Adds users to an organization, with the conditions and results of [`Store::add_member`] for each. Requires an
    /// owner or admin at the time of each write. All memberships are of one organization and of different users.
    ///
    /// Writes one transaction for up to `AT_ONCE` members. Where conditions of some fail, it writes the others
    /// without them. An error of the table ends the batch: with an `Idempotency-Key`, the repeated request continues
    /// it.
    pub async fn add_members(
        &self,
        cx: &Context,
        memberships: &[Membership],
    ) -> Result<Vec<Result<Added<Membership>, Refusal>>, Error> {
        let mut results: Vec<Option<AddResult>> = memberships.iter().map(|_| None).collect();
        let is_self = |one: &Membership| one.user_id == cx.caller.user_id;
        let all: Vec<_> = memberships.iter().enumerate().collect();
        let (mut alone, together): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, one)| is_self(one));
        for members in together.chunks(AT_ONCE) {
            let left = self.add_together(cx, members.to_vec(), &mut results);
            alone.extend(left.await?);
        }
        for (place, membership) in alone {
            let cx = context_of(cx, &membership.user_id);
            let result = match self.add_member(&cx, membership).await {
                Ok(Outcome::Fresh(added) | Outcome::Replayed(added)) => Ok(added),
                Ok(Outcome::ReplayedAnswer(_)) => {
                    return Err(table::Error::defect("a record of no batch").into());
                }
                Err(Error::Refused(refusal)) if !is_of_batch(&refusal) => Err(refusal),
                Err(error) => return Err(error),
            };
            settle(&mut results, place, result);
        }
        let results = results.into_iter().map(|result| {
            result
                .ok_or_else(|| table::Error::defect("a member of a batch without a result").into())
        });
        results.collect()
    }

    /// Adds members in one transaction. Returns those that have to be added alone.
    async fn add_together<'a>(
        &self,
        cx: &Context,
        mut pending: Vec<(usize, &'a Membership)>,
        results: &mut [Option<AddResult>],
    ) -> Result<Vec<(usize, &'a Membership)>, Error> {
        let mut alone = Vec::new();
        while !pending.is_empty() {
            let Err(unmet) = self.together(cx, &pending)?.commit().await? else {
                for (place, membership) in pending {
                    settle(results, place, Ok(Added::New(membership.clone())));
                }
                break;
            };
            if unmet.of(&(Action::Organization, 0)).is_some() {
                for (place, _) in pending {
                    settle(results, place, Err(Refusal::NotFound));
                }
                break;
            }
            if unmet.of(&(Action::Caller, 0)).is_some() {
                // The caller's role may still reach some of the roles.
                alone.extend(pending);
                break;
            }
            let mut rest = Vec::new();
            let asked = pending.len();
            for (place, membership) in pending {
                match outcome_of(cx, &unmet, (place, membership))? {
                    ItemOutcome::Settled(result) => settle(results, place, *result),
                    ItemOutcome::Alone => alone.push((place, membership)),
                    ItemOutcome::Pending => rest.push((place, membership)),
                }
            }
            if rest.len() == asked {
                return Err(table::Error::Conflict("add_members").into());
            }
            pending = rest;
        }
        Ok(alone)
    }

    /// Returns the transaction that adds these members.
    fn together(
        &self,
        cx: &Context,
        members: &[(usize, &Membership)],
    ) -> Result<Transaction<'_, Label>, Error> {
        let events = members.iter().map(|(_, one)| event_of(one));
        let mut transaction = self.transaction(&cx.origin, events)?;
        let highest = members.iter().map(|(_, one)| one.role);
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: highest.max_by_key(|role| role.rank()),
        };
        let Some((_, first)) = members.first() else {
            return Ok(transaction);
        };
        let who = (&cx.caller, &first.organization_id);
        access::require(
            &mut transaction,
            (Action::Caller, 0),
            who,
            requirement,
            cx.now,
        );
        let owners = members.iter().filter(|(_, one)| one.is_active_owner());
        let owners = i32::try_from(owners.count()).map_err(table::Error::defect)?;
        let organization = keys::organization(&first.tenant_id, &first.organization_id);
        let (label, live) = ((Action::Organization, 0), organizations::live());
        if owners == 0 {
            transaction.check(label, &organization, live);
        } else {
            let change = Change::new().add("owner_count", owners);
            transaction.touch(label, &organization, change, live);
        }
        for (place, membership) in members {
            let user = keys::user(&membership.tenant_id, &membership.user_id);
            transaction.check((Action::User, *place), &user, users::is_known());
            let row = to_row(membership)?;
            transaction.put((Action::Membership, *place), row, Condition::absent());
            if let Some(record) = context_of(cx, &membership.user_id).record() {
                let added = Added::New((*membership).clone());
                record.write(&mut transaction, (Action::Record, *place), &added)?;
            }
        }
        Ok(transaction)
    }

    /// Stores the results of a batch for requests with the same `Idempotency-Key`, if it has one.
    pub async fn finish_member_batch(
        &self,
        cx: &Context,
        results: Vec<MemberBatchResult>,
    ) -> Result<Outcome<Vec<MemberBatchResult>>, Error> {
        let Some(record) = cx.record() else {
            return Ok(Outcome::Fresh(results));
        };
        let value = BatchRecord(Some(results));
        let mut transaction = self.unrecorded();
        record.complete(
            &mut transaction,
            Action::Record,
            (&BatchRecord(None), &value),
        )?;
        let first = match transaction.commit().await? {
            Ok(()) => Some(Outcome::Fresh(value)),
            // Another request with the same key has completed it.
            Err(unmet) => record.replay(&unmet, &Action::Record)?,
        };
        let first = first.and_then(complete);
        Ok(first.ok_or(table::Error::Conflict("finish_member_batch"))?)
    }
}

/// What the failed conditions of a transaction say of one of its members.
enum ItemOutcome {
    Settled(Box<AddResult>),
    /// Needs a transaction of its own.
    Alone,
    /// Its conditions held.
    Pending,
}

fn settled(result: AddResult) -> ItemOutcome {
    ItemOutcome::Settled(Box::new(result))
}

fn outcome_of(
    cx: &Context,
    unmet: &Unmet<Label>,
    (place, asked): (usize, &Membership),
) -> Result<ItemOutcome, Error> {
    let record: Option<Record> = context_of(cx, &asked.user_id).record();
    if let Some(record) = record
        && let Some(first) = record.replay(unmet, &(Action::Record, place))?
    {
        return Ok(match first {
            Outcome::Fresh(added) | Outcome::Replayed(added) => settled(Ok(added)),
            Outcome::ReplayedAnswer(_) => ItemOutcome::Alone,
        });
    }
    if let Some(stored) = unmet.of(&(Action::Membership, place)) {
        let Some(stored) = stored else {
            return Ok(ItemOutcome::Alone);
        };
        let stored = from_row(stored.clone())?;
        if invited_again(&stored, asked, &cx.caller).is_some() {
            return Ok(ItemOutcome::Alone);
        }
        let refused = refused_already(&stored, asked.role);
        return Ok(settled(match refused {
            Some(refusal) => Err(refusal),
            None => Ok(Added::Already(stored)),
        }));
    }
    Ok(match unmet.of(&(Action::User, place)) {
        Some(None) => settled(Err(Refusal::UnknownUser)),
        Some(Some(_)) => ItemOutcome::Alone,
        None => ItemOutcome::Pending,
    })
}

/// Whether the refusal is of the whole batch.
fn is_of_batch(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::IdempotencyMismatch | Refusal::UserDisabled
    )
}

fn settle(results: &mut [Option<AddResult>], place: usize, result: AddResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = Some(result);
    }
}
