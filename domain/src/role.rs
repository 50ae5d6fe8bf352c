//! Roles in an organization, and the permissions that each grants. This is the only place that defines them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use super::Invalid;

/// A role in an organization, by privilege:
/// `owner` > `admin` = `org_admin` > `manager` > `member` = `internal_user` >
/// `readonly` = `internal_user_viewer`.
///
/// Equal roles grant the same permissions. A role is stored and returned as provided.
// Declared with the highest privilege first: lists of roles have this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
// By path: with both traits imported, `VARIANTS` would be ambiguous.
#[derive(EnumString, IntoStaticStr, VariantArray, strum::VariantNames)]
#[strum(serialize_all = "snake_case")]
#[strum(parse_err_ty = Invalid, parse_err_fn = Invalid::must_be_one_of::<Self>)]
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Role {
    Owner,
    Admin,
    OrgAdmin,
    Manager,
    Member,
    InternalUser,
    Readonly,
    InternalUserViewer,
}

/// The permissions of members in an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Permission {
    /// See the organization.
    ViewOrganization,
    /// See `billing_*` and `stripe_customer_id`.
    ViewBilling,
    /// Change the organization, except its billing fields.
    UpdateOrganization,
    /// Change the billing fields.
    UpdateBilling,
    /// Delete the organization.
    DeleteOrganization,
    /// Restore a deleted organization.
    RestoreOrganization,
    /// Make another member an owner and give up their own owner role.
    TransferOwnership,
    /// See the members of the organization.
    ViewMembers,
    /// See the email addresses of the members.
    ViewEmails,
    /// Add, change and remove members, within the limits of [`Role::reaches`].
    ManageMembers,
    /// See the organization's teams.
    ViewTeams,
    /// Create, change and delete the organization's teams, and manage their members.
    ManageTeams,
    /// See the organization's events.
    ViewEvents,
    /// See, add, verify, change and remove the organization's domains.
    ManageDomains,
}

/// The privilege of a role. A greater value is a higher privilege.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Privilege {
    Read,
    Participate,
    Manage,
    Administer,
    Own,
}

impl Role {
    /// Returns the role's name in requests, responses and the table.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Returns the rank of the role. A higher privilege has a greater rank, and equal roles have the same rank.
    pub const fn rank(self) -> u8 {
        self.privilege() as u8
    }

    const fn privilege(self) -> Privilege {
        match self {
            Self::Owner => Privilege::Own,
            Self::Admin | Self::OrgAdmin => Privilege::Administer,
            Self::Manager => Privilege::Manage,
            Self::Member | Self::InternalUser => Privilege::Participate,
            Self::Readonly | Self::InternalUserViewer => Privilege::Read,
        }
    }

    /// Returns whether an active member with this role has the permission.
    pub fn grants(self, permission: Permission) -> bool {
        let needed = match permission {
            Permission::ViewOrganization | Permission::ViewMembers | Permission::ViewTeams => {
                Privilege::Read
            }
            Permission::ViewEmails | Permission::ManageTeams => Privilege::Manage,
            Permission::ViewBilling
            | Permission::UpdateOrganization
            | Permission::ManageMembers
            | Permission::ViewEvents => Privilege::Administer,
            Permission::UpdateBilling
            | Permission::DeleteOrganization
            | Permission::RestoreOrganization
            | Permission::TransferOwnership
            | Permission::ManageDomains => Privilege::Own,
        };
        self.privilege() >= needed
    }

    /// Returns whether a member with this role, who may manage members, may change a membership that has or gets the
    /// role `other`. Members cannot change or give a role higher than their own.
    pub fn reaches(self, other: Role) -> bool {
        self.privilege() >= other.privilege()
    }

    /// Returns the roles that grant a permission.
    pub fn granting(permission: Permission) -> impl Iterator<Item = Self> {
        let all = Self::VARIANTS.iter().copied();
        all.filter(move |role| role.grants(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_rank_by_their_privilege() {
        let ranks: Vec<_> = Role::VARIANTS.iter().map(|role| role.rank()).collect();
        assert_eq!(ranks, [4, 3, 3, 2, 1, 1, 0, 0]);
    }

    /// Each permission, and the number of roles that grant it.
    #[test]
    fn a_permission_is_granted_from_a_role_upwards() {
        use Permission as P;
        let expected = [
            (P::ViewOrganization, 8),
            (P::ViewMembers, 8),
            (P::ViewTeams, 8),
            (P::ViewEmails, 4),
            (P::ManageTeams, 4),
            (P::ViewBilling, 3),
            (P::UpdateOrganization, 3),
            (P::ManageMembers, 3),
            (P::ManageDomains, 1),
            (P::ViewEvents, 3),
            (P::UpdateBilling, 1),
            (P::DeleteOrganization, 1),
            (P::RestoreOrganization, 1),
            (P::TransferOwnership, 1),
        ];
        assert_eq!(expected.len(), P::VARIANTS.len());
        for (permission, roles) in expected {
            let granting: Vec<_> = Role::granting(permission).collect();
            assert_eq!(granting, Role::VARIANTS[..roles], "{permission:?}");
        }
    }

    #[test]
    fn equal_roles_grant_the_same() {
        for (one, other) in [
            (Role::Admin, Role::OrgAdmin),
            (Role::Member, Role::InternalUser),
            (Role::Readonly, Role::InternalUserViewer),
        ] {
            for &permission in Permission::VARIANTS {
                assert_eq!(one.grants(permission), other.grants(permission));
            }
            assert!(one.reaches(other) && other.reaches(one));
        }
    }

    #[test]
    fn a_higher_role_grants_all_that_a_lower_one_does() {
        for pair in Role::VARIANTS.windows(2) {
            for &permission in Permission::VARIANTS {
                assert!(pair[0].grants(permission) || !pair[1].grants(permission));
            }
        }
    }

    #[test]
    fn admin_reaches_admins_but_not_owners() {
        assert!(Role::Admin.reaches(Role::OrgAdmin));
        assert!(!Role::Admin.reaches(Role::Owner));
        assert!(Role::Owner.reaches(Role::Owner));
    }
}
