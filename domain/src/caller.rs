use super::{ActorType, Email, TenantId, UserId};

/// The caller of a request. All fields come from the verified token, except the tenant of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The tenant of the caller, who has no access to anything outside of it. A machine names it in each request.
    pub tenant_id: TenantId,
    /// The user id of the caller; of a machine its client id.
    pub user_id: UserId,
    /// Whether the caller has the permissions of an owner in every organization of the tenant. A machine has them.
    pub tenant_admin: bool,
    /// Whether the caller is a machine: a backend, which is not a user and becomes no member.
    pub machine: bool,
    /// The email address in the token, if it has one.
    pub email: Option<ClaimedEmail>,
}

/// An email address, and whether it is proved to belong to the user who has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedEmail {
    /// The address.
    pub address: Email,
    /// Whether the user pool or the identity provider has verified it.
    pub is_verified: bool,
}

impl ClaimedEmail {
    /// Returns the address if it is verified.
    pub fn verified(&self) -> Option<&Email> {
        self.is_verified.then_some(&self.address)
    }
}

impl Caller {
    /// Returns the type of actor that events show.
    pub fn actor_type(&self) -> ActorType {
        if self.machine {
            ActorType::Machine
        } else if self.tenant_admin {
            ActorType::TenantAdmin
        } else {
            ActorType::User
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_verified_address_is_returned() {
        let address: Email = "ada@acme.example".parse().unwrap();
        for is_verified in [true, false] {
            let claimed = ClaimedEmail {
                address: address.clone(),
                is_verified,
            };
            assert_eq!(claimed.verified().is_some(), is_verified);
        }
    }
}
