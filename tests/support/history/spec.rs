//! The sequential specification of the requests.
//!
//! It is the state machine of the exhaustive search, one step at a time, with the versions and
//! idempotency records that the search omits.

mod invitations;

use muster::domain::Status;
use muster_model::decisions::{Decision, decide, refusal};
use muster_model::recipes::transaction;
use muster_model::requests::{Request, RequestOutcome};
use muster_model::table::{Id, ORGANIZATIONS, Table, USERS};
use muster_model::transaction::Attempt;

use self::invitations::Invited;
use super::invitations::InvitationRequest;
use super::linear::Sequential;
use super::response::HistoryResponse;

/// A request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The caller.
    pub caller: Id,
    /// The operation.
    pub what: What,
    /// The `Idempotency-Key`.
    pub key: Option<u8>,
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A write, with its expected version.
    Write(Request, Option<u32>),
    /// Gets an organization.
    Organization(Id),
    /// Gets a member of an organization.
    Member(Id, Id),
    /// A request about an invitation by email.
    Invitation(InvitationRequest),
}

/// The state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The table.
    pub table: Table,
    organization_versions: [u32; ORGANIZATIONS],
    membership_versions: [[u32; USERS]; ORGANIZATIONS],
    /// All invitations by email, by number.
    pub(super) invitations: Vec<Invited>,
    /// Whether only the invited address accepts an invitation.
    pub email_must_match: bool,
    /// First responses, by caller and key.
    records: Vec<(Id, u8, HistoryResponse)>,
}

impl Sequential for Spec {
    type Operation = Operation;
    type Response = HistoryResponse;

    fn invoke(&mut self, operation: &Operation) -> HistoryResponse {
        let Operation { caller, what, key } = *operation;
        if let What::Invitation(request) = what
            && self.is_of_another(caller, request)
        {
            return HistoryResponse::Problem("not-found");
        }
        if self.table.is_disabled(caller) {
            return HistoryResponse::Problem("user-disabled");
        }
        let first = self
            .records
            .iter()
            .find(|(of, used, _)| (*of, Some(*used)) == (caller, key));
        if let Some((_, _, first)) = first {
            return *first;
        }
        let answer = match what {
            What::Write(request, version) => self.write(caller, request, version),
            What::Organization(id) => self.organization(caller, id),
            What::Member(id, user) => self.member(caller, id, user),
            What::Invitation(request) => self.of_invitation(caller, request),
        };
        if let Some(key) = key
            && !matches!(answer, HistoryResponse::Problem(_))
        {
            self.records.push((caller, key, answer));
        }
        answer
    }
}

impl Spec {
    /// A table with all items in their first version.
    pub fn new(table: Table) -> Self {
        let mut spec = Self::default();
        spec.put(&table);
        spec
    }

    fn write(&mut self, caller: Id, request: Request, version: Option<u32>) -> HistoryResponse {
        let decision = decide(&self.table, caller, request);
        let is_hidden = matches!(
            decision,
            Decision::Answer(RequestOutcome::NotFound | RequestOutcome::Forbidden)
        );
        let stored = request.organization();
        let stored = stored.map(|id| self.organization_versions[id]);
        if !is_hidden && version.is_some_and(|version| Some(version) != stored) {
            return HistoryResponse::Problem("version-mismatch");
        }
        let seen = match decision {
            Decision::Answer(outcome) => return self.tell(caller, request, outcome),
            Decision::Write(seen) => seen,
        };
        let attempt = Attempt {
            is_unchanged: true,
            without: None,
        };
        let transaction = transaction(caller, request, seen);
        if !attempt.commits(&self.table, &transaction) {
            let outcome = refusal(&self.table, attempt, caller, request, &transaction);
            if let (RequestOutcome::Again, Some(again)) = (outcome, added_again(request)) {
                return self.write(caller, again, version);
            }
            return self.tell(caller, request, outcome);
        }
        self.put(&attempt.apply(&self.table, &transaction));
        self.tell(caller, request, RequestOutcome::Applied)
    }

    /// Applies the result of a write and counts the versions.
    pub(super) fn put(&mut self, table: &Table) {
        for id in 0..ORGANIZATIONS {
            let plain = |table: &Table| table.organizations[id].map(|it| (it.name, it.live));
            self.organization_versions[id] += u32::from(plain(&self.table) != plain(table));
            for user in 0..USERS {
                let version = &mut self.membership_versions[id][user];
                let (before, after) = (
                    self.table.memberships[id][user],
                    table.memberships[id][user],
                );
                *version = match (before, after) {
                    (_, None) => 0,
                    (before, after) if before == after => *version,
                    _ => *version + 1,
                };
            }
        }
        self.table = *table;
    }

