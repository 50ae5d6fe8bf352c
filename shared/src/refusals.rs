//! Maps errors of the store to problem details. This is the only module that knows both the store and the HTTP
//! contract.

use crate::domain::{Organization, Status};
use crate::http::{Code, Problem};
use crate::json::Violation;
use crate::store::{Error, Refusal, TableError};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal.into(),
            Error::Table(error) => error.into(),
        }
    }
}

impl From<Refusal> for Problem {
    #[expect(clippy::too_many_lines, reason = "one text for each refusal")]
    fn from(refusal: Refusal) -> Self {
        use Refusal as R;

        let (code, detail) = match refusal {
            R::NotFound => (
                Code::NotFound,
                "The resource does not exist, or you do not have access to it. Check the ids, and that your token is for the right tenant.",
            ),
            R::Forbidden => (
                Code::Forbidden,
                "Your role does not allow this. Ask an owner of the organization or a tenant admin.",
            ),
            R::UserDisabled => (
                Code::UserDisabled,
                "You are disabled in this tenant and have no access to its organizations and teams. Ask a tenant admin to enable you.",
            ),
            R::NameTaken => (
                Code::NameTaken,
                "Another organization or team has this name. Choose a different name.",
            ),
            R::AlreadyMember => (
                Code::AlreadyMember,
                "The user is already a member or invited, with another role. Change the role with PATCH on the member.",
            ),
            R::AlreadyInvited => (
                Code::AlreadyInvited,
                "The address has a pending invitation with another role. Revoke that invitation first.",
            ),
            R::AddressOfMember => (
                Code::AlreadyMember,
                "An active member of the organization has this email address. Change their role with PATCH on the member.",
            ),
            R::AlreadySuspended => (
                Code::AlreadyMember,
                "The user is a suspended member. Make them active with PATCH on the member: {\"status\": \"active\"}.",
            ),
            R::LastOwner => (
                Code::LastOwner,
                "This is the organization's last active owner. Make another member an owner first.",
            ),
            R::LastOwnerOf(organizations) => return last_owner_of(&organizations),
            R::BeingErased => (
                Code::Conflict,
                "The user is being erased. Repeat DELETE /users/{user_id} until it returns 204.",
            ),
            R::Unfinished => (
                Code::Unavailable,
                "The request is not complete. Repeat it: it continues where it stopped.",
            ),
            R::DirectoryManaged => (
                Code::DirectoryManaged,
                "This membership is managed by the directory. Remove the user from the group in the identity provider. \
                 If the directory no longer exists, a tenant admin can use ?force=true.",
            ),
            R::UnknownUser => (
                Code::UnknownUser,
                "No user with this id is known in your tenant. A tenant admin can register the user with PUT /users/{user_id}.",
            ),
            R::NotAnOrganizationMember => (
                Code::NotAnOrganizationMember,
                "The user is not an active member of the organization of this team. Add them to the organization first.",
            ),
            R::NotAnActiveMember(status) => (Code::NotAnOrganizationMember, not_active(status)),
            R::BudgetExceedsOrganization(exceeding) => {
                let violations = exceeding.iter().map(|limit| Violation {
                    pointer: limit.pointer.to_owned(),
                    detail: limit.reason.to_string(),
                });
                return Self {
                    violations: violations.collect(),
                    ..Self::new(
                        Code::BudgetExceedsOrganization,
                        "The team's limits are higher than its organization's. Lower the limits listed in the field errors, or raise the organization's limits first.",
                    )
                };
            }
            R::InvitationNotPending => (
                Code::InvitationNotPending,
                "The membership is suspended. Ask an owner or admin of the organization.",
            ),
            R::InvitationNotValid => (
                Code::InvitationNotValid,
                "The inviter may no longer invite with this role. Ask an owner or admin of the organization for a new invitation.",
            ),
            R::InvitationExpired => (
                Code::InvitationNotValid,
                "The invitation has expired. Ask an owner or admin of the organization for a new invitation.",
            ),
            R::EmailNotVerified => (
                Code::EmailNotVerified,
                "Your email address is not verified. Verify it, sign in again, and retry.",
            ),
            R::InvitationForAnotherAddress => (
                Code::InvitationForAnotherAddress,
                "Your verified email address is not the invited one. Sign in with the invited address.",
            ),
            R::InvitationEnded => (
                Code::InvitationNotValid,
                "The invitation was accepted, declined or revoked. Create a new invitation.",
            ),
            R::SentRecently => (
                Code::SentRecently,
                "The invitation was sent less than a minute ago. Retry after the number of seconds in Retry-After.",
            ),
            R::InvitationPending => (
                Code::InvitationPending,
                "The user has not accepted their invitation yet. To revoke it, remove the member.",
            ),
            R::IdempotencyMismatch => (
                Code::IdempotencyMismatch,
                "This Idempotency-Key was used for a different request. Use a new key for each new request.",
            ),
            R::VersionMismatch => (
                Code::VersionMismatch,
                "The current version of the resource does not match If-Match or If-None-Match. Read the resource again and retry.",
            ),
            R::LimitReached => (
                Code::LimitReached,
                "The tenant has the maximum number of these resources. Delete one first.",
            ),
            R::TooManyDomains => (
                Code::LimitReached,
                "The organization has the maximum number of domains. Remove one first.",
            ),
            R::DomainTaken => (
                Code::DomainTaken,
                "Another organization of your tenant has verified this domain. Its owners can remove it there.",
            ),
            R::DirectoryTaken => (
                Code::DirectoryTaken,
                "Another directory of this deployment reads this Entra tenant. Delete that one first, or ask the operator.",
            ),
            R::DirectoryBeingDeleted => (
                Code::Conflict,
                "The directory is being deleted. Repeat DELETE /directories/{directory_id} with the same memberships until it returns 204.",
            ),
            R::DirectoryNotActive => (
                Code::Conflict,
                "The directory is paused or broken. Set its status to active with PATCH /directories/{directory_id} first.",
            ),
            R::DomainNotVerified => (
                Code::DomainNotVerified,
                "The domain is not verified. Publish the DNS record in its field verification, then verify the domain.",
            ),
            R::TooManyChecks => (
                Code::Throttled,
                "Too many look-ups of this domain. Wait a minute and try again.",
            ),
            R::EndpointDisabled => (
                Code::EndpointDisabled,
                "The webhook endpoint is disabled and receives nothing. Enable it with PATCH first: {\"status\": \"enabled\"}.",
            ),
            R::Invalid { field, reason } => return Self::invalid_at(field, reason),
            R::InvalidPosition => (
                Code::InvalidCursor,
                "The cursor does not belong to this list. Start again without a cursor.",
            ),
        };
        Self::new(code, detail)
    }
}

