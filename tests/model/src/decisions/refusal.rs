//! The store's handling of a rejected transaction.

use super::{already, invitations, live, standing};
use crate::requests::{Request, RequestOutcome};
use crate::table::{Id, Key, Table};
use crate::transaction::{Action, Attempt, Change, Condition, Transaction};

/// The outcome of a rejected transaction: a response, or [`RequestOutcome::Again`] to read and decide once more.
pub fn refusal(
    table: &Table,
    attempt: Attempt,
    caller: Id,
    request: Request,
    transaction: &Transaction,
) -> RequestOutcome {
    let unmet = |is_it: &dyn Fn(&Action) -> bool| attempt.unmet(table, transaction).any(is_it);
    let is_caller = |action: &Action| {
        action.change == Change::Nothing
            && matches!(action.conditions[0], Some(Condition::Grants { .. }))
    };
    let is_inviter =
        |action: &Action| matches!(action.conditions[0], Some(Condition::InviterGrants(_)));
    let is_membership = |action: &Action| {
        !is_caller(action) && !is_inviter(action) && matches!(action.key, Key::Membership(..))
    };
    if unmet(&|action| action.conditions[0] == Some(Condition::Enabled)) {
        // `Transaction::guard`: whichever other conditions fail.
        return RequestOutcome::UserDisabled;
    }
    if matches!(request, Request::Transfer { .. }) {
        // The memberships or the organization have changed since they were read.
        return RequestOutcome::Again;
    }
    let Some(organization) = request.organization() else {
        // The profile has changed since it was read.
        return RequestOutcome::Again;
    };
    if request.is_of_invitation() {
        let of = (caller, organization);
        return invitations::refusal(table, attempt, of, request, transaction);
    }
    let of_organization = unmet(&|action| matches!(action.key, Key::Organization(_)));
    if of_organization && matches!(request, Request::Add { .. } | Request::AddAgain { .. }) {
        // First: a deleted organization is deleted for everyone.
        return RequestOutcome::NotFound;
    }
    if unmet(&is_caller) {
        // `access::refusal`.
        return match standing(table, organization, caller) {
            Ok(_) => RequestOutcome::Forbidden,
            Err(outcome) => outcome,
        };
    }
    let of_membership = unmet(&is_membership);
    let of_name = unmet(&|action| matches!(action.key, Key::Name(_)));
    match request {
        Request::Create { .. } if of_name => RequestOutcome::NameTaken,
        Request::Create { .. } => RequestOutcome::Conflict,
        Request::Rename { .. } | Request::Delete { .. } | Request::Restore { .. } => {
            if of_name && !of_organization {
                RequestOutcome::NameTaken
            } else {
                RequestOutcome::Again
            }
        }
        Request::Add {
            user, role, status, ..
        } => match table.membership(organization, user) {
            Some(stored) => already(stored, (role, status), caller),
            None => RequestOutcome::Conflict,
        },
        Request::Join { .. } | Request::Leave { .. } | Request::Suspend { .. } => {
            if of_organization && !of_membership {
                RequestOutcome::LastOwner
            } else {
                RequestOutcome::Nothing
            }
        }
        _ if of_membership => RequestOutcome::Again,
        Request::Accept { .. } if !of_organization => RequestOutcome::InvitationNotValid,
        _ if live(table, organization).is_err() => RequestOutcome::NotFound,
        _ => RequestOutcome::LastOwner,
    }
}
