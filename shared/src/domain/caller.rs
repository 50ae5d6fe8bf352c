use super::{TenantId, UserId};

/// The caller of a request. All fields come from the verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant of the caller, who has no access to anything outside of it.
    pub tenant_id: TenantId,
    /// The user id of the caller.
    pub user_id: UserId,
    /// Whether the caller has the permissions of an owner in every organization of the tenant.
    pub tenant_admin: bool,
}