/// Says why a user with this membership cannot become an owner.
const fn not_active(status: Option<Status>) -> &'static str {
    match status {
        Some(Status::Suspended) => {
            "The user's membership is suspended. Make them active with PATCH on the member first: {\"status\": \"active\"}."
        }
        Some(_) => {
            "The user has not accepted their invitation yet. Only an active member can become an owner."
        }
        None => {
            "The user is not a member of the organization. Only an active member can become an owner: add them first."
        }
    }
}

/// Names the organizations of which a user is the last owner.
fn last_owner_of(organizations: &[Organization]) -> Problem {
    let violations = organizations.iter().map(|one| {
        let hint = if one.is_live() {
            ""
        } else {
            ", which is deleted; restore it first"
        };
        Violation {
            pointer: format!("/organizations/{}", one.id),
            detail: format!(
                "has the user as its last active owner ({:?}{hint})",
                one.name.as_str()
            ),
        }
    });
    Problem {
        violations: violations.collect(),
        ..Problem::new(
            Code::LastOwner,
            "The user is the last active owner of the organizations listed in the field errors. Make another member of each an owner first.",
        )
    }
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        use TableError as E;

        let (code, detail) = match &error {
            E::Conflict(_) => (
                Code::Conflict,
                "The resource is being modified concurrently. Read it again and retry.",
            ),
            E::Throttled(_) => (
                Code::Throttled,
                "Too many requests. Retry after the number of seconds in Retry-After.",
            ),
            E::Unavailable(_) => (
                Code::Unavailable,
                "The database did not respond in time. Retry after the number of seconds in Retry-After; with an Idempotency-Key, a retry applies the change only once.",
            ),
            E::GuardFailed => return Refusal::UserDisabled.into(),
            E::Defect(_) => return Self::internal(error),
        };
        Self {
            source: Some(error.into()),
            ..Self::new(code, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_internal_error_shows_no_details() {
        let problem = Problem::from(TableError::Defect("row TENANT#t#USER#u".into()));
        let body = problem.to_json("/organizations", "r1").to_string();
        assert!(!body.contains("TENANT#"), "{body}");
        assert!(problem.source.is_some(), "kept for the log");
    }
}
