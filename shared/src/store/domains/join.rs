//! Joining an organization by a verified email address.

use aws_sdk_dynamodb::types::AttributeValue;

use super::{ClaimRow, DomainAction};
use crate::domain::{
    Actor, AutoJoin, Domain, EventContext, EventDraft, EventType, Origin, TenantId, Transition,
};
use crate::store::rows::known_user::{JOINED_BY_DOMAIN, KnownUser};
use crate::store::rows::{invitations, members, names, organizations, users};
use crate::store::table::{Condition, ItemChange, from_item, text};
use crate::store::users::Profile;
use crate::store::{Error, Store, WriteOutcome, keys};

/// The result of a login's look-up of the domain of an address.
#[derive(Clone, Debug)]
pub struct DomainOfLogin {
    /// The organization that users with an address of the domain join.
    pub auto_join: Option<AutoJoin>,
    /// Whether an organization of the tenant has verified a domain, now or earlier.
    pub tenant_has_domains: bool,
}

impl Store {
    /// Returns what a login looks up about the domain of an address. Makes one read.
    pub async fn domain_of_login(
        &self,
        tenant: &TenantId,
        domain: &Domain,
    ) -> Result<DomainOfLogin, Error> {
        let (key, mark) = (
            keys::domain_claim(tenant, domain),
            keys::has_domains(tenant),
        );
        let found = self.read(&[&key, &mark]).await?;
        let claim = found.item(&key).map(from_item::<ClaimRow>);
        let claim = claim.transpose()?.filter(|claim| claim.auto_join);
        Ok(DomainOfLogin {
            auto_join: claim.map(|claim| AutoJoin {
                tenant_id: claim.tenant_id,
                organization_id: claim.organization_id,
                domain: claim.domain,
                role: claim.auto_join_role,
            }),
            tenant_has_domains: found.item(&mark).is_some(),
        })
    }

    /// Adds the user who signs in to the organization of their domain, unless they are in it, have left it, or are invited
    /// by email: accepting an invitation would not change the role of a member.
    ///
    /// Writes one transaction on the conditions that the domain still belongs to the organization and adds users with
    /// this role, that the organization is live, that the user is known, not disabled, not in it, and was not removed
    /// from it, and that their address has no open invitation. Later logins make no call once they are in it
    /// or have left it.
    pub async fn join_by_domain(
        &self,
        profile: &Profile,
        login: &KnownUser,
        by: &AutoJoin,
    ) -> Result<WriteOutcome, Error> {
        let organization = &by.organization_id;
        if login.joined_by_domain.as_ref() == Some(organization) {
            return Ok(WriteOutcome::Unchanged);
        }
        let Some(email) = &profile.email else {
            return Ok(WriteOutcome::Unchanged);
        };
        let (tenant, user) = (&profile.tenant_id, &profile.user_id);
        let now = self.clock.now();
        let membership = by.membership(user, now);
        let mut item = members::to_row(&membership)?;
        names::add_copy(&mut item, &login.profile.user, organization);
        let origin = login.named_in(origin(profile));
        let added = Transition::Created(&membership);
        let event = EventDraft::membership(EventType::MembershipAdded, added, None);
        let mut transaction = self.transaction(&origin, [event])?;
        transaction.put(DomainAction::Membership, item, Condition::absent());
        let mark = ItemChange::new().set(JOINED_BY_DOMAIN, text(organization.as_str()));
        let profile = keys::user(tenant, user);
        let may_join = users::is_known().and(users::is_enabled());
        transaction.touch(DomainAction::User, &profile, mark.clone(), may_join.clone());
        let claim = keys::domain_claim(tenant, &by.domain);
        let still = Condition::new(
            "#organization_id = :own AND #auto_join = :true AND #auto_join_role = :role",
        )
        .value(":own", text(organization.as_str()))
        .value(":true", AttributeValue::Bool(true))
        .value(":role", text(by.role.as_str()));
        transaction.check(DomainAction::Claim, &claim, still);
        let left = keys::left_mark(tenant, user, organization);
        transaction.check(DomainAction::Left, &left, Condition::absent());
        let invitee = keys::invitee(tenant, organization, email);
        transaction.check(
            DomainAction::Invitee,
            &invitee,
            invitations::not_invited(now),
        );
        let key = keys::organization(tenant, organization);
        transaction.check(DomainAction::Organization, &key, organizations::live());
        let Err(unmet) = transaction.commit().await? else {
            return Ok(WriteOutcome::Done);
        };
        let is_settled = unmet.of(&DomainAction::Membership).is_some()
            || unmet.of(&DomainAction::Left).is_some();
        if is_settled {
            self.table.update(&profile, mark, may_join).await?;
        }
        Ok(WriteOutcome::Unchanged)
    }
}

/// Returns the origin of a membership that a domain makes.
fn origin(profile: &Profile) -> Origin {
    Origin::new(
        Actor::system(),
        EventContext {
            request_id: profile.request_id.clone(),
            operation: "postLogin".to_owned(),
            ..EventContext::default()
        },
    )
}
