//! Inviting many addresses at once.

use std::collections::HashSet;

use futures_util::{StreamExt, TryStreamExt, stream};

use super::create::team_to_join;
use super::{InvitationAction, event};
use crate::domain::{Email, EventType, Invitation, OrganizationId, Permission, Transition};
use crate::store::access::{self, Requirement};
use crate::store::batch::{BatchResult, ItemOutcome, Placed, Results, replayed};
use crate::store::rows::invitations::{invitee_row, not_invited, to_row};
use crate::store::rows::organizations;
use crate::store::table::{Condition, Transaction, Unmet};
use crate::store::{Added, Context, Error, IdempotentOutcome, Refusal, Store, keys, table};

/// Maximum number of actions in one transaction of DynamoDB.
const MAX_ACTIONS: usize = 100;
/// Actions of a transaction on what all its invitations share: the caller, their profile and the organization.
const SHARED_ACTIONS: usize = 3;
/// Actions of one invitation: itself, its address, the event and the idempotency record.
const OWN_ACTIONS: usize = 4;
/// Number of concurrent queries for members with an invited address.
const QUERIES_AT_ONCE: usize = 10;

type InvitationBatchLabel = (InvitationAction, usize);

impl Store {
    /// Begins a batch of invitations. Requires an owner or admin. Returns the results of the first request with the same
    /// `Idempotency-Key` if they are complete.
    pub async fn begin_invitation_batch(
        &self,
        cx: &Context,
        organization: &OrganizationId,
    ) -> Result<Option<IdempotentOutcome<Vec<BatchResult<Invitation>>>>, Error> {
        self.begin_batch(cx, organization).await
    }

    /// Stores the results of a batch of invitations for requests with the same `Idempotency-Key`, if it has one.
    pub async fn finish_invitation_batch(
        &self,
        cx: &Context,
        results: Vec<BatchResult<Invitation>>,
    ) -> Result<IdempotentOutcome<Vec<BatchResult<Invitation>>>, Error> {
        self.finish_batch(cx, results).await
    }

    /// Invites addresses into an organization, with the conditions and results of [`Store::create_invitation`] for each.
    /// Requires an owner or admin at the time of each write. All invitations are of one organization.
    ///
    /// Writes one transaction for up to 24 invitations, and one for each that needs more than the conditions of a new
    /// one: its address is that of a member, invited already, or in the batch before. An error of the table ends the
    /// batch: with an `Idempotency-Key`, the repeated request continues it.
    pub async fn create_invitations(
        &self,
        cx: &Context,
        invitations: &[Invitation],
    ) -> Result<Vec<Result<Added<Invitation>, Refusal>>, Error> {
        let members: Vec<_> = invitations
            .iter()
            .map(|one| self.is_of_member(one))
            .collect();
        let members = stream::iter(members).buffered(QUERIES_AT_ONCE);
        let members: Vec<bool> = members.try_collect().await?;
        let mut addresses = HashSet::new();
        let all: Vec<_> = invitations.iter().enumerate().zip(members).collect();
        let (mut alone, mut together) = (Vec::new(), Vec::new());
        for (placed, is_member) in all {
            let address = placed.1.email.as_ref().map(Email::folded);
            if is_member || !addresses.insert(address) {
                alone.push(placed);
            } else {
                together.push(placed);
            }
        }
        let mut results = Results::of(invitations);
        for some in in_transactions(together) {
            let left = results.add_together(
                some,
                |some| self.invite_together(cx, some),
                |unmet, one| outcome_of(cx, unmet, one),
            );
            alone.extend(left.await?);
        }
        alone.sort_by_key(|(place, _)| *place);
        for (place, invitation) in alone {
            let cx = cx.of_item(&place.to_string());
            results.settle_alone(place, self.create_invitation(&cx, invitation).await)?;
        }
        results.complete()
    }

    async fn is_of_member(&self, invitation: &Invitation) -> Result<bool, Error> {
        match &invitation.email {
            Some(email) => self.is_member_by_email(invitation, email).await,
            None => Ok(false),
        }
    }

