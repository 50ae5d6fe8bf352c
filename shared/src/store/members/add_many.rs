//! Adding many members at once.

use super::add::{event_of, invited_again, refused_already};
use super::{MemberAction, Membership};
use crate::domain::{OrganizationId, Permission};
use crate::store::access::{self, Requirement};
use crate::store::batch::{BatchResult, ItemOutcome, Placed, Results, replayed};
use crate::store::rows::members::{from_row, to_row};
use crate::store::rows::{organizations, users};
use crate::store::table::{Condition, Transaction, Unmet};
use crate::store::{Added, Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

/// Number of members that one transaction adds. Each takes up to four of its 100 actions: the user, the membership,
/// the event and the idempotency record. The caller, their profile and the organization
/// take three more.
const AT_ONCE: usize = 24;

type MemberBatchLabel = (MemberAction, usize);

impl Store {
    /// Begins a batch of members. Requires an owner or admin. Returns the results of the first request with the same
    /// `Idempotency-Key` if they are complete.
    pub async fn begin_member_batch(
        &self,
        cx: &Context,
        organization: &OrganizationId,
    ) -> Result<Option<IdempotentOutcome<Vec<BatchResult<Membership>>>>, Error> {
        self.begin_batch(cx, organization).await
    }

    /// Stores the results of a batch of members for requests with the same `Idempotency-Key`, if it has one.
    pub async fn finish_member_batch(
        &self,
        cx: &Context,
        results: Vec<BatchResult<Membership>>,
    ) -> Result<IdempotentOutcome<Vec<BatchResult<Membership>>>, Error> {
        self.finish_batch(cx, results).await
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
        let mut results = Results::of(memberships);
        let is_self = |one: &Membership| one.user_id == cx.caller.user_id;
        let all: Vec<_> = memberships.iter().enumerate().collect();
        let (mut alone, together): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, one)| is_self(one));
        for members in together.chunks(AT_ONCE) {
            let left = results.add_together(
                members.to_vec(),
                |members| self.together(cx, members),
                |unmet, member| outcome_of(cx, unmet, member),
            );
            alone.extend(left.await?);
        }
        for (place, membership) in alone {
            let cx = cx.of_item(membership.user_id.as_str());
            results.settle_alone(place, self.add_member(&cx, membership).await)?;
        }
        results.complete()
    }

    /// Returns the transaction that adds these members.
    fn together(
        &self,
        cx: &Context,
        members: &[Placed<'_, Membership>],
    ) -> Result<Transaction<'_, MemberBatchLabel>, Error> {
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
        access::require(
            &mut transaction,
            (MemberAction::Caller, 0),
            &cx.caller,
            &first.organization_id,
            requirement,
            cx.now,
        );
        let owners = members.iter().filter(|(_, one)| one.is_active_owner());
        let owners = i32::try_from(owners.count()).map_err(table::Error::defect)?;
        let organization = keys::organization(&first.tenant_id, &first.organization_id);
        let (label, live) = ((MemberAction::Organization, 0), organizations::live());
        organizations::count_owners(&mut transaction, label, &organization, owners, live);
        for (place, membership) in members {
            let user = keys::user(&membership.tenant_id, &membership.user_id);
            transaction.check((MemberAction::User, *place), &user, users::is_known());
            let row = to_row(membership)?;
            transaction.put((MemberAction::Membership, *place), row, Condition::absent());
            if let Some(record) = cx.of_item(membership.user_id.as_str()).record() {
                let added = Added::New((*membership).clone());
                record.write(&mut transaction, (MemberAction::Record, *place), &added)?;
            }
        }
        Ok(transaction)
    }
}

fn outcome_of(
    cx: &Context,
    unmet: &Unmet<MemberBatchLabel>,
    (place, asked): Placed<'_, Membership>,
) -> Result<ItemOutcome<Membership>, Error> {
    if unmet.of(&(MemberAction::Organization, 0)).is_some() {
        return Ok(ItemOutcome::settled(Err(Refusal::NotFound)));
    }
    if unmet.of(&(MemberAction::Caller, 0)).is_some() {
        // The caller's role may still reach some of the roles.
        return Ok(ItemOutcome::Alone);
    }
    let cx_of_item = cx.of_item(asked.user_id.as_str());
    if let Some(first) = replayed(&cx_of_item, unmet, &(MemberAction::Record, place))? {
        return Ok(first);
    }
    if let Some(stored) = unmet.of(&(MemberAction::Membership, place)) {
        let Some(stored) = stored else {
            return Ok(ItemOutcome::Alone);
        };
        let stored = from_row(stored)?;
        if invited_again(&stored, asked, &cx.caller).is_some() {
            return Ok(ItemOutcome::Alone);
        }
        let refused = refused_already(&stored, asked.role);
        return Ok(ItemOutcome::settled(match refused {
            Some(refusal) => Err(refusal),
            None => Ok(Added::Already(stored)),
        }));
    }
    Ok(match unmet.of(&(MemberAction::User, place)) {
        Some(None) => ItemOutcome::settled(Err(Refusal::UnknownUser)),
        Some(Some(_)) => ItemOutcome::Alone,
        None => ItemOutcome::Pending,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Role, Status};
    use crate::store::fake::Fake;
    use crate::store::samples::{membership, organization_id, request_of_admin};

    #[tokio::test]
    async fn each_owner_of_a_batch_counts() {
        for (role, added) in [(Role::Owner, Some("2")), (Role::Admin, None)] {
            let both = ["ada", "bob"].map(|id| membership(id, role, Status::Active));
            let fake = Fake::default();
            let (store, cx) = (fake.store(), request_of_admin());
            store.add_members(&cx, &both).await.unwrap();
            let key = keys::organization(&cx.caller.tenant_id, &organization_id());
            let write = fake.last_write_of(&key).unwrap();
            assert_eq!(write.value("owner_count"), added);
        }
    }
}
