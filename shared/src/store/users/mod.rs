//! The operations on users.

pub(super) mod accounts;
mod addresses;
mod erase;
mod list;
mod login;
mod names;
mod register;
mod update;

pub use accounts::UserAccount;
pub use list::UserFilter;
pub use login::Profile;
pub use update::TokenRights;

use crate::domain::{Caller, User, UserId};
use crate::store::rows::users::from_row;
use crate::store::{Context, Error, Refusal, Store, keys};

/// Result of registering a user.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// The current user.
    pub user: User,
    /// Whether the user was not known before.
    pub is_new: bool,
}

impl Store {
    /// Returns a user of the tenant. Requires the user themselves or a tenant admin.
    pub async fn user(&self, cx: &Context, user: &UserId) -> Result<User, Error> {
        let caller = &cx.caller;
        self.require_self_or_tenant_admin(caller, user).await?;
        let item = self.table.get(&keys::user(&caller.tenant_id, user)).await?;
        Ok(from_row(item.ok_or(Refusal::NotFound)?)?)
    }

    /// Requires the user themselves or a tenant admin. Returns not found if the user is not known in the
    /// caller's tenant.
    pub(super) async fn require_self_or_tenant_admin(
        &self,
        caller: &Caller,
        user: &UserId,
    ) -> Result<(), Error> {
        if caller.tenant_admin || caller.user_id == *user {
            return Ok(());
        }
        match self.table.get(&keys::user(&caller.tenant_id, user)).await? {
            Some(_) => Err(Refusal::Forbidden.into()),
            None => Err(Refusal::NotFound.into()),
        }
    }
}

/// Label of the action in the transaction on a user.
#[derive(Clone, Copy, PartialEq)]
enum UserAction {
    User,
    Email,
    Account,
    Membership,
    Team,
    Organization,
}
