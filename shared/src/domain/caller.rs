use super::{TenantId, UserId};

/// Who makes a request. All of it comes from the verified token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Their tenant: nothing outside of it exists for them.
    pub tenant_id: TenantId,
    /// Who they are.
    pub user_id: UserId,
    /// May do in any organization of the tenant what an owner may.
    pub tenant_admin: bool,
}
