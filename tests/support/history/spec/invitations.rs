//! The sequential specification of invitations by email.

use muster::domain::{InvitationStatus, Permission, Role, Source, Status};
use muster_model::decisions::{live, require_manager};
use muster_model::table::{Id, Membership, TENANT_ADMIN};
use muster_model::transaction::grants;

use super::{Spec, code};
use crate::history::invitations::{InvitationRequest, Proof};
use crate::history::response::HistoryResponse;

/// An invitation in the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::history) struct Invited {
    number: u8,
    organization: Id,
    user: Id,
    role: Role,
    inviter: Id,
    status: InvitationStatus,
    version: u32,
    sends: u32,
    accepted_by: Option<Id>,
}

impl Invited {
    fn told(self, is_new: bool) -> HistoryResponse {
        HistoryResponse::Invitation {
            role: self.role,
            status: self.status,
            version: self.version,
            sends: self.sends,
            accepted_by: self.accepted_by,
            is_new,
        }
    }

    fn ended(self, status: InvitationStatus) -> Self {
        Self {
            status,
            version: self.version + 1,
            ..self
        }
    }
}

/// The specification. `Err` has the code of a refusal.
impl Spec {
    /// Whether the request is refused before the caller is known to be disabled: the id is of another's address.
    pub(in crate::history) fn is_of_another(&self, caller: Id, request: InvitationRequest) -> bool {
        match request {
            InvitationRequest::Accept(number, Proof::Address)
            | InvitationRequest::Decline(number, Proof::Address) => self
                .invited(number)
                .is_ok_and(|invited| invited.user != caller),
            _ => false,
        }
    }

    pub(in crate::history) fn of_invitation(
        &mut self,
        caller: Id,
        request: InvitationRequest,
    ) -> HistoryResponse {
        let answer = match request {
            InvitationRequest::Create {
                organization,
                user,
                role,
                number,
            } => self.create(caller, (organization, user), role, number),
            InvitationRequest::Get(number) => self.get(caller, number),
            InvitationRequest::Resend(number) => self.resend(caller, number),
            InvitationRequest::Revoke(number) => self.revoke(caller, number),
            InvitationRequest::Accept(number, proof) => self.accept(caller, number, proof),
            InvitationRequest::Decline(number, proof) => self.decline(caller, number, proof),
        };
        answer.unwrap_or_else(HistoryResponse::Problem)
    }