    /// Returns the transaction that creates these invitations.
    fn invite_together(
        &self,
        cx: &Context,
        invitations: &[Placed<'_, Invitation>],
    ) -> Result<Transaction<'_, InvitationBatchLabel>, Error> {
        let created = |one| event(EventType::InvitationCreated, Transition::Created(one));
        let events = invitations.iter().map(|(_, one)| created(one));
        let mut transaction = self.transaction(&cx.origin, events)?;
        let Some((_, first)) = invitations.first() else {
            return Ok(transaction);
        };
        let highest = invitations.iter().map(|(_, one)| one.role);
        let requirement = Requirement {
            permission: Permission::ManageMembers,
            reach: highest.max_by_key(|role| role.rank()),
        };
        access::require(
            &mut transaction,
            (InvitationAction::Caller, 0),
            &cx.caller,
            &first.organization_id,
            requirement,
            cx.now,
        );
        let organization = keys::organization(&first.tenant_id, &first.organization_id);
        let live = organizations::live();
        transaction.check((InvitationAction::Organization, 0), &organization, live);
        let mut teams = HashSet::new();
        for (place, invitation) in invitations {
            for team in &invitation.team_ids {
                if teams.insert(team) {
                    let (team, own) = team_to_join(invitation, team);
                    transaction.check((InvitationAction::Team, 0), &team, own);
                }
            }
            let email = invitation.email.as_ref();
            let email = email.ok_or(table::Error::defect("an invitation without an address"))?;
            let (row, free) = (to_row(invitation)?, not_invited(invitation.created_at));
            transaction.put(
                (InvitationAction::Invitation, *place),
                row,
                Condition::absent(),
            );
            let invitee = invitee_row(invitation, email);
            transaction.put((InvitationAction::Invitee, *place), invitee, free);
            if let Some(record) = cx.of_item(&place.to_string()).record() {
                let added = Added::New((*invitation).clone());
                record.write(&mut transaction, (InvitationAction::Record, *place), &added)?;
            }
        }
        Ok(transaction)
    }
}

/// Splits invitations so that each part fits in one transaction.
fn in_transactions(invitations: Vec<Placed<'_, Invitation>>) -> Vec<Vec<Placed<'_, Invitation>>> {
    let mut parts: Vec<Vec<Placed<'_, Invitation>>> = Vec::new();
    let (mut actions, mut teams) = (MAX_ACTIONS, HashSet::new());
    for (place, invitation) in invitations {
        let new_teams = |teams: &HashSet<_>| {
            let own = invitation.team_ids.iter();
            own.filter(|team| !teams.contains(*team)).count()
        };
        if actions + OWN_ACTIONS + new_teams(&teams) > MAX_ACTIONS {
            parts.push(Vec::new());
            teams.clear();
            actions = SHARED_ACTIONS;
        }
        actions += OWN_ACTIONS + new_teams(&teams);
        teams.extend(&invitation.team_ids);
        if let Some(part) = parts.last_mut() {
            part.push((place, invitation));
        }
    }
    parts
}

fn outcome_of(
    cx: &Context,
    unmet: &Unmet<InvitationBatchLabel>,
    (place, _): Placed<'_, Invitation>,
) -> Result<ItemOutcome<Invitation>, Error> {
    if unmet.of(&(InvitationAction::Organization, 0)).is_some() {
        return Ok(ItemOutcome::settled(Err(Refusal::NotFound)));
    }
    let item = cx.of_item(&place.to_string());
    if let Some(first) = replayed(&item, unmet, &(InvitationAction::Record, place))? {
        return Ok(first);
    }
    // The caller's role may still reach some of the roles, and other invitations may name other teams.
    let alone = [
        (InvitationAction::Caller, 0),
        (InvitationAction::Team, 0),
        (InvitationAction::Invitee, place),
    ];
    if alone.iter().any(|label| unmet.of(label).is_some()) {
        return Ok(ItemOutcome::Alone);
    }
    Ok(ItemOutcome::Pending)
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use super::*;
    use crate::domain::Role;
    use crate::store::fake::Fake;
    use crate::store::invitations::tests::invitation;
    use crate::store::rows::users::EMAIL_VERIFIED;
    use crate::store::samples::{
        member_row, organization_row, profile_row, request_of_admin, user,
    };

    fn sizes(invitations: &[Invitation]) -> Vec<usize> {
        let placed = invitations.iter().enumerate().collect();
        in_transactions(placed).iter().map(Vec::len).collect()
    }

    #[test]
    fn a_team_counts_once_in_a_transaction() {
        let into_one = vec![invitation("t"); 25];
        assert_eq!(sizes(&into_one), [24, 1]);
        // The last one has room without its team.
        let mut into_two = vec![invitation("t"); 23];
        into_two.push(invitation("u"));
        assert_eq!(sizes(&into_two), [23, 1]);
        let into_others: Vec<_> = (0..25).map(|n| invitation(&format!("t{n}"))).collect();
        assert_eq!(sizes(&into_others), [19, 6]);
    }

    #[tokio::test]
    async fn the_address_of_a_member_is_not_invited() {
        let one = invitation("t");
        let email = one.email.clone().unwrap();
        let mut profile = profile_row("ada", &[("email", &email.to_string())]);
        let listed = keys::user_by_email(&one.tenant_id, &email, &user("ada"));
        profile.extend(listed.attributes_of("gsi1"));
        profile.insert(EMAIL_VERIFIED.to_owned(), AttributeValue::Bool(true));
        let member = member_row("ada", Role::Member);
        let fake = Fake::with([organization_row(), profile, member]);
        let store = fake.store();
        let cx = request_of_admin();
        let results = store.create_invitations(&cx, &[one]).await.unwrap();
        assert!(matches!(results[..], [Err(Refusal::AddressOfMember)]));
        assert!(fake.writes().is_empty());
    }
}