    fn tell(&self, caller: Id, request: Request, outcome: RequestOutcome) -> HistoryResponse {
        let is_new = outcome == RequestOutcome::Applied;
        match outcome {
            RequestOutcome::Applied | RequestOutcome::Nothing => {}
            refused => return HistoryResponse::Problem(code(refused)),
        }
        match request {
            Request::Delete { .. }
            | Request::Remove { .. }
            | Request::Join { .. }
            | Request::Leave { .. }
            | Request::Suspend { .. }
            // As `What::Invitation`.
            | Request::Invite { .. }
            | Request::Resend { .. }
            | Request::Revoke { .. }
            | Request::AcceptByEmail { .. }
            | Request::DeclineByEmail { .. } => HistoryResponse::Gone,
            Request::Disable { user } | Request::Enable { user } => HistoryResponse::User {
                is_disabled: self.table.is_disabled(user),
            },
            Request::Create { organization, .. } => self.told_organization(organization, true),
            Request::Rename { organization, .. }
            | Request::Restore { organization }
            | Request::Transfer { organization, .. } => self.told_organization(organization, false),
            Request::Add {
                organization, user, ..
            } => self.told_membership(organization, user, is_new),
            Request::AddAgain {
                organization, user, ..
            }
            | Request::ChangeRole {
                organization, user, ..
            }
            | Request::ChangeStatus {
                organization, user, ..
            } => self.told_membership(organization, user, false),
            Request::Accept { organization } => self.told_membership(organization, caller, false),
        }
    }

    fn organization(&self, caller: Id, id: Id) -> HistoryResponse {
        if self.sees(caller, id) {
            self.told_organization(id, false)
        } else {
            HistoryResponse::Problem("not-found")
        }
    }

    fn member(&self, caller: Id, id: Id, user: Id) -> HistoryResponse {
        let is_live = self.table.organizations[id].is_some_and(|it| it.live);
        if is_live && (caller == user || self.sees(caller, id)) {
            self.told_membership(id, user, false)
        } else {
            HistoryResponse::Problem("not-found")
        }
    }

    /// Whether the caller sees it: any active role does.
    fn sees(&self, caller: Id, id: Id) -> bool {
        let is_member = self.table.membership(id, caller);
        let is_member = is_member.is_some_and(|own| own.status == Status::Active);
        let is_live = self.table.organizations[id].is_some_and(|it| it.live);
        is_live && (is_member || caller == muster_model::table::TENANT_ADMIN)
    }

    fn told_organization(&self, id: Id, is_new: bool) -> HistoryResponse {
        match self.table.organizations[id] {
            Some(it) => HistoryResponse::Organization {
                name: it.name,
                version: self.organization_versions[id],
                is_new,
            },
            None => HistoryResponse::Problem("not-found"),
        }
    }

    pub(super) fn told_membership(&self, id: Id, user: Id, is_new: bool) -> HistoryResponse {
        match self.table.membership(id, user) {
            Some(it) => HistoryResponse::Membership {
                role: it.role,
                status: it.status,
                version: self.membership_versions[id][user],
                is_new,
            },
            None => HistoryResponse::Problem("not-found"),
        }
    }
}

/// The step after adding a user who is invited already.
pub fn added_again(request: Request) -> Option<Request> {
    match request {
        Request::Add {
            organization,
            user,
            role,
            status,
        } => Some(Request::AddAgain {
            organization,
            user,
            role,
            status,
        }),
        _ => None,
    }
}

/// The code of a refusal.
pub fn code(refused: RequestOutcome) -> &'static str {
    match refused {
        RequestOutcome::NotFound => "not-found",
        RequestOutcome::Forbidden => "forbidden",
        RequestOutcome::NameTaken => "name-taken",
        RequestOutcome::AlreadyMember => "already-member",
        RequestOutcome::LastOwner => "last-owner",
        RequestOutcome::InvitationNotPending => "invitation-not-pending",
        RequestOutcome::InvitationNotValid => "invitation-not-valid",
        RequestOutcome::InvitationPending => "invitation-pending",
        RequestOutcome::DirectoryManaged => "directory-managed",
        RequestOutcome::Invalid => "validation-failed",
        RequestOutcome::NotAnOrganizationMember => "not-an-organization-member",
        RequestOutcome::AlreadyInvited => "already-invited",
        RequestOutcome::UserDisabled => "user-disabled",
        RequestOutcome::Again
        | RequestOutcome::Ended
        | RequestOutcome::Conflict
        | RequestOutcome::Applied
        | RequestOutcome::Nothing => "conflict",
    }
}