    fn invited(&self, number: u8) -> Result<Invited, &'static str> {
        let mut all = self.invitations.iter();
        let found = all.find(|it| it.number == number).copied();
        found.ok_or("not-found")
    }

    fn set(&mut self, invited: Invited) {
        self.invitations.retain(|it| it.number != invited.number);
        self.invitations.push(invited);
        // The order in which they were created makes no difference.
        self.invitations.sort_unstable_by_key(|it| it.number);
    }

    fn create(
        &mut self,
        caller: Id,
        (organization, user): (Id, Id),
        role: Role,
        number: u8,
    ) -> Result<HistoryResponse, &'static str> {
        require_manager(&self.table, caller, organization, Some(role)).map_err(code)?;
        let open = self.invitations.iter().find(|it| {
            (it.organization, it.user, it.status) == (organization, user, InvitationStatus::Pending)
        });
        match open {
            Some(open) if open.role == role => return Ok(open.told(false)),
            Some(_) => return Err("already-invited"),
            None => {}
        }
        let invited = Invited {
            number,
            organization,
            user,
            role,
            inviter: caller,
            status: InvitationStatus::Pending,
            version: 1,
            sends: 1,
            accepted_by: None,
        };
        self.set(invited);
        Ok(invited.told(true))
    }

    fn get(&self, caller: Id, number: u8) -> Result<HistoryResponse, &'static str> {
        let invited = self.invited(number)?;
        require_manager(&self.table, caller, invited.organization, None).map_err(code)?;
        Ok(invited.told(false))
    }

    /// The invitation, if the caller may change it.
    fn changeable(&self, caller: Id, number: u8) -> Result<Invited, &'static str> {
        let invited = self.invited(number)?;
        let (organization, role) = (invited.organization, Some(invited.role));
        require_manager(&self.table, caller, organization, role).map_err(code)?;
        Ok(invited)
    }

    fn resend(&mut self, caller: Id, number: u8) -> Result<HistoryResponse, &'static str> {
        let before = self.changeable(caller, number)?;
        if before.status != InvitationStatus::Pending {
            return Err("invitation-not-valid");
        }
        let after = Invited {
            inviter: caller,
            sends: before.sends + 1,
            ..before.ended(InvitationStatus::Pending)
        };
        self.set(after);
        Ok(after.told(false))
    }

    fn revoke(&mut self, caller: Id, number: u8) -> Result<HistoryResponse, &'static str> {
        let before = self.changeable(caller, number)?;
        match before.status {
            InvitationStatus::Accepted => return Err("invitation-not-valid"),
            InvitationStatus::Pending => self.set(before.ended(InvitationStatus::Revoked)),
            _ => {}
        }
        Ok(HistoryResponse::Gone)
    }

    /// The invitation, if the proof is right and the organization live.
    fn answerable(&self, caller: Id, number: u8, proof: Proof) -> Result<Invited, &'static str> {
        let invited = self.invited(number)?;
        let is_right = match proof {
            Proof::Token(send) => send == invited.sends,
            Proof::Address => invited.user == caller,
        };
        if !is_right {
            return Err("not-found");
        }
        live(&self.table, invited.organization).map_err(code)?;
        Ok(invited)
    }

    fn require_address(&self, caller: Id, invited: Invited) -> Result<(), &'static str> {
        if !self.email_must_match || caller == invited.user {
            Ok(())
        } else if caller == TENANT_ADMIN {
            Err("email-not-verified")
        } else {
            Err("invitation-for-another-address")
        }
    }

    fn accept(
        &mut self,
        caller: Id,
        number: u8,
        proof: Proof,
    ) -> Result<HistoryResponse, &'static str> {
        let invited = self.answerable(caller, number, proof)?;
        let organization = invited.organization;
        let stored = self.table.membership(organization, caller);
        if invited.accepted_by == Some(caller) {
            let active = stored.filter(|it| it.status == Status::Active);
            active.ok_or("not-found")?;
            return Ok(self.told_membership(organization, caller, false));
        }
        if invited.status != InvitationStatus::Pending {
            return Err("not-found");
        }
        self.require_address(caller, invited)?;
        let may_grant = |inviter: Id| {
            let own = self.table.membership(organization, inviter);
            let permission = Permission::ManageMembers;
            own.is_some_and(|own| grants(own, permission, Some(invited.role)))
                && !self.table.is_disabled(inviter)
        };
        if invited.inviter != TENANT_ADMIN && !may_grant(invited.inviter) {
            return Err("invitation-not-valid");
        }
        let after = match stored {
            Some(stored) if stored.status == Status::Suspended => {
                return Err("invitation-not-valid");
            }
            Some(stored) if stored.status == Status::Active => stored,
            stored => Membership {
                role: invited.role,
                status: Status::Active,
                source: stored.map_or(Source::Invitation, |stored| stored.source),
                inviter: None,
            },
        };
        let mut table = self.table;
        table.memberships[organization][caller] = Some(after);
        let was_owner = stored.is_some_and(Membership::is_active_owner);
        if let Some(organization) = &mut table.organizations[organization] {
            organization.owner_count += u8::from(after.is_active_owner() && !was_owner);
        }
        self.put(&table);
        self.set(Invited {
            accepted_by: Some(caller),
            ..invited.ended(InvitationStatus::Accepted)
        });
        Ok(self.told_membership(organization, caller, false))
    }

    fn decline(
        &mut self,
        caller: Id,
        number: u8,
        proof: Proof,
    ) -> Result<HistoryResponse, &'static str> {
        let invited = self.answerable(caller, number, proof)?;
        let is_declined = invited.status == InvitationStatus::Declined;
        if invited.status != InvitationStatus::Pending && !is_declined {
            return Err("not-found");
        }
        self.require_address(caller, invited)?;
        if !is_declined {
            self.set(invited.ended(InvitationStatus::Declined));
        }
        Ok(HistoryResponse::Gone)
    }
}
