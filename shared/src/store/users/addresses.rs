//! Users by their email address.

use crate::domain::{Email, TenantId, UserId};
use crate::store::keys::{self, GSI1, USER_PREFIX};
use crate::store::rows::users::from_row;
use crate::store::table::Query;
use crate::store::{Store, table};

/// Number of users with one address that are looked at. More than one has it only if the addresses of others are not
/// verified, or if one person has several logins.
const USERS_OF_ADDRESS: usize = 100;

impl Store {
    /// Returns the users of the tenant who have this address, verified. Makes one query of the index, which is eventually
    /// consistent.
    pub(in crate::store) async fn verified_users_of(
        &self,
        tenant: &TenantId,
        email: &Email,
    ) -> Result<Vec<UserId>, table::Error> {
        let page = self
            .table
            .query(
                Query::in_partition(Some(GSI1), keys::users_of_email(tenant, email), USER_PREFIX)
                    .limit(USERS_OF_ADDRESS),
            )
            .await?;
        let users = page.items.into_iter().map(from_row);
        let users = users.collect::<Result<Vec<_>, _>>()?.into_iter();
        let verified = users.filter(|user| user.email_verified);
        Ok(verified.map(|user| user.user_id).collect())
    }
}
