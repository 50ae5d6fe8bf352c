//! The user who signs in.

use crate::domain::{
    Actor, ActorType, Email, EntraObjectId, EventContext, Name, Origin, TenantId, UserId,
};

/// The user who signs in, as described by the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The tenant of the user.
    pub tenant_id: TenantId,
    /// The id of the user.
    pub user_id: UserId,
    /// The email address, if the event contains one.
    pub email: Option<Email>,
    /// Whether the event proves that the address belongs to the user.
    pub email_verified: bool,
    /// The display name, if the event contains one.
    pub display_name: Option<Name>,
    /// The Entra object id, if the event contains one.
    pub entra_object_id: Option<EntraObjectId>,
    /// The id of the request.
    pub request_id: String,
}

impl Profile {
    /// Returns the origin of what the login changes in the profile.
    pub(in crate::store) fn user_origin(&self) -> Origin {
        let actor = Actor {
            actor_type: ActorType::User,
            id: self.user_id.as_str().to_owned(),
            name: self
                .display_name
                .as_ref()
                .map(|name| name.as_str().to_owned()),
        };
        self.origin(actor)
    }

    /// Returns the origin of what the directory changes at the login.
    pub fn directory_origin(&self) -> Origin {
        self.origin(Actor::directory())
    }

    fn origin(&self, actor: Actor) -> Origin {
        Origin::new(
            actor,
            EventContext {
                request_id: self.request_id.clone(),
                operation: "postLogin".to_owned(),
                ..EventContext::default()
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::store::samples::login_of_ada;

    #[test]
    fn changes_of_a_login_name_its_request() {
        let login = login_of_ada(None);
        for origin in [login.user_origin(), login.directory_origin()] {
            assert_eq!(origin.context.request_id, "r");
            assert_eq!(origin.context.operation, "postLogin");
        }
    }
}
