//! How users of a verified domain become members when they sign in.

use schemars::JsonSchema;

use super::super::patch::nothing_required;
use super::super::{
    Domain, Email, Invalid, Membership, OrganizationId, Permission, Role, Source, Status, TenantId,
    Timestamp, UserId,
};
use super::OrganizationDomain;

/// A change of a domain. Absent fields keep their value.
#[derive(Clone, Debug, Default, PartialEq, Eq, JsonSchema)]
#[schemars(deny_unknown_fields, transform = nothing_required)]
pub struct DomainPatch {
    /// Whether users with a verified email address of the domain become members when they sign in. Requires that the
    /// domain is verified.
    #[schemars(with = "bool")]
    pub auto_join: Option<bool>,
    /// Role of users who join. Cannot be a role that manages members: `owner`, `admin` or `org_admin`.
    #[schemars(with = "Role")]
    pub auto_join_role: Option<Role>,
}

impl DomainPatch {
    /// Fails if users could get a role by which they manage members.
    pub fn check_role(&self) -> Result<(), Invalid> {
        let manages = |role: Role| role.grants(Permission::ManageMembers);
        if self.auto_join_role.is_some_and(manages) {
            return Err(Invalid::new(
                "must be a role that does not manage members: manager, member, internal_user, readonly or internal_user_viewer",
            ));
        }
        Ok(())
    }

    /// Returns the domain after the change. Returns it unchanged, including the version, if nothing changes.
    #[must_use]
    pub fn apply(&self, before: &OrganizationDomain, now: Timestamp) -> OrganizationDomain {
        let auto_join = self.auto_join.unwrap_or(before.auto_join);
        let auto_join_role = self.auto_join_role.unwrap_or(before.auto_join_role);
        if (auto_join, auto_join_role) == (before.auto_join, before.auto_join_role) {
            return before.clone();
        }
        OrganizationDomain {
            auto_join,
            auto_join_role,
            version: before.version + 1,
            updated_at: now,
            ..before.clone()
        }
    }
}

/// A verified domain by which users become members when they sign in.
#[derive(Clone, Debug, PartialEq)]
pub struct AutoJoin {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The organization that they join.
    pub organization_id: OrganizationId,
    /// The domain of their email addresses.
    pub domain: Domain,
    /// The role that they get.
    pub role: Role,
}

impl AutoJoin {
    /// Returns the membership of a user who joins.
    pub fn membership(&self, user: &UserId, now: Timestamp) -> Membership {
        Membership {
            source: Source::Domain,
            ..Membership::new(
                self.tenant_id.clone(),
                self.organization_id.clone(),
                user.clone(),
                self.role,
                Status::Active,
                now,
            )
        }
    }
}

impl Email {
    /// Returns the domain of the address, unless no organization can have it.
    pub fn provable_domain(&self) -> Option<Domain> {
        let (_, domain) = self.as_str().rsplit_once('@')?;
        let domain: Domain = domain.parse().ok()?;
        domain.check_provable().ok()?;
        Some(domain)
    }
}

#[cfg(test)]
mod tests {
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn roles_that_manage_members_cannot_auto_join() {
        for &role in Role::VARIANTS {
            let patch = DomainPatch {
                auto_join: None,
                auto_join_role: Some(role),
            };
            let manages = matches!(role, Role::Owner | Role::Admin | Role::OrgAdmin);
            assert_eq!(patch.check_role().is_err(), manages, "{role:?}");
        }
    }

    #[test]
    fn the_domain_of_an_address_is_the_part_after_the_last_at() {
        let domain = |email: &str| email.parse::<Email>().unwrap().provable_domain();
        let acme = |text: &str| Some(text.parse().unwrap());
        assert_eq!(domain("ada@ACME.example"), acme("acme.example"));
        assert_eq!(domain("\"x@gmail.com\"@acme.example"), acme("acme.example"));
        assert_eq!(domain("ada@mail.acme.example"), acme("mail.acme.example"));
        assert_eq!(domain("ada@gmail.com"), None);
        assert_eq!(domain("ada@contoso.onmicrosoft.com"), None);
    }
}
